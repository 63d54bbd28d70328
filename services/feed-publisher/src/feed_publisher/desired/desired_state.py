"""What a desired state asks for. Pure."""

from common.contracts.product import ProductNormalized


def desired_skus(desired: ProductNormalized) -> list[str]:
    """The SKU codes that should be online, none when the product should not be."""
    if desired.presence == "absent":
        return []
    named = desired.sku_codes or [offer.sku_code for offer in desired.offers or ()]
    return list(dict.fromkeys(named))
