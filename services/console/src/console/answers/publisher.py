"""Answers of feed-publisher."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from console.answers import Answer


class Cause(Answer):
    """Why AliExpress, or a rule of ours, refuses something."""

    code: str
    message: str
    explanation: str
    remedy: str


class Schedule(Answer):
    """When the next run of a kind is due."""

    kind: str
    next_due_at: datetime
    is_paused: bool
    pause_reason: str | None
    daily_at: str | None
    zone: str | None
    every_minutes: int | None
    is_chosen: bool


class Guard(Answer):
    """The share that runs may take away or change in a day without a confirmation."""

    removal_share: Decimal
    configuration_share: Decimal
    is_chosen: bool


class FastLane(Answer):
    """Whether prices and stock go out between the offer runs, and why not."""

    is_on: bool
    why_off: str | None
    is_chosen: bool | None


class Feed(Answer):
    """A feed as it is published."""

    feed_id: str
    shop_id: str
    is_first_run_confirmed: bool
    waits_for_shop: str | None
    schedules: list[Schedule]
    guard: Guard
    fast_lane: FastLane
    counts: dict[str, int]


class RunProgress(Answer):
    """How far a run is, in items."""

    total: int
    decided: int
    under_way: int


class Run(Answer):
    """A run of a feed."""

    run_id: str
    feed_id: str
    shop_id: str
    kind: str
    cause: str
    is_dry_run: bool
    state: str
    waiting_reason: str | None
    trouble: str | None
    needs_confirmation: bool
    counts: dict[str, int]
    progress: RunProgress
    asked_at: datetime
    planned_at: datetime | None
    confirmed_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


class RunAsked(Answer):
    """A run was asked for, or is the one that is queued already."""

    run_id: str


class GroupedCause(Cause):
    """A cause and how many products have it."""

    count: int
    families: list[str]


class Report(Answer):
    """What became of a run."""

    counts: dict[str, dict[str, int]]
    missing: int
    unchanged: int | None
    causes: list[GroupedCause]


class Item(Answer):
    """One item of a run's plan and its outcome."""

    item_no: int
    family_id: str
    action: str
    status: str
    sku_codes: list[str]
    marketplace_product_id: str | None
    code: str | None
    message: str | None
    explanation: str | None
    remedy: str | None
    decided_at: datetime | None


class PlanLine(Answer):
    """What a run would do, before and after."""

    item_no: int
    action: str
    family_id: str
    sku: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    status: str


class Forecast(Answer):
    """What the next run would do with the whole feed, in products."""

    kind: str
    actions: dict[str, int]
    refused: int
    waiting: int
    unchanged: int
    is_partial: bool


class Candidate(Answer):
    """A product that was online before and could be adopted."""

    family_id: str
    marketplace_product_id: str
    sku_codes: list[str]
    title: str | None
    has_same_title: bool
    is_ambiguous: bool
    found_at: datetime


class ChangedField(Answer):
    """A field that a body would change."""

    path: list[str | int]
    before: Any = None
    after: Any = None


class Body(Answer):
    """The body that the next product run would send, and what it changes."""

    marketplace_product_id: str | None
    operation: str | None
    body: dict[str, Any] | None
    changes: list[ChangedField] | None
    live_problem: str | None


class Difference(Answer):
    """What AliExpress shows otherwise than it was accepted."""

    what: str
    sku_code: str
    believed: str
    found: str
    found_at: datetime | None
    cause: str
    remedy: str


class Desired(Answer):
    """What should be of a SKU."""

    revision: int
    presence: str
    title: str | None
    price: str | None
    discount_price: str | None
    inventory: int | None


class Accepted(Answer):
    """What AliExpress has accepted of a SKU."""

    status: str
    marketplace_product_id: str | None
    offer: dict[str, str | int | None] | None
    written_at: datetime | None


class Planned(Answer):
    """What a run would do with a SKU."""

    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class NextStep(Answer):
    """What the next run of a kind would do with a SKU, or why nothing."""

    kind: str
    verdict: str
    actions: list[Planned]
    causes: list[Cause]
    next_due_at: datetime | None
    is_paused: bool


class Call(Answer):
    """A call of AliExpress."""

    operation: str
    state: str
    job_id: str | None
    called_at: datetime
    ended_at: datetime | None


class SkuItem(Answer):
    """An item of a run that a SKU was in."""

    run_id: str
    kind: str
    action: str
    status: str
    decided_at: datetime | None
    cause: Cause | None
    call: Call | None


class Shown(Answer):
    """What AliExpress shows of a SKU."""

    is_live: bool
    as_of: datetime | None
    status: str | None
    title: str | None
    offer: dict[str, str | int | None] | None
    differences: list[Difference]


class Holder(Answer):
    """Which feed and product hold a SKU code."""

    feed_id: str
    family_id: str
    claimed_at: datetime


class WhySku(Answer):
    """What was published of a SKU, and what the next runs would do."""

    sku_code: str
    family_id: str
    waits_for_shop: str | None
    holder: Holder | None
    desired: Desired | None
    accepted: Accepted
    next_steps: list[NextStep]
    open_item: SkuItem | None
    last_outcome: SkuItem | None
    shown: Shown | None
    live_problem: str | None


class Product(Answer):
    """A product as it is published."""

    family_id: str
    status: str
    marketplace_product_id: str | None
    in_flight: str | None
    causes: list[Cause]
    drift: list[Difference] | None


class OnlineProduct(Answer):
    """A product that AliExpress has, and which of ours it is."""

    feed_id: str
    shop_id: str
    family_id: str
    marketplace_product_id: str


class OnlineProducts(Answer):
    """What AliExpress knows by an id."""

    items: list[OnlineProduct]
