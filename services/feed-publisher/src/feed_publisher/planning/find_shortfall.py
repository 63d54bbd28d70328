"""Why a family that is wanted gets no item of a plan (M7.5). Pure."""

from collections.abc import Mapping

from common.contracts.feed import Cause
from common.contracts.product import ProductNormalized
from feed_publisher.desired.desired_state import has_all_prices, has_all_stock
from feed_publisher.desired.states import Kind
from feed_publisher.listings.listing import Listing, Side
from feed_publisher.planning.desired_offers import offer_errors
from feed_publisher.shortfalls.shortfall import causes_of

SIDES_OF: Mapping[Kind, tuple[Side, ...]] = {
    "product": ("content",),
    "offer": ("price", "stock", "offers"),
}
"""Whose refusals a run of the kind reports."""

INCOMPLETE = Cause(
    code="incomplete",
    message="the product is not complete yet",
    explanation="A new product, or a new SKU, waits until content, prices and stock are there.",
    remedy="Look at the product's preview for what is missing.",
)


def find_shortfall(kind: Kind, desired: ProductNormalized, listing: Listing) -> list[Cause]:
    """Why a product without an item in a plan cannot be sent; empty when nothing is missing.

    What AliExpress or a plan has refused before stands in the listing, and not here.
    """
    if desired.presence == "absent":
        return []
    if kind == "offer":
        return [] if listing.is_online else causes_of(offer_errors(desired))
    if desired.content is None or desired.content_part is None:
        issues = desired.content_part.issues if desired.content_part else []
        return causes_of(issues) or [INCOMPLETE]
    codes = {sku.sku_code for sku in desired.content.skus}
    is_new = not listing.is_online or bool(codes - listing.accepted.skus.keys())
    is_whole = desired.offers is not None and has_all_prices(desired) and has_all_stock(desired)
    if is_new and not is_whole:
        return causes_of(offer_errors(desired)) or [INCOMPLETE]
    return []
