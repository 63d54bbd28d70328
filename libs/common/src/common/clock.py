"""The one source of time: all services take it from here, SQL never from `now()`.

The clock is the system's, unless it was set to another (`clock_source` keeps it on the sandbox's,
which its control API moves). Waiting for something due therefore goes by `now()`, never by one long
sleep: the clock may jump.
"""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_offset = timedelta()
_frozen_at: datetime | None = None


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
    return milliseconds_of(now())


def milliseconds_of(time: datetime) -> int:
    """The time as milliseconds since 1970, rounded down."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def seconds_between(begin: datetime | None, end: datetime) -> float:
    """How many seconds lie between them: 0 where nothing began, or it begins later."""
    return max(0.0, (end - begin).total_seconds()) if begin else 0.0


def set_to(time: datetime, *, is_frozen: bool = False) -> None:
    """Make it this time now; it goes on from there, or stands still."""
    global _offset, _frozen_at  # noqa: PLW0603 - the process has one clock
    _offset = time - datetime.now(UTC)
    _frozen_at = time if is_frozen else None
