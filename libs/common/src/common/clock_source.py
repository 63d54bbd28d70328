"""Keeps this process's clock on one that is served over HTTP: the sandbox's, on a local stack."""

import asyncio
from datetime import datetime

import httpx2
import msgspec
import structlog

from common import clock

log = structlog.get_logger()


class _ClockReading(msgspec.Struct):
    now: datetime
    is_frozen: bool = False


class Follower:
    """Keeps this process's clock on the one served at `url`. Close it with `aclose`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx2.AsyncClient(timeout=2.0)

    async def begin(self) -> None:
        """Take the clock before anything reads the time; after a few seconds without it, go on."""
        for attempt in range(20):
            if await self._has_adopted():
                return
            log.warning("clock.unreachable", attempt=attempt)
            await asyncio.sleep(0.25)

    async def follow(self) -> bool:
        """Look once, as a job: there is never more work to do at once.

        A reading that fails leaves the clock where it was; the next one corrects it.
        """
        await self._has_adopted()
        return False

    async def aclose(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def _has_adopted(self) -> bool:
        try:
            await adopt(self._client, self._url)
        except httpx2.HTTPError as error:
            log.debug("clock.unreachable", reason=type(error).__name__)
            return False
        return True


async def adopt(client: httpx2.AsyncClient, url: str) -> None:
    """Read the clock at `url` once and set this process's clock to it.

    Raises `httpx2.HTTPError` when it does not answer.
    """
    answer = await client.get(url)
    answer.raise_for_status()
    reading = msgspec.json.decode(answer.content, type=_ClockReading)
    clock.set_to(reading.now, is_frozen=reading.is_frozen)
