"""A run and the states it goes through. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from feed_publisher.desired.states import Kind

State = Literal[
    "queued",
    "planning",
    "planned",
    "awaiting_confirmation",
    "running",
    "completed",
    "completed_with_errors",
    "withheld",
    "failed",
    "superseded",
]
"""planned: a dry run that can be read and confirmed; withheld: ended but for guarded removals;
superseded: its plan was replaced by a newer one before it was confirmed."""

FAST_LANE = "fast_lane"
"""The cause of runs between the hourly ones, which are no news: nothing is published of them, lists
do not show them by default, and they say nothing of the ordinary runs."""

CONFIRMABLE: tuple[State, ...] = ("planned", "awaiting_confirmation", "withheld")
"""A plan that waits for a person."""


@dataclass(frozen=True)
class Run:
    """One run of a feed.

    `cause` says who asked: schedule, request, confirmation (of another run), sku-released,
    overtaken (items of the run before it were superseded), or fast_lane (nobody: it begins as
    soon as prices or stock have changed). While it is planned, `planned_through`
    is the last family that was looked at, `planned_items` how many items there are so far and
    `planned_digest` their hash. `missing` products are wanted and not in the plan;
    `unchanged` ones need nothing, or an earlier run is at them (None before the plan is complete).
    `accepted` and `refused` are items, None until it has ended.
    """

    merchant_id: str
    run_id: str
    feed_id: str
    shop_id: str
    kind: Kind
    cause: str
    is_dry_run: bool
    state: State
    plan_hash: str | None
    trouble: str | None
    failures: int
    asked_at: datetime
    planned_at: datetime | None
    confirmed_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    planned_through: str = ""
    planned_items: int = 0
    planned_digest: str = ""
    next_turn_at: datetime | None = None
    missing: int = 0
    unchanged: int | None = None
    accepted: int | None = None
    refused: int | None = None

    @property
    def is_fast_lane(self) -> bool:
        """Whether it goes between the ordinary runs."""
        return self.cause == FAST_LANE

    @property
    def lease_name(self) -> str:
        """What its driver holds."""
        return f"run:{self.merchant_id}/{self.run_id}"
