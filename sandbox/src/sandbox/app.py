"""The application: which path leads where."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from sandbox import authorization
from sandbox.control import actions as control
from sandbox.gateway import NEW_BUSINESS, NEW_SYSTEM, OLD, ConnectionBroken, Gateway
from sandbox.home import home
from sandbox.mails.catcher import start_catcher
from sandbox.mails_page import mails
from sandbox.methods import feeds, orders, product_reads, products, shop, tokens
from sandbox.pictures import picture
from sandbox.server import (
    BadRequest,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    TooLarge,
    break_connection,
    read_request,
    send_response,
)
from sandbox.settings import Settings
from sandbox.state import State
from sandbox.state_file import StateFile

TICK_SECONDS = 0.2
REGISTERED = (feeds, orders, product_reads, products, shop, tokens)
"""Modules whose import registers the gateway's methods."""


class Application:
    """The ASGI application around one state."""

    def __init__(self, settings: Settings) -> None:
        self._state_file = StateFile(settings.state_file) if settings.state_file else None
        self.state = State(settings, self._state_file.load() if self._state_file else None)
        self._gateway = Gateway(self.state)
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, or start and stop with the server."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        try:
            request = await read_request(scope, receive, self.state.settings.max_body_bytes)
            response = await self.route(request)
        except BadRequest as error:
            response = Response(str(error).encode(), status=400, content_type="text/plain")
        except TooLarge:
            response = Response(b"too large", status=413, content_type="text/plain")
        except ConnectionBroken:
            await break_connection(scope, receive)
            return
        await send_response(send, response)

    async def route(self, request: Request) -> Response:
        """The answer to one request. Raises `ConnectionBroken` for faults that do."""
        path = request.path
        for prefix, kind in _GATEWAYS:
            if path == prefix or (kind != OLD and path.startswith(prefix + "/")):
                return await self._gateway.answer(request, kind, path[len(prefix) :])
        if path.startswith("/pictures/") or self.state.photos.is_address(path):
            return await picture(path.removeprefix("/pictures/"))
        if path.startswith("/control/"):
            await control.wait_for_move(self.state, request)
            return control.answer(self.state, request)
        page = _PAGES.get(path)
        if page is None:
            return Response(b"not found", status=404, content_type="text/plain")
        return page(self.state, request)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        settings = self.state.settings
        catcher = None
        if settings.smtp_port:
            catcher = await start_catcher(self.state.mailbox, settings.host, settings.smtp_port)
        self._tasks.append(asyncio.create_task(self._tick()))
        if self._state_file is not None:
            saving = self._state_file.save_regularly(lambda: self.state.stored)
            self._tasks.append(asyncio.create_task(saving))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if catcher is not None:
            catcher.close()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._state_file is not None:
            self._state_file.save(self.state.stored)
        await send({"type": "lifespan.shutdown.complete"})

    async def _tick(self) -> None:
        """Let things happen when nobody asks."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.state.advance()


_GATEWAYS = (("/sync", NEW_BUSINESS), ("/rest", NEW_SYSTEM), ("/router/rest", OLD))
_PAGES: dict[str, Callable[[State, Request], Response]] = {
    "/": home,
    "/mails": mails,
    "/oauth/authorize": authorization.authorize,
    "/authorize": authorization.authorize,
    "/token": authorization.old_token,
}
