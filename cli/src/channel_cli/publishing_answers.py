"""What feed-publisher answers of feeds: when and how much of them is sent."""

from datetime import datetime
from decimal import Decimal

import msgspec

from channel_cli.answers import Answer


class Schedule(Answer, frozen=True, kw_only=True):
    """When a kind of run is due next, and whether it is paused."""

    kind: str
    next_due_at: datetime
    is_paused: bool
    pause_reason: str | None = None
    daily_at: str | None = None
    zone: str | None = None
    every_minutes: int | None = None


class Guard(Answer, frozen=True, kw_only=True):
    """The share that runs may take away, or change, in a day without a confirmation."""

    removal_share: Decimal
    configuration_share: Decimal
    is_chosen: bool = False


class FastLane(Answer, frozen=True, kw_only=True):
    """Whether changes of prices and stock go out at once, and why not."""

    is_on: bool
    why_off: str | None = None


class Feed(Answer, frozen=True, kw_only=True):
    """A feed at the publisher: its schedules, and how many of its products are where."""

    feed_id: str
    shop_id: str
    catalogue_id: str
    lifecycle: str
    configuration_version: int
    is_first_run_confirmed: bool
    waits_for_shop: str | None = None
    schedules: list[Schedule] = msgspec.field(default_factory=list)
    guard: Guard | None = None
    fast_lane: FastLane | None = None
    counts: dict[str, int] = msgspec.field(default_factory=dict)
