"""What speaks for a product of the shop being the same as a family."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from aliexpress.products import Product, ProductSku
from common.contracts.product import ContentSku, LocalText
from feed_publisher.candidates.candidate import candidate_of

from .test_publisher_plan import content_of

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def sku(code: str | None, barcode: str | None = None) -> ProductSku:
    return ProductSku(
        sku_code=code,
        sku_id=None,
        price=None,
        discount_price=None,
        inventory=None,
        currency=None,
        barcode=barcode,
        properties=(),
    )


def product(*skus: ProductSku, titles: dict[str, str] | None = None) -> Product:
    unknown: dict[str, Any] = {field.name: None for field in msgspec.structs.fields(Product)}
    return Product(**unknown | {"product_id": "9", "skus": skus, "titles": titles or {}})


def test_it_names_the_codes_in_common_and_the_barcodes_that_agree() -> None:
    content = msgspec.structs.replace(
        content_of("a", "b", "c"),
        skus=[
            ContentSku("a", ean_code="4006381333931"),
            ContentSku("b", ean_code="4006381333948"),
            ContentSku("c"),
        ],
    )
    shop = product(sku("b", "4006381333948"), sku("a", "1"), sku("x"), sku(None), sku("c", ""))
    found = candidate_of("coat", content, shop, NOW)
    assert (found.sku_codes, found.same_barcodes) == (["a", "b", "c"], ["b"])
    assert (found.skus_in_shop, found.title, found.found_at) == (5, None, NOW)


@pytest.mark.parametrize(
    ("titles", "is_same", "title"),
    [
        ({"en_US": "Coat"}, True, "Coat"),
        ({"en_US": "  COAT "}, True, "  COAT "),
        ({"en_US": "Hat"}, False, "Hat"),
        ({"es_ES": "Coat"}, False, "Coat"),
        ({"es_ES": "Abrigo", "en_US": "Hat"}, True, "Hat"),
        ({}, False, None),
    ],
)
def test_titles_are_compared_language_by_language_as_people_read_them(
    titles: dict[str, str], is_same: bool, title: str | None
) -> None:
    content = msgspec.structs.replace(
        content_of("a"), titles=[LocalText("en_US", "Coat"), LocalText("es_ES", "Abrigo")]
    )
    found = candidate_of("coat", content, product(sku("a"), titles=titles), NOW)
    assert (found.has_same_title, found.title) == (is_same, title)
