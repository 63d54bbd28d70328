"""What a trouble is. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

Event = Literal["opened", "updated", "reminded", "closed"]
"""What may be told of a trouble: that it is there, that it came nearer (a token's steps), that it
lasts, and that it is over."""
EVENTS: tuple[Event, ...] = get_args(Event)
Outcome = Literal["ended", "superseded"]


@dataclass(frozen=True)
class Found:
    """What was noticed: a kind of trouble, of which subject, since when, and the ids of what it is
    about. `details` are small facts for whoever reads it."""

    merchant_id: str
    kind: str
    subject: str
    since: datetime
    shop_id: str | None = None
    feed_id: str | None = None
    catalogue_id: str | None = None
    run_id: str | None = None
    order_id: str | None = None
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trouble:
    """A trouble as kept: opened once, closed once.

    While it is over, but may come again, `quiet_since` says since when, and `quiet_until` when it
    is closed. `revision` rises with all that is told of it: whoever has read a lower one has not
    read it. `source_revision` is that of the condition it was last heard of by.
    """

    trouble_id: str
    merchant_id: str
    kind: str
    subject: str
    severity: str
    since: datetime
    opened_at: datetime
    quiet_since: datetime | None
    quiet_until: datetime | None
    closed_at: datetime | None
    outcome: Outcome | None
    times: int
    revision: int
    source_revision: int
    reminders: int
    remind_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    shop_id: str | None
    feed_id: str | None
    catalogue_id: str | None
    run_id: str | None
    order_id: str | None
    details: dict[str, str]

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, of one that is closed."""
        return None if self.closed_at is None else self.quiet_since or self.closed_at
