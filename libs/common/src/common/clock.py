"""The one source of time: all services take it from here, SQL never from `now()`.

The clock is the system's, unless `follow` is told of another (the local stack follows the
sandbox's, which its control API moves). Waiting for something due therefore goes by `now()`, never
by one long sleep: `follow` may jump.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx2
import msgspec
import structlog

log = structlog.get_logger()

_offset = timedelta()
_frozen_at: datetime | None = None


class _ClockReading(msgspec.Struct):
    now: datetime
    is_frozen: bool = False


def now() -> datetime:
    """The current time in UTC."""
    if _frozen_at is not None:
        return _frozen_at
    return datetime.now(UTC) + _offset


def wall_now() -> datetime:
    """The system's time in UTC, for what measures a process's life (leases), not business time."""
    return datetime.now(UTC)


def epoch_milliseconds() -> int:
    """`now()` as milliseconds since 1970, the unit of revisions."""
    return int(now().timestamp() * 1000)


async def follow(url: str, *, every: timedelta = timedelta(milliseconds=500)) -> None:
    """Keep this process's clock on the one served at `url`, until cancelled.

    A reading that fails leaves the clock where it was; the next one corrects it.
    """
    async with httpx2.AsyncClient(timeout=2.0) as client:
        while True:
            try:
                await adopt(client, url)
            except httpx2.HTTPError as error:
                log.debug("clock.unreachable", reason=type(error).__name__)
            await asyncio.sleep(every.total_seconds())


async def adopt(client: httpx2.AsyncClient, url: str) -> None:
    """Read the clock at `url` once and set this process's clock to it.

    Raises `httpx2.HTTPError` when it does not answer.
    """
    global _offset, _frozen_at  # noqa: PLW0603 - the process has one clock
    answer = await client.get(url)
    answer.raise_for_status()
    reading = msgspec.json.decode(answer.content, type=_ClockReading)
    _offset = reading.now - datetime.now(UTC)
    _frozen_at = reading.now if reading.is_frozen else None
