"""Why a product in the shop differs from what was accepted, and what becomes of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from feed_publisher.drift.differences import Difference, What


@dataclass(frozen=True)
class DriftCause:
    """What caused a difference, and what repairs it."""

    cause: str
    remedy: str


_NEXT_OFFER_RUN = "The next offer run sends the catalogue's again."
_PRICE = DriftCause("The price was changed at AliExpress itself.", _NEXT_OFFER_RUN)
_CONTENT_REMEDY = (
    "Change it back in AliExpress's seller centre, or ask the operator of the channel to have "
    "content repaired: then the next product run sends it again."
)
_CAUSES: Mapping[What, DriftCause] = {
    "inventory": DriftCause(
        "Buyers ordered or cancelled, or the stock was changed at AliExpress itself.",
        _NEXT_OFFER_RUN,
    ),
    "price": _PRICE,
    "discount_price": _PRICE,
    "title": DriftCause("The title was changed at AliExpress itself.", _CONTENT_REMEDY),
    "sku": DriftCause("SKUs were added or removed at AliExpress itself.", _CONTENT_REMEDY),
    "product": DriftCause(
        "The product was deleted at AliExpress itself.",
        "The next run that has something to send for it finds it gone and creates it again.",
    ),
    "status": DriftCause(
        "The product was taken off sale by the seller or by AliExpress.",
        "See the reason in AliExpress's seller centre and put it on sale there.",
    ),
}


def cause_of(difference: Difference) -> DriftCause:
    """The difference in plain words."""
    return _CAUSES[difference.what]
