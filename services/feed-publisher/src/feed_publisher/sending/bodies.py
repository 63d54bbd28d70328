"""What a feed job says of one product: the payload of its creation or update. Pure."""

import msgspec

from aliexpress.payload import kept_country_prices, product_payload
from aliexpress.products import Product
from aliexpress.wire import int_or_text
from feed_publisher.listings.change import Change
from feed_publisher.listings.listing import AcceptedSku
from feed_publisher.sending.look_up import skus_of

Body = dict[str, object]


def creation_body(change: Change) -> Body:
    """The payload that creates the product."""
    assert change.content is not None  # noqa: S101 - planned with it
    return product_payload(change.content, change.offers)


def carried_offers(change: Change, product: Product) -> dict[str, AcceptedSku]:
    """What an update carries: the shop's own offers where it has the SKU, ours for new SKUs."""
    there = skus_of(product)
    carried = {}
    for code, offer in change.offers.items():
        known = there.get(code)
        bare = msgspec.structs.replace(offer, country_prices=())
        carried[code] = known if known is not None and known.price is not None else bare
    return carried


def update_body(change: Change, product: Product) -> Body:
    """The payload that updates the product as it stands in the shop: price, stock and country
    prices go back as the shop has them."""
    assert change.content is not None  # noqa: S101 - planned with it
    offers = carried_offers(change, product)
    kept = (
        () if change.drops_countries else kept_country_prices(product.country_prices, list(offers))
    )
    payload = product_payload(change.content, offers, kept)
    return {**payload, "aliexpress_product_id": int_or_text(product.product_id)}
