"""A product of the shop that a family could take over, and what speaks for it. Pure."""

from dataclasses import dataclass
from datetime import datetime

from aliexpress.products import Product
from common.contracts.product import Content


@dataclass(frozen=True)
class Candidate:
    """A product that has SKU codes of the family. Hints that it is the same: its title, and SKUs
    whose barcode agrees. `skus_in_shop` is how many SKUs it has; `title` as the shop has it."""

    family_id: str
    marketplace_product_id: str
    sku_codes: list[str]
    skus_in_shop: int
    title: str | None
    has_same_title: bool
    same_barcodes: list[str]
    found_at: datetime


def candidate_of(
    family_id: str, content: Content, product: Product, found_at: datetime
) -> Candidate:
    """The product as a candidate for the family of this content."""
    codes = {sku.sku_code for sku in product.skus if sku.sku_code is not None}
    titles = {title.locale: title.text for title in content.titles}
    barcodes = {sku.sku_code: sku.ean_code for sku in content.skus if sku.ean_code is not None}
    return Candidate(
        family_id=family_id,
        marketplace_product_id=product.product_id,
        sku_codes=sorted(codes & {sku.sku_code for sku in content.skus}),
        skus_in_shop=len(product.skus),
        title=product.titles.get(content.main_locale) or next(iter(product.titles.values()), None),
        has_same_title=any(
            _plain(text) == _plain(titles[locale])
            for locale, text in product.titles.items()
            if locale in titles
        ),
        same_barcodes=sorted(
            sku.sku_code
            for sku in product.skus
            if sku.sku_code is not None
            and sku.barcode
            and barcodes.get(sku.sku_code) == sku.barcode
        ),
        found_at=found_at,
    )


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
