"""Keeps this process's clock on one that is served over HTTP: the sandbox's, on a local stack."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import httpx2
import msgspec
import structlog

from common import clock
from common.outbound.http_client import HttpClient
from common.supervision import Component

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
        self._client = HttpClient(timeout=5.0)
        self._move: int | None = None
        self._woken_by_moves: Sequence[Component] = ()

    def wake_by_moves(self, components: Sequence[Component]) -> None:
        """Wake these when the clock was moved: what they wait for may be due by now."""
        self._woken_by_moves = components

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
        await self.until_stopped_or(self._follow())
        return PAUSE

    def _on_failure(self, error: BaseException) -> None:
        """A reading that fails leaves the clock where it was; the next one corrects it."""
        self._move = None
        log.debug("clock.unreachable", reason=type(error).__name__)

    async def _follow(self) -> None:
        before = self._move
        self._move = await adopt(self._client, self._url, after=before)
        if self._move != before:
            for component in self._woken_by_moves:
                component.wake()


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
