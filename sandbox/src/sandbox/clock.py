"""The sandbox's clock, moved by the control API, and the forms times take on the wire."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

PACIFIC = ZoneInfo("America/Los_Angeles")
"""Order filters, order times and the feed list."""
BEIJING = ZoneInfo("Asia/Shanghai")
"""The old gateway's timestamps and the end of a daily quota."""
WIRE_FORM = "%Y-%m-%d %H:%M:%S"


class ClockState(msgspec.Struct):
    """How the clock differs from the wall's; `frozen_at` while it stands still."""

    offset_seconds: float = 0.0
    frozen_at: datetime | None = None


class Clock:
    """The time AliExpress believes it is."""

    def __init__(self, state: ClockState) -> None:
        self._state = state

    def now(self) -> datetime:
        """The current time in UTC."""
        if self._state.frozen_at is not None:
            return self._state.frozen_at
        return datetime.now(UTC) + timedelta(seconds=self._state.offset_seconds)

    @property
    def is_frozen(self) -> bool:
        """Whether time stands still."""
        return self._state.frozen_at is not None

    def set(self, moment: datetime) -> None:
        """Make it this moment now; a frozen clock stays frozen there."""
        if self._state.frozen_at is not None:
            self._state.frozen_at = moment.astimezone(UTC)
        self._state.offset_seconds = (moment - datetime.now(UTC)).total_seconds()

    def freeze(self, is_frozen: bool) -> None:
        """Stop the clock, or let it run on from where it stands."""
        now = self.now()
        self._state.frozen_at = now if is_frozen else None
        self._state.offset_seconds = (now - datetime.now(UTC)).total_seconds()


class ClockMoves:
    """Tells those who follow the clock that it was set. Lives as long as the process."""

    def __init__(self) -> None:
        self.number = time.time_ns() // 1_000_000
        """Another after each move, and after a start of the sandbox."""
        self._next = asyncio.Event()

    def note(self) -> None:
        """The clock was set."""
        self.number += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, number: str, within: float) -> None:
        """Return once there is another move than this, or after so many seconds."""
        if str(self.number) == number:
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._next.wait()


def wall_seconds() -> float:
    """Seconds since 1970 on the wall's clock."""
    return time.time()


@lru_cache(maxsize=65_536)
def pacific(moment: datetime | None) -> str | None:
    """A moment as orders and the feed list write it."""
    return None if moment is None else moment.astimezone(PACIFIC).strftime(WIRE_FORM)


def from_pacific(text: str) -> datetime | None:
    """A moment read from Pacific time, `yyyy-MM-dd HH:mm:ss`.

    None for a date without a time, which is ignored as a filter. Raises ValueError otherwise. The
    hour that autumn repeats is read as its first occurrence.
    """
    if len(text) == len("2026-01-01"):
        return None
    return datetime.strptime(text, WIRE_FORM).replace(tzinfo=PACIFIC).astimezone(UTC)
