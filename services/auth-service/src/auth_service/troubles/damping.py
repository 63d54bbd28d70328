"""What follows for a trouble from what was noticed: opened once, closed once. Pure.

A trouble that ends is quiet first, for as long as its kind must stay away; noticed again meanwhile,
it is the same trouble, one time more, and nobody is told. A kind that need not stay away closes at
once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

REMINDED_AFTER = (timedelta(days=1), timedelta(days=2), timedelta(days=4), timedelta(days=7))
"""The pauses before reminders of a trouble that lasts; the last one repeats."""

Step = Literal["close", "open", "again", "keep", "quiet"]
"""close: a quiet one's time is over; open: a new trouble; again: it came again in time; keep: it is
there still, or has ended still; quiet: it ended, and waits."""


@dataclass(frozen=True)
class Open:
    """An open trouble, as far as the rule goes."""

    quiet_until: datetime | None = None


def steps(
    open_one: Open | None, *, is_present: bool, now: datetime, settles: timedelta
) -> tuple[Step, ...]:
    """What to do, in this order, when the kind is noticed or seen to be over."""
    first: tuple[Step, ...] = ()
    if open_one is not None and open_one.quiet_until is not None and open_one.quiet_until <= now:
        first, open_one = ("close",), None
    if is_present:
        if open_one is None:
            return (*first, "open")
        return ("again",) if open_one.quiet_until is not None else ("keep",)
    if open_one is None:
        return first
    if open_one.quiet_until is not None:
        return ("keep",)
    return ("quiet",) if settles > timedelta(0) else ("close",)


def remind_after(reminders: int) -> timedelta:
    """How long after what was told last the next reminder is due, when so many went before."""
    return REMINDED_AFTER[min(reminders, len(REMINDED_AFTER) - 1)]
