"""What creates a product, straight from an event: whole or not at all."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from aliexpress.payload import creation_payload
from aliexpress.wire import encode
from common.contracts.product import (
    AttributeValue,
    Content,
    ContentSku,
    CountryPrice,
    LocalText,
    Offer,
    Part,
    ProductNormalized,
    SkuStock,
)
from common.errors import Issue

VALID = Part(is_valid=True, hash="h")
INVALID = Part(is_valid=False, hash="h", issues=[Issue("M3.9", "price", "wrong", "Correct it.")])


def product(**changes: Any) -> ProductNormalized:
    state = ProductNormalized(
        merchant_id="m",
        feed_id="f",
        family_id="p",
        revision=1,
        shop_id="s",
        presence="present",
        sku_codes=["a", "b"],
        content_part=VALID,
        content=Content(
            category_id="100",
            main_locale="en_US",
            titles=[LocalText("en_US", "Coat")],
            descriptions=[LocalText("en_US", "<p>Warm</p>")],
            image_urls=["https://shop.example/coat.jpg"],
            category_attributes={"Brand Name": AttributeValue("201")},
            skus=[
                ContentSku("b", {"Color": AttributeValue("1", alias="Sea", image_url="https://i")}),
                ContentSku("a", ean_code="4006381333931"),
            ],
            product_units_type="100000015",
            inventory_deduction_strategy="place_order_withhold",
            package_weight_kg="0.50",
            package_length_cm=10,
            package_width_cm=20,
            package_height_cm=5,
            shipping_preparation_days=3,
            shipping_template_id="1",
        ),
        offers_part=VALID,
        offers=[
            Offer(sku_code="a", price="20.10", currency="USD", discount_price="15.05"),
            Offer(
                sku_code="b",
                price="21",
                currency="USD",
                country_prices=[CountryPrice("ES", "22.50")],
            ),
        ],
        stock_part=VALID,
        stock=[SkuStock("a", 3)],
    )
    return msgspec.structs.replace(state, **changes)


def test_it_has_content_prices_and_stock_of_every_sku_in_the_contents_order() -> None:
    body = creation_payload(product())
    assert body is not None
    assert body["sku_info_list"] == [
        {
            "sku_code": "b",
            "inventory": 0,  # unmanaged
            "price": Decimal(21),
            "sku_attributes": {
                "Color": {"value": "1", "alias": "Sea", "sku_image_url": "https://i"}
            },
        },
        {
            "sku_code": "a",
            "inventory": 3,
            "price": Decimal("20.10"),
            "discount_price": Decimal("15.05"),
            "ean_code": "4006381333931",
        },
    ]
    assert '"price":20.10' in encode(body)
    assert body["multi_country_price_configuration"] == {
        "price_type": "absolute",
        "country_price_list": [
            {
                "ship_to_country": "ES",
                "sku_price_by_country_list": [{"sku_code": "b", "price": Decimal("22.50")}],
            }
        ],
    }


def test_an_event_of_the_first_form_has_its_stock_in_its_offers() -> None:
    offers = [
        Offer(sku_code=code, price="1", currency="USD", inventory=stock)
        for code, stock in (("a", 7), ("b", 8))
    ]
    body = creation_payload(product(offers=offers, stock=None, stock_part=None))
    assert body is not None
    skus = body["sku_info_list"]
    assert isinstance(skus, list)
    assert {sku["sku_code"]: sku["inventory"] for sku in skus} == {"a": 7, "b": 8}


@pytest.mark.parametrize(
    "changes",
    [
        {"content": None, "content_part": INVALID},
        {"offers_part": INVALID},
        {"stock_part": INVALID},
        {"offers": [Offer(sku_code="a", price="1", currency="USD")]},
        {"presence": "absent", "content": None, "offers": None, "stock": None},
    ],
)
def test_what_is_not_whole_creates_nothing(changes: dict[str, Any]) -> None:
    assert creation_payload(product(**changes)) is None
