"""What is reported of a family: live, rejected or deleted, and why. Pure."""

from typing import Literal

from common.contracts.feed import Cause
from common.contracts.product import ProductReported
from feed_publisher.listings.causes import explain
from feed_publisher.listings.listing import Listing

ReportedStatus = Literal["live", "rejected", "deleted"]


def status_of(listing: Listing) -> tuple[ReportedStatus, list[Cause]]:
    """Rejected while any side is refused; the causes say which."""
    causes = [explain(refused) for _, refused in sorted(listing.accepted.refused.items())]
    if causes:
        return "rejected", causes
    return ("live" if listing.is_online else "deleted"), []


def report_of(
    merchant_id: str, listing: Listing, *, revision: int, desired_revision: int
) -> ProductReported:
    """The event that reports it."""
    status, causes = status_of(listing)
    return ProductReported(
        merchant_id=merchant_id,
        feed_id=listing.feed_id,
        family_id=listing.family_id,
        revision=revision,
        desired_revision=desired_revision,
        status=status,
        marketplace_product_id=listing.marketplace_product_id,
        causes=causes,
    )
