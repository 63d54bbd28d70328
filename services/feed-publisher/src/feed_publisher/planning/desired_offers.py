"""What an event wants of a product's SKUs, their prices apart from their stock. Pure.

Both forms of `product.normalized` are read: the first one has no `stock` of its own, its offers say
it, and its offers stand only when all of them are valid.
"""

from collections.abc import Iterable
from decimal import Decimal

from aliexpress.payload import desired_stock
from common.contracts.product import CountryPrice, Offer, Part, ProductNormalized
from common.errors import Issue
from feed_publisher.desired.desired_state import desired_skus
from feed_publisher.listings.listing import AcceptedSku, AcceptedState

LOWEST_COUNTRY_SHARE = Decimal("0.70")
"""AliExpress refuses a country price below this share of the SKU's price (M3.8)."""


def managed_stock(desired: ProductNormalized, accepted: AcceptedState) -> dict[str, int]:
    """The stock that the product's SKUs on AliExpress should have: 0 for what leaves the product. A
    SKU whose stock is unmanaged or invalid is not in it."""
    staying = set(desired_skus(desired))
    stock = desired_stock(desired)
    wanted = {code: stock.get(code) if code in staying else 0 for code in accepted.skus}
    return {code: inventory for code, inventory in wanted.items() if inventory is not None}


def desired_offers(desired: ProductNormalized, accepted: AcceptedState) -> dict[str, AcceptedSku]:
    """Every SKU whose price is valid, as it will have been accepted."""
    stock = desired_stock(desired)
    return {
        offer.sku_code: AcceptedSku(
            price=offer.price,
            discount_price=offer.discount_price,
            inventory=stock.get(offer.sku_code),
            country_prices=(
                *offer.country_prices,
                *_kept_countries(offer, accepted.skus.get(offer.sku_code, AcceptedSku())),
            ),
        )
        for offer in desired.offers or ()
    }


def _kept_countries(offer: Offer, accepted: AcceptedSku) -> Iterable[CountryPrice]:
    """What the shop has for countries whose price is invalid now, unless that would be refused."""
    lowest = Decimal(offer.price) * LOWEST_COUNTRY_SHARE
    return (
        price
        for price in accepted.country_prices
        if price.country in offer.kept_countries and Decimal(price.price) >= lowest
    )


def offer_errors(desired: ProductNormalized) -> list[Issue]:
    """Why prices or stock of the product cannot be sent, each issue once."""
    parts: tuple[Part | None, ...] = (desired.offers_part, desired.stock_part)
    issues = (issue for part in parts if part is not None for issue in part.issues)
    return list(dict.fromkeys(issue for issue in issues if issue.severity == "error"))
