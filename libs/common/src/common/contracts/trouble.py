"""`trouble.opened`, `trouble.closed`: what keeps a shop from being right, and its end (M9.1)."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec

from common.contracts.condition import Subject
from common.contracts.event import Event, ExternalId, Identifier, key_of

TroubleSeverity = Literal["critical", "warning"]
"""critical: the shop sells, updates or ships wrongly now; warning: it soon will, or a person has to
decide something."""


class _TroubleFact(Event, frozen=True, kw_only=True):
    trouble_id: str
    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
    """The table of kinds is docs/alerts.md; more may come."""
    subject: Subject
    """Which one: `feed/summer`, `shop/main`, `order/main/8100000000000001` ..."""
    severity: TroubleSeverity
    title: str
    """What is wrong, in English."""
    since: datetime
    """When it began, as far as is known."""
    shop_id: Identifier | None = None
    feed_id: Identifier | None = None
    catalogue_id: Identifier | None = None
    run_id: str | None = None
    order_id: ExternalId | None = None
    details: dict[str, str] = msgspec.field(default_factory=dict)
    """Small facts: counts, a cause's words, a deadline."""

    def key(self) -> str:
        """merchant/kind/subject."""
        return key_of(self.merchant_id, self.kind, self.subject)


class TroubleOpened(_TroubleFact, frozen=True, kw_only=True):
    """Something keeps a shop from being right, or an order from leaving in time. Once a trouble."""

    topic: ClassVar[str] = "trouble.opened"

    meaning: str
    """What it means for the shop, in English."""
    remedy: str
    """What to do, in English."""


class TroubleClosed(_TroubleFact, frozen=True, kw_only=True):
    """The trouble is over. Once a trouble, after its `trouble.opened`."""

    topic: ClassVar[str] = "trouble.closed"

    ended_at: datetime
    """When it ended; for kinds that come and go (docs/alerts.md) this fact follows once it has
    stayed away."""
    times: int
    """How often it was there in between: more than 1 where it came again soon after an end."""
    outcome: Literal["ended", "superseded"]
    """superseded: it became another trouble, as a token that expires soon one that has expired."""
