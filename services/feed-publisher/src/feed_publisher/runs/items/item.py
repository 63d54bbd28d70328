"""An item of a run's plan: as it is stored, sent, refused and decided. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from feed_publisher.listings.change import Action, Change
from feed_publisher.listings.outcomes import Sent
from feed_publisher.runs.items.planned import Planned

OVERTAKEN = ("overtaken", "the product has changed since this was planned; the next run has it")
"""Code and message of an item that is superseded because its family has moved on."""


@dataclass(frozen=True)
class NewItem:
    """A planned item as it is stored."""

    item_no: int
    planned: Planned
    status: str
    code: str | None
    message: str | None
    traceparent: str | None
    changed_at: datetime | None
    decided_at: datetime | None


@dataclass(frozen=True)
class RunItem:
    """An item of a plan as it is sent."""

    item_no: int
    family_id: str
    action: Action
    desired_revision: int
    marketplace_product_id: str | None
    sku_codes: list[str]
    change: Change
    sent: Sent
    attempts: int
    traceparent: str | None
    changed_at: datetime | None
    """When the oldest change that led to it came in."""


@dataclass(frozen=True)
class GuardedItem:
    """A planned change that the guard looks at; a new one is neither let through nor confirmed."""

    item_no: int
    family_id: str
    is_new: bool


@dataclass(frozen=True)
class Decision:
    """What an item's row says from now on."""

    item_no: int
    status: Literal["accepted", "rejected", "superseded", "pending", "deferred"]
    code: str | None = None
    message: str | None = None
    marketplace_product_id: str | None = None
    refunds: int = 0
    """Attempts that do not count, because nothing was done."""


@dataclass(frozen=True)
class RefusedItem:
    """A family a plan refused, and why."""

    family_id: str
    desired_revision: int
    code: str
    message: str
    traceparent: str | None
