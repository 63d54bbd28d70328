"""Uvicorn with limits: of connections, of requests at once, and of how long headers may take.

Uvicorn waits for the headers of a request without end, and answers what is above its own limit
with a plain text. So a connection is closed whose headers do not come in time, and requests are
counted here, where a refusal is a problem like any other; uvicorn's limit is that of connections.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import jwt
import uvicorn
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from common.errors import NotFound, Outage, Refusal
from common.settings import ServingSettings
from common.supervision import has_passed
from common.web.door import API
from common.web.problem import answer_outage, answer_refusal

TICK = timedelta(seconds=1)
"""How old the time in an answer's `Date` may be."""
_COME_AGAIN = timedelta(seconds=1)
_PROBES = "/health/"
_TOO_MANY = Refusal(
    "the merchant has too many requests under way at once",
    status=429,
    slug="too-many-requests",
    remedy="Wait for answers before you ask more, and repeat this one after a second.",
    retry_after=_COME_AGAIN,
)


def is_of_api(path: str) -> bool:
    """Whether a path is of the REST API, which others may reach."""
    return path.startswith(API)


class Server(uvicorn.Server):
    """Uvicorn that leaves the process's signals alone, and rests while nothing is asked: its own
    looks ten times a second whether to end, and each tenth time sets the clock of its answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Take no more connections; `serve` returns after the requests in progress."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """Tick once a second until the end; the first of ten of uvicorn's ticks sets the clock."""
        while not await self.on_tick(0):
            await has_passed(self._ending, TICK)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Whoever runs it decides when to end."""
        yield


def make_servers(
    app: ASGIApp, settings: ServingSettings, *, is_public: Callable[[str], bool] = is_of_api
) -> list[Server]:
    """What serves the app: one port, or what is public alone on the one and all of it on
    another."""
    if settings.operations_port is None:
        return [Server(_server_config(app, settings, settings.port))]
    return [
        Server(_server_config(PublicOnly(app, is_public), settings, settings.port)),
        Server(_server_config(app, settings, settings.operations_port)),
    ]


def _server_config(app: ASGIApp, settings: ServingSettings, port: int) -> uvicorn.Config:
    """With h11, since it alone bounds the size of headers."""

    class Protocol(HeaderDeadline):
        within = timedelta(seconds=settings.headers_within_seconds)

    return uvicorn.Config(
        RequestLimit(app, at_once=settings.requests_at_once),
        host=settings.host,
        port=port,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=settings.backlog,
        limit_concurrency=settings.connections_at_once,
        h11_max_incomplete_event_size=settings.header_bytes,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=settings.request_grace_seconds,
    )


class HeaderDeadline(H11Protocol):
    """Closes a connection on which a request's headers are not whole in time."""

    within = timedelta(seconds=10)
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(  # type: ignore[override]  # narrower than asyncio's, as uvicorn's is
        self, transport: asyncio.Transport
    ) -> None:
        """The first request's headers are awaited from now on."""
        super().connection_made(transport)
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        """A further request's headers are awaited from their first byte."""
        super().data_received(data)
        if self._is_between_requests:
            self._await_headers()
        else:
            self._forget_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._forget_deadline()
        super().connection_lost(exc)

    @property
    def _is_between_requests(self) -> bool:
        """Whether no request has its headers whole and its answer to come."""
        return self.cycle is None or self.cycle.response_complete

    def _await_headers(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.within.total_seconds(), self._close)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close(self) -> None:
        self._deadline = None
        if self._is_between_requests:
            self.transport.close()


class PublicOnly:
    """ASGI middleware: the public paths, and nothing else of the app."""

    def __init__(self, app: ASGIApp, is_public: Callable[[str], bool] = is_of_api) -> None:
        self._app = app
        self._is_public = is_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer that there is nothing."""
        if scope["type"] == "http" and not self._is_public(scope["path"]):
            await answer_refusal(NotFound("path"))(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class RequestLimit:
    """ASGI middleware: so many requests at once, and a problem with status 503 for others. Probes
    are always answered.

    A merchant has never more requests under way than it leaves room for: the next is answered
    with 429, so that one that asks too much does not keep others out (X22). It is the one the
    token names, not the path: nobody uses up another's room. Tokens are verified further in, before
    anything is waited for on behalf of one that lies.
    """

    def __init__(self, app: ASGIApp, *, at_once: int) -> None:
        self._app = app
        self._at_once = at_once
        self._running = 0
        self._of_merchants: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer it here."""
        if scope["type"] != "http" or scope["path"].startswith(_PROBES):
            await self._app(scope, receive, send)
            return
        merchant = _merchant(Headers(scope=scope))
        free = self._at_once - self._running
        if free <= 0:
            full = Outage("the service has too much to do at once", retry_after=_COME_AGAIN)
            await answer_outage(full)(scope, receive, send)
        elif merchant and self._of_merchants[merchant] > free:
            await answer_refusal(_TOO_MANY)(scope, receive, send)
        else:
            with self._counted(merchant):
                await self._app(scope, receive, send)

    @contextmanager
    def _counted(self, merchant: str) -> Iterator[None]:
        self._running += 1
        self._of_merchants[merchant] += 1
        try:
            yield
        finally:
            self._running -= 1
            self._of_merchants -= Counter([merchant])  # drops those that have none


def _merchant(headers: Headers) -> str:
    """The merchant that the bearer token names, not yet verified; empty when it names none."""
    _, _, token = headers.get("authorization", "").partition(" ")
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return ""
    return str(claims.get("merchant") or "")
