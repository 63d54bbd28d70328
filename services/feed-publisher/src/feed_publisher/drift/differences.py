"""Where the shop is not as it was accepted. Pure."""

import msgspec

from aliexpress.products import Product
from feed_publisher.listings.listing import Listing, is_same_amount


class Difference(msgspec.Struct, frozen=True):
    """One thing that differs; `sku_code` is empty where it is the whole product."""

    what: str
    sku_code: str
    accepted: str = msgspec.field(name="believed")
    found: str


def find_differences(listing: Listing, product: Product | None) -> list[Difference]:
    """What was changed in the shop by others.

    Stock that fell is no difference: it was sold. Values that are not known for certain are left
    out; the next offer run sends them anyway.
    """
    if product is None:
        return [Difference("product", "", "online", "gone")]
    found = []
    if product.status not in {None, "onSelling", "auditing"}:
        found.append(Difference("status", "", "onSelling", product.status or ""))
    there = {sku.sku_code: sku for sku in product.skus if sku.sku_code is not None}
    for code, accepted in sorted(listing.accepted.skus.items()):
        sku = there.get(code)
        if sku is None:
            found.append(Difference("sku", code, "online", "gone"))
            continue
        if accepted.price is not None:
            for what, ours, theirs in (
                ("price", accepted.price, sku.price),
                ("discount_price", accepted.discount_price, sku.discount_price),
            ):
                if not is_same_amount(ours, theirs):
                    found.append(Difference(what, code, ours or "none", theirs or "none"))
        if accepted.inventory is not None and (sku.inventory or 0) > accepted.inventory:
            found.append(Difference("inventory", code, str(accepted.inventory), str(sku.inventory)))
    found += [
        Difference("sku", code, "unknown", "online")
        for code in sorted(there.keys() - listing.accepted.skus.keys())
    ]
    return found
