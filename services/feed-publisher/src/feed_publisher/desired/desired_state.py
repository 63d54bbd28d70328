"""What a desired state asks for. Pure."""

from hashlib import blake2b

import msgspec

from aliexpress.payload import desired_stock
from common.contracts.product import ProductNormalized

_encoder = msgspec.json.Encoder()


def desired_skus(desired: ProductNormalized) -> list[str]:
    """The SKU codes that should be online, none when the product should not be."""
    if desired.presence == "absent":
        return []
    named = desired.sku_codes or [offer.sku_code for offer in desired.offers or ()]
    return list(dict.fromkeys(named))


def may_fall_to_zero(desired: ProductNormalized) -> bool:
    """Whether the product, or a SKU of it, is to be out of stock, be it so already or not."""
    return desired.presence == "absent" or 0 in desired_stock(desired).values()


def has_all_prices(desired: ProductNormalized) -> bool:
    """Whether no price of the product has an issue."""
    return desired.offers_part is not None and desired.offers_part.is_valid


def has_all_stock(desired: ProductNormalized) -> bool:
    """Whether no stock of the product has an issue, as far as the event says."""
    return desired.stock_part is None or desired.stock_part.is_valid


def product_digest(desired: ProductNormalized) -> bytes | None:
    """A hash of what a product run goes by in a product that is online with this content: while it
    stays the same, another state is the offer runs' alone. None where that cannot be said: for what
    should not be there, or has no content to be there with."""
    if desired.presence == "absent" or desired.content is None or desired.content_part is None:
        return None
    parts = (
        desired.shop_id,
        desired.configuration_version,
        desired.content_part,
        desired_skus(desired),
        has_all_prices(desired),
        any(offer.country_prices for offer in desired.offers or ()),
    )
    return blake2b(_encoder.encode(parts), digest_size=16).digest()
