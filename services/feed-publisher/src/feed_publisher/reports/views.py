"""What several answers show alike."""

from datetime import datetime

from pydantic import BaseModel

from common.contracts.feed import Cause
from feed_publisher.drift.causes import cause_of
from feed_publisher.drift.differences import Difference
from feed_publisher.listings.causes import explain
from feed_publisher.listings.listing import AcceptedSku, Listing, Refused
from feed_publisher.listings.status import status_of
from feed_publisher.reports.store import ItemRow

Offer = dict[str, str | int | None]


class CauseView(BaseModel):
    """Why something was refused: AliExpress's words, ours, and the remedy."""

    code: str
    message: str
    explanation: str
    remedy: str


def cause_view(cause: Cause) -> CauseView:
    """A cause as it is shown."""
    return CauseView(
        code=cause.code,
        message=cause.message,
        explanation=cause.explanation,
        remedy=cause.remedy,
    )


def causes_of(listing: Listing | None) -> list[CauseView]:
    """Why a listing is refused, if it is."""
    return [cause_view(cause) for cause in status_of(listing)[1]] if listing else []


def item_cause(item: ItemRow) -> Cause | None:
    """Why an item is not as it is wanted, or not yet."""
    is_noted = item.status in {"deferred", "in_job"} and item.code is not None
    if item.status not in {"rejected", "withheld"} and not is_noted:
        return None
    return explain(Refused(item.code or "", item.message or ""))


class DriftView(BaseModel):
    """What differs in the shop from what was accepted, since when it is known, and why."""

    what: str
    sku_code: str
    believed: str
    found: str
    found_at: datetime | None
    cause: str
    remedy: str


def drift_view(difference: Difference) -> DriftView:
    """A difference as it is shown."""
    explained = cause_of(difference)
    return DriftView(
        what=difference.what,
        sku_code=difference.sku_code,
        believed=difference.accepted,
        found=difference.found,
        found_at=difference.found_at,
        cause=explained.cause,
        remedy=explained.remedy,
    )


def offer_view(sku: AcceptedSku) -> Offer:
    """An offer as it is shown."""
    return {
        "price": sku.price,
        "discount_price": sku.discount_price,
        "inventory": sku.inventory,
    }
