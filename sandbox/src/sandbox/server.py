"""HTTP without a framework: what came in, what goes out, on raw ASGI for speed.

uvicorn's parser knows request lines up to 64 KiB only; clients are known that put a whole feed
in the query of a bodyless POST, so `LongLineProtocol` cuts the query off before it is parsed.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from io import BytesIO
from types import FrameType
from typing import Any
from urllib.parse import unquote_to_bytes

import uvicorn
from python_multipart.multipart import parse_form
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LONGEST_PARSED_URL = 60_000


class BadRequest(Exception):
    """The request cannot be read: not UTF-8, or a form that is none."""


class TooLarge(Exception):
    """The body is larger than the sandbox reads."""


@dataclass(slots=True)
class Request:
    """A request read to its end; `parameters` are the query's and the form's together."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    body: bytes = b""

    @property
    def parameters(self) -> dict[str, str]:
        """All parameters; the form wins where both name one."""
        return self.query | self.form if self.form else self.query


@dataclass(slots=True)
class Response:
    """An answer; headers beside the content type are pairs."""

    body: bytes
    status: int = 200
    content_type: str = "application/json;charset=UTF-8"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


class Server(uvicorn.Server):
    """Uvicorn that sleeps until a signal ends it; its own looks ten times a second for that."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by the signal, wherever the program is."""
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ending.set)

    async def main_loop(self) -> None:
        """Until the end."""
        self._loop = asyncio.get_running_loop()
        if not self.should_exit:
            await self._ending.wait()


class LongLineProtocol(HttpToolsProtocol):
    """Takes request lines of any length, and lends the connection to those who must break it."""

    def on_headers_complete(self) -> None:
        """Parse all but a long query, then put the query back; the app runs after this."""
        query: bytes | None = None
        if len(self.url) > LONGEST_PARSED_URL:
            self.url, _, query = self.url.partition(b"?")
        super().on_headers_complete()
        if query is not None:
            self.scope["query_string"] = query
        self.scope["state"]["transport"] = self.transport


async def read_request(scope: Scope, receive: Receive, max_body_bytes: int) -> Request:
    """The whole request. Raises `BadRequest` or `TooLarge`."""
    body = await _read_body(receive, max_body_bytes)
    request = Request(
        method=scope["method"],
        path=scope["path"],
        query=decode_pairs(scope["query_string"]),
        body=body,
    )
    if body:
        content_type = next(
            (value for name, value in scope["headers"] if name == b"content-type"), b""
        )
        if content_type.startswith(b"application/x-www-form-urlencoded"):
            request.form = decode_pairs(body)
        elif content_type.startswith(b"multipart/form-data"):
            _read_multipart(request, content_type)
    return request


async def _read_body(receive: Receive, limit: int) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts = [body]
    size = len(body)
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise TooLarge
    return b"".join(parts)


def decode_pairs(encoded: bytes) -> dict[str, str]:
    """Pairs of a query or an url-encoded form; empty values are kept, the last of a name wins."""
    pairs: dict[str, str] = {}
    try:
        for part in encoded.split(b"&"):
            if part:
                name, _, value = part.partition(b"=")
                pairs[_decode(name)] = _decode(value)
    except UnicodeDecodeError as error:
        raise BadRequest("parameters are not UTF-8") from error
    return pairs


def _decode(text: bytes) -> str:
    if b"+" in text:
        text = text.replace(b"+", b" ")
    return (unquote_to_bytes(text) if b"%" in text else text).decode()


def _read_multipart(request: Request, content_type: bytes) -> None:
    def on_field(part: Any) -> None:
        request.form[part.field_name.decode()] = (part.value or b"").decode()

    def on_file(part: Any) -> None:
        part.file_object.seek(0)
        request.files[part.field_name.decode()] = part.file_object.read()

    headers = {
        "Content-Type": content_type,
        "Content-Length": str(len(request.body)).encode(),
    }
    try:
        parse_form(headers, BytesIO(request.body), on_field, on_file)
    except (ValueError, UnicodeDecodeError) as error:
        raise BadRequest("not a form") from error


async def send_response(send: Send, response: Response) -> None:
    """Write the answer out."""
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [
                (b"content-type", response.content_type.encode()),
                (b"content-length", str(len(response.body)).encode()),
                *response.headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": response.body})


async def break_connection(scope: Scope, receive: Receive) -> None:
    """Drop the connection without an answer."""
    transport: asyncio.Transport = scope["state"]["transport"]
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
