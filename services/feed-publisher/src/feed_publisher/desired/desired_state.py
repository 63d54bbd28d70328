"""What a desired state asks for. Pure."""

from aliexpress.payload import desired_stock
from common.contracts.product import ProductNormalized


def desired_skus(desired: ProductNormalized) -> list[str]:
    """The SKU codes that should be online, none when the product should not be."""
    if desired.presence == "absent":
        return []
    named = desired.sku_codes or [offer.sku_code for offer in desired.offers or ()]
    return list(dict.fromkeys(named))


def may_fall_to_zero(desired: ProductNormalized) -> bool:
    """Whether the product, or a SKU of it, is to be out of stock, be it so already or not."""
    return desired.presence == "absent" or 0 in desired_stock(desired).values()
