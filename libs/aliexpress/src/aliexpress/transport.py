"""The one seam to the network: a form goes out, status and body come back.

A transport knows nothing of AliExpress; it only says whether a request may have arrived.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

import httpx2
import msgspec

from common.outbound.http_client import HttpClient

MAX_ANSWER_BYTES = 16 * 1024 * 1024
ANSWER_SECONDS = 30.0
NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer of any status."""

    status: int
    body: bytes


class NotSent(Exception):
    """The request never left: repeating it is safe."""


class AnswerLost(Exception):
    """The request may have been received, but its answer is lost, broken, late or too large."""


class Transport(Protocol):
    """Sends one form by POST, as multipart when there are files.

    Promises a `Reply` or raises `NotSent` or `AnswerLost`, within a bounded time. Follows no
    redirect.
    """

    async def post(self, url: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> Reply:
        """Send `fields` (and `files`) to `url`."""

    async def aclose(self) -> None:
        """Close all connections."""


class HttpTransport:
    """`Transport` over httpx2, with kept-alive connections to one host."""

    def __init__(
        self,
        *,
        timeout: httpx2.Timeout | float = ANSWER_SECONDS,
        max_duration: timedelta = timedelta(seconds=60),
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        max_connections: int = 32,
    ) -> None:
        """`timeout` bounds each step, a number the answering alone; `max_duration` an answer that
        drips in."""
        is_number = isinstance(timeout, int | float)
        steps = httpx2.Timeout(timeout, connect=5.0, pool=10.0) if is_number else timeout
        self._max_duration = max_duration
        self._max_answer_bytes = max_answer_bytes
        self._http = HttpClient(
            timeout=steps,
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=max_connections),
        )

    async def post(self, url: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> Reply:
        """See `Transport`."""
        uploads = {name: (name, content) for name, content in files.items()} or None
        try:
            async with self._http.stream("POST", url, data=fields, files=uploads) as answer:
                return Reply(answer.status_code, await self._read(answer))
        except NEVER_SENT as error:
            raise NotSent(f"not reachable ({type(error).__name__})") from error
        except httpx2.HTTPError as error:
            raise AnswerLost(f"answer lost ({type(error).__name__})") from error

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _read(self, answer: httpx2.Response) -> bytes:
        deadline = time.monotonic() + self._max_duration.total_seconds()
        body = bytearray()
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > self._max_answer_bytes:
                raise AnswerLost(f"answer larger than {self._max_answer_bytes} bytes")
            if time.monotonic() > deadline:
                raise AnswerLost(f"answer not complete after {self._max_duration}")
        return bytes(body)
