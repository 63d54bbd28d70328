"""The guard against emptying or rewriting a shop by mistake (M7.4). Pure.

Over a rolling 24 hours no more than a share of the products, and of the SKUs, that were online at
its start (at least 10 are counted) may be deleted or zeroed unless someone confirms; and no more
than a share of the products may get content that stems from another configuration. A shop that had
nothing online then, on its first day, is measured by what it has online now.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from aliexpress.payload import desired_stock
from common.contracts.product import ProductNormalized
from feed_publisher.desired.desired_state import desired_skus
from feed_publisher.desired.states import Feed, Kind
from feed_publisher.listings.listing import AcceptedState, Listing
from feed_publisher.runs.items.extent import Extent, Guard
from feed_publisher.settings import PublisherSettings

GUARD_WINDOW = timedelta(hours=24)
LEAST_COUNTED = 10


@dataclass(frozen=True)
class Touched:
    """What a plan newly touches, and what passed in the window without a confirmation."""

    new: Extent
    passed: Extent


def usual_shares(settings: PublisherSettings) -> Mapping[Guard, Decimal]:
    """The share that each guard lets pass where the feed has none of its own."""
    return {
        "removal": settings.removal_share,
        "configuration": settings.configuration_share,
    }


def shares_of(feed: Feed, usual: Mapping[Guard, Decimal]) -> Mapping[Guard, Decimal]:
    """The share that each guard lets pass: the feed's own for all, or the usual ones."""
    return usual if feed.guard_share is None else dict.fromkeys(usual, feed.guard_share)


def counted(at_start: Extent, now: Extent) -> Extent:
    """How many products and SKUs the shares are taken of."""
    return Extent(
        max(LEAST_COUNTED, at_start.products or now.products),
        max(LEAST_COUNTED, at_start.skus or now.skus),
    )


def exceeds_share(touched: Touched, of: Extent, share: Decimal) -> bool:
    """Whether a plan's new changes need a confirmation, all of them: by products or by SKUs."""
    new, passed = touched.new, touched.passed
    return _exceeds(new.products, passed.products, of.products, share) or _exceeds(
        new.skus, passed.skus, of.skus, share
    )


def _exceeds(new: int, passed: int, of: int, share: Decimal) -> bool:
    return new > 0 and new + passed > share * of


def still_removed(kind: Kind, desired: ProductNormalized, listing: Listing) -> list[str]:
    """The SKU codes a run of that kind would delete or zero, were it not held back; among them ""
    where the product itself goes."""
    if not listing.is_online or desired.absent_reason == "feed_removed":
        return []
    accepted, staying = listing.accepted.skus, set(desired_skus(desired))
    if kind == "product":
        whole = [""] if desired.presence == "absent" else []
        return [*whole, *(code for code in accepted if code not in staying)]
    stock = desired_stock(desired)
    return [
        code
        for code, sku in accepted.items()
        if sku.inventory != 0 and (code not in staying or stock.get(code) == 0)
    ]


def still_reconfigured(desired: ProductNormalized, listing: Listing) -> bool:
    """Whether content of another configuration is still to replace what was accepted."""
    part = desired.content_part
    is_same = part is not None and part.hash == listing.accepted.content_hash
    return (
        listing.is_online
        and desired.presence == "present"
        and not is_same
        and stems_from_other_configuration(desired, listing.accepted)
    )


def stems_from_other_configuration(desired: ProductNormalized, accepted: AcceptedState) -> bool:
    """Whether what is desired was made by another configuration than what was accepted.

    A version that is not known on either side (0) is none.
    """
    versions = (desired.configuration_version, accepted.configuration_version)
    return 0 not in versions and versions[0] != versions[1]
