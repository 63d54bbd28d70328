"""Keeps this process's clock on one that is served over HTTP: the sandbox's, on a local stack."""

import asyncio
from datetime import datetime, timedelta

import httpx2
import msgspec
import structlog

from common import clock
from common.supervision import Component, abandon, result_of

log = structlog.get_logger()

PAUSE = timedelta(milliseconds=200)
"""Between two questions, of which each waits for the clock's next move where it can."""
STOPPED_WITHIN = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(seconds=1)
"""While it does not answer: it is the installation's time, and soon back."""


class _ClockReading(msgspec.Struct):
    now: datetime
    is_frozen: bool = False
    move: int | None = None


class Follower(Component):
    """Keeps this process's clock on the one served at `url`. Close it with `aclose`."""

    def __init__(self, url: str) -> None:
        super().__init__("clock", stop_within=STOPPED_WITHIN, longest_pause=LONGEST_PAUSE)
        self._url = url
        self._client = httpx2.AsyncClient(timeout=5.0)
        self._move: int | None = None

    async def begin(self) -> None:
        """Take the clock before anything reads the time; after a few seconds without it, go on."""
        for attempt in range(20):
            try:
                await self._follow()
            except httpx2.HTTPError:
                log.warning("clock.unreachable", attempt=attempt)
                await asyncio.sleep(0.25)
            else:
                return

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def _turn(self) -> timedelta:
        following = asyncio.create_task(self._follow())
        stopping = asyncio.create_task(self.until_stopped())
        try:
            await asyncio.wait([following, stopping], return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                result_of(following)
        finally:
            abandon(following)
            abandon(stopping)
        return PAUSE

    def _on_failure(self, error: BaseException) -> None:
        """A reading that fails leaves the clock where it was; the next one corrects it."""
        self._move = None
        log.debug("clock.unreachable", reason=type(error).__name__)

    async def _follow(self) -> None:
        self._move = await adopt(self._client, self._url, after=self._move)


async def adopt(client: httpx2.AsyncClient, url: str, *, after: int | None = None) -> int | None:
    """Read the clock at `url` and set this process's clock to it; gives the number of its last
    move, `after` which the next reading may wait for another.

    Raises `httpx2.HTTPError` when it does not answer.
    """
    answer = await client.get(url, params={} if after is None else {"after_move": after})
    answer.raise_for_status()
    reading = msgspec.json.decode(answer.content, type=_ClockReading)
    clock.set_to(reading.now, is_frozen=reading.is_frozen)
    return reading.move
