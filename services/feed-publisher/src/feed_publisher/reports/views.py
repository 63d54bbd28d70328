"""What several answers show alike."""

from pydantic import BaseModel

from common.contracts.feed import Cause
from feed_publisher.listings.listing import AcceptedSku, Listing
from feed_publisher.listings.status import status_of

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


def offer_view(sku: AcceptedSku) -> Offer:
    """An offer as it is shown."""
    return {
        "price": sku.price,
        "discount_price": sku.discount_price,
        "inventory": sku.inventory,
    }
