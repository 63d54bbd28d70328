"""The door of REST: who sends a body is known before it is read, and answers say how to be taken.

FastAPI reads a request's body before it asks who sent it: 300 MB without a token took 600 MB of
memory. Here a body needs a valid token first, but at the public paths. How long a body may be is
said by the app, and by the routes that take longer ones (`max_body_size`).

A request acts for nobody in the database until its route says for whom (`merchant_with`,
`caller_with`, `for_everybody`), so a route that forgets to ask who calls shows nothing. From where
it comes is known from here on to whoever writes down what it changed (`common.postgres.audit`).
"""

from collections.abc import Collection

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.errors import Outage, Refusal
from common.postgres.acting import NOBODY, acting_for
from common.postgres.audit import Actor, acting_as
from common.web.identity import identify
from common.web.problem import answer_outage, answer_refusal

MAX_BODY_BYTES = 2_000_000
"""The longest body of a route that says nothing else: a dead letter of a megabyte, in base 64."""

_ANSWER_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Of every answer of the API that does not say otherwise."""
API = "/v1/"


class Door:
    """ASGI middleware around a service's app. `public` are the paths that take bodies of anyone."""

    def __init__(self, app: ASGIApp, *, public: Collection[str]) -> None:
        self._app = app
        self._public = frozenset(public)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with acting_for(NOBODY), acting_as(_somebody(scope)):  # until a route says for whom
            await self._let_in(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in self._public and _has_body(Headers(scope=scope)):
            try:
                await identify(Request(scope))
            except Refusal as refusal:
                await answer_refusal(refusal)(scope, receive, send)
                return
            except Outage as outage:
                await answer_outage(outage)(scope, receive, send)
                return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["path"].startswith(API):
                headers = MutableHeaders(scope=message)
                for name, value in _ANSWER_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def address_of(scope: Scope) -> str:
    """The network address a request comes from, as uvicorn knows it; empty when it does not."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _somebody(scope: Scope) -> Actor:
    """Who calls before a token says who."""
    return Actor("anyone", address=address_of(scope) or None)


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
