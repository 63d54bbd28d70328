"""Parts of pages that follow what is under way: sent anew when they change, as server-sent events.

A part that is to be followed names its address in `data-live` (`assets/live.js`). Its route answers
with the part; asked for a stream, with the part now and each time it has changed, until it has no
`data-live` any more, the session has ended, or the process is to end. Browsers connect again by
themselves after `LONGEST`. Whoever gets no stream asks again every two seconds.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog
from fastapi.responses import StreamingResponse
from starlette.responses import Response

from console.services import Away, Refused
from console.tokens import digest

log = structlog.get_logger()

LONGEST = 300.0
"""Seconds that a stream lasts at most."""
_MARK = b" data-live="
_END = b"event: end\ndata:\n\n"
_ALIVE = b":\n\n"
_AGAIN = b"retry: 2000\n\n"
Look = Callable[[], Awaitable[Response]]


class LiveStreams:
    """The streams of this process.

    Each looks every `every` seconds; a session may have `per_session`, all together `at_most`.
    """

    def __init__(self, *, every: float, per_session: int, at_most: int) -> None:
        self._every = every
        self._per_session = per_session
        self._at_most = at_most
        self._open: Counter[bytes] = Counter()
        self._ending = asyncio.Event()

    @property
    def count(self) -> int:
        """How many are open."""
        return self._open.total()

    def end(self) -> None:
        """Let all end now: the process is to end."""
        self._ending.set()

    def has_room(self, session: str) -> bool:
        """Whether one more may be opened."""
        is_free = self.count < self._at_most and not self._ending.is_set()
        return is_free and self._open[digest(session)] < self._per_session

    def stream(self, session: str, look: Look) -> Response:
        """The part as `look` gives it, now and whenever it has changed; 429 without room."""
        if not self.has_room(session):
            return Response(status_code=429, headers={"retry-after": "2"})
        return StreamingResponse(
            self._events(session, look),
            media_type="text/event-stream",
            headers={"x-accel-buffering": "no"},
        )

    async def _events(self, session: str, look: Look) -> AsyncIterator[bytes]:
        if not self.has_room(session):
            return
        of = digest(session)
        self._open[of] += 1
        try:
            async for event in self._changes(look):
                yield event
        finally:
            self._open[of] -= 1
            if not self._open[of]:
                del self._open[of]

    async def _changes(self, look: Look) -> AsyncIterator[bytes]:
        sent, ends = b"", time.monotonic() + LONGEST
        yield _AGAIN
        while not self._ending.is_set() and time.monotonic() < ends:
            try:
                part = bytes((await look()).body)
            except Refused as refused:  # the session has ended, or what was followed is gone
                log.info("live.ended", status=refused.problem.status)
                yield _END
                return
            except Away:  # it may answer the next time
                part = sent
            if part == sent:
                yield _ALIVE
            else:
                yield event_of(part)
                sent = part
            if sent and _MARK not in sent:
                yield _END
                return
            try:
                await asyncio.wait_for(self._ending.wait(), self._every)
            except TimeoutError:
                continue


def event_of(part: bytes) -> bytes:
    """The event that carries a part."""
    lines = b"".join(b"data: " + line + b"\n" for line in part.splitlines())
    return b"event: part\n" + lines + b"\n"
