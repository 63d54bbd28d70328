"""`feed.state` (how a feed is) and `feed.completed` (that a run of it ended)."""

from datetime import datetime
from typing import ClassVar, Literal

import msgspec

from common.contracts.event import Event, Identifier, Revision, key_of


class FeedState(Event, frozen=True, kw_only=True):
    """One configuration that sends a catalogue to a shop.

    A removed feed stays here until its last product is deleted from the shop.
    """

    topic: ClassVar[str] = "feed.state"

    feed_id: Identifier
    revision: Revision
    shop_id: Identifier
    catalogue_id: Identifier
    main_locale: str
    configuration_version: int
    lifecycle: Literal["active", "removed"]

    def key(self) -> str:
        """merchant/feed."""
        return key_of(self.merchant_id, self.feed_id)


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One trouble and how many items it touches; `code` and `message` are the marketplace's own
    where it spoke, `explanation` and `remedy` are ours."""

    code: str
    message: str
    explanation: str
    remedy: str
    count: int = 1


class FeedCompleted(Event, frozen=True, kw_only=True):
    """A run of a feed ended. For alerts and people: no behaviour hangs on it."""

    topic: ClassVar[str] = "feed.completed"

    feed_id: Identifier
    shop_id: Identifier
    run_id: str
    kind: Literal["product", "offer"]
    outcome: Literal["completed", "completed_with_errors", "failed", "withheld"]
    started_at: datetime
    finished_at: datetime
    counts: dict[str, int]
    causes: list[Cause] = msgspec.field(default_factory=list)

    def key(self) -> str:
        """merchant/feed."""
        return key_of(self.merchant_id, self.feed_id)
