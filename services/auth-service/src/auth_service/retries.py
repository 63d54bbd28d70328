"""When a message that could not be handed over is tried again: over a day, then no more. Pure."""

from datetime import datetime, timedelta

GIVEN_UP_AFTER = timedelta(days=1)
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 28_800)
)
"""After the first failure, the second ...; the last one repeats. Together more than a day."""
JITTER = 0.2
"""A share of the pause, so that what failed together does not come again together."""
LONGEST_ASKED = timedelta(hours=1)
"""How long a receiver may have us wait (Retry-After)."""


def next_attempt(
    attempts: int,
    queued_at: datetime,
    now: datetime,
    *,
    drawn: float,
    asked: timedelta | None = None,
) -> datetime | None:
    """When to try again after so many failed attempts; None: not any more.

    `drawn` is a random number from 0 to 1, `asked` how long the receiver asked to be left alone.
    """
    if now - queued_at >= GIVEN_UP_AFTER:
        return None
    pause = PAUSES[min(max(attempts, 1), len(PAUSES)) - 1] * (1 + JITTER * (2 * drawn - 1))
    if asked is not None:
        pause = max(pause, min(asked, LONGEST_ASKED))
    return now + pause
