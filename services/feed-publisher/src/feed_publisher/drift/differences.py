"""Where the shop is not as it was accepted, and what of it is repaired. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from aliexpress.products import Product
from common.contracts.product import ProductNormalized
from feed_publisher.desired.marks import Unsure
from feed_publisher.listings.listing import AcceptedSku, Listing, is_same_amount
from feed_publisher.planning.desired_offers import managed_stock

What = Literal["product", "status", "title", "sku", "price", "discount_price", "inventory"]
CONTENT = frozenset({"product", "title", "sku"})
"""What a full update, or a new creation, sets right."""


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that differs; `sku_code` is empty where it is the whole product. `found_at` is when
    it was first found so."""

    what: What
    sku_code: str
    accepted: str = msgspec.field(name="believed")
    found: str
    found_at: datetime | None = None

    def is_same(self, other: "Difference") -> bool:
        """Whether it is the same difference, whenever each was found."""
        return msgspec.structs.replace(self, found_at=other.found_at) == other


def find_differences(
    listing: Listing, desired: ProductNormalized | None, product: Product | None
) -> list[Difference]:
    """What was changed in the shop by others, orders included.

    Values that were never known are left out, as the next offer run sends them anyway; so is the
    stock of SKUs that the catalogue does not manage. Of the texts only the title in the main
    language is compared: the seller may translate the product (M1.7).
    """
    if product is None:
        return [Difference("product", "", "online", "gone")]
    return [
        *_of_content(listing, desired, product),
        *_of_skus(listing, product),
        *_of_offers(listing, desired, product),
    ]


def _of_content(
    listing: Listing, desired: ProductNormalized | None, product: Product
) -> Iterator[Difference]:
    if product.status not in {None, "onSelling", "auditing"}:
        yield Difference("status", "", "onSelling", product.status or "")
    title = _accepted_title(listing, desired)
    found = product.titles.get(listing.accepted.main_locale or "")
    if title is not None and found is not None and title.split() != found.split():
        yield Difference("title", "", title, found)


def _accepted_title(listing: Listing, desired: ProductNormalized | None) -> str | None:
    """The accepted title in the main language, if it is known: kept with the listing, or that of
    what is desired now where just that was accepted."""
    if listing.accepted.content_hash is not None and listing.accepted.title is not None:
        return listing.accepted.title
    if desired is None or desired.content is None or desired.content_part is None:
        return None
    if desired.content_part.hash != listing.accepted.content_hash:
        return None
    titles = {title.locale: title.text for title in desired.content.titles}
    return titles.get(listing.accepted.main_locale or "")


def _of_skus(listing: Listing, product: Product) -> Iterator[Difference]:
    there = {sku.sku_code for sku in product.skus if sku.sku_code is not None}
    accepted = listing.accepted.skus.keys()
    for code in sorted(accepted - there):
        yield Difference("sku", code, "online", "gone")
    for code in sorted(there - accepted):
        yield Difference("sku", code, "unknown", "online")


def _of_offers(
    listing: Listing, desired: ProductNormalized | None, product: Product
) -> Iterator[Difference]:
    managed = managed_stock(desired, listing.accepted) if desired is not None else {}
    there = {sku.sku_code: sku for sku in product.skus}
    for code, accepted in sorted(listing.accepted.skus.items()):
        if code not in there:
            continue
        shop = AcceptedSku(
            there[code].price, there[code].discount_price, inventory=there[code].inventory
        )
        yield from _of_prices(code, accepted, shop)
        if code in managed and _differ(accepted.inventory, shop.inventory):
            yield Difference("inventory", code, str(accepted.inventory), str(shop.inventory))


def _differ(accepted: int | None, found: int | None) -> bool:
    return accepted is not None and found is not None and accepted != found


def _of_prices(code: str, accepted: AcceptedSku, shop: AcceptedSku) -> Iterator[Difference]:
    if accepted.price is None:
        return
    if not is_same_amount(accepted.price, shop.price):
        yield Difference("price", code, accepted.price, shop.price or "none")
    if not is_same_amount(accepted.discount_price, shop.discount_price):
        yield Difference(
            "discount_price", code, accepted.discount_price or "none", shop.discount_price or "none"
        )


def with_age(
    found: Iterable[Difference], known: Sequence[Difference], now: datetime
) -> list[Difference]:
    """The differences with the time each was first found at: one that is known keeps it."""
    return [
        next((old for old in known if old.is_same(new)), msgspec.structs.replace(new, found_at=now))
        for new in found
    ]


def unsure_offers(differences: Iterable[Difference]) -> Unsure:
    """The stock and prices the next offer run sends again."""
    differences = list(differences)
    return Unsure(
        stock=frozenset(d.sku_code for d in differences if d.what == "inventory"),
        prices=frozenset(d.sku_code for d in differences if d.what in {"price", "discount_price"}),
    )


def has_other_content(differences: Iterable[Difference]) -> bool:
    """Whether a product run could set something right."""
    return any(difference.what in CONTENT for difference in differences)
