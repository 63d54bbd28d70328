"""One mail for each message, or one for many that come at once. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

WINDOW = timedelta(minutes=2)
MOST = 5
"""Messages to one person about one merchant within `WINDOW` that are mails of their own."""

Plan = Literal["wait", "each", "digest"]


def plan(
    waiting: Sequence[datetime], told: Sequence[datetime], now: datetime, *, gathered: timedelta
) -> Plan:
    """What to do with messages that wait since then, when others were told then.

    They are gathered for a moment. Up to `MOST` within `WINDOW` go out one by one; with more than
    that they wait until nothing was told for `WINDOW`, and then are one digest. A clock that went
    back makes nobody wait.
    """
    if not waiting or _is_within(min(waiting), now, gathered):
        return "wait"
    recent = sum(_is_within(at, now, WINDOW) for at in told)
    if len(waiting) + recent <= MOST:
        return "each"
    return "wait" if recent else "digest"


def _is_within(at: datetime, now: datetime, span: timedelta) -> bool:
    return timedelta(0) <= now - at < span
