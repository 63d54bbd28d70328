"""What is sent: names, numbers, ids, times and separators as AliExpress wants them."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import msgspec
from pydantic import SecretStr

from aliexpress import feeds, logistics, offers, orders, products
from aliexpress.gateway import new_gateway
from aliexpress.operation import AccessToken, AppCredentials
from aliexpress.wiring import client_of
from common.postgres.pool import Pool
from common.settings import MarketplaceSettings

PRODUCT = "1005001234567890"


async def test_what_is_sent_for_prices(answering: Callable[..., Any], token: AccessToken) -> None:
    client = answering({"update_success": True})
    price = offers.ProductPrices(
        PRODUCT,
        (offers.SkuPrice("A#1", "19.90", "14.50"), offers.SkuPrice("A#2", "21")),
        (offers.CountryPrices("GB", (offers.SkuPrice("A#1", "18.00"),)),),
    )
    await offers.update_prices(client, token, [price])
    [sent] = msgspec.json.decode(client.recorded.fields["mutiple_product_update_list"])
    assert sent == {
        "product_id": int(PRODUCT),
        "multiple_sku_update_list": [
            {"sku_code": "A#1", "price": "19.90", "discount_price": "14.50"},
            {"sku_code": "A#2", "price": "21"},
        ],
        "multi_country_price_configuration": {
            "price_type": "absolute",
            "country_price_list": [
                {
                    "ship_to_country": "UK",
                    "sku_price_by_country_list": [{"sku_code": "A#1", "price": "18.00"}],
                }
            ],
        },
    }


async def test_money_in_a_payload_keeps_its_digits(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    client = answering({"product_id": PRODUCT})
    payload = {"sku_info_list": [{"price": Decimal("19.90"), "inventory": 3}]}
    await products.update_product(client, token, PRODUCT, payload)
    assert client.recorded.fields["schema_full_update_request"] == (
        '{"sku_info_list":[{"price":19.90,"inventory":3}],"aliexpress_product_id":1005001234567890}'
    )
    assert "developer_features" not in client.recorded.fields


async def test_an_item_of_a_feed_is_json_inside_json(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    client = answering({"job_id": "1"})
    client.integrator = "AliExpress Channel"
    item = feeds.FeedItem("A1", {"title": "Größe", "price": Decimal("1.10")})
    await feeds.submit_feed(client, token, "PRODUCT_CREATE", [item])
    sent = client.recorded.fields
    assert sent["operation_type"] == "PRODUCT_CREATE"
    assert msgspec.json.decode(sent["item_list"]) == [
        {"item_content_id": "A1", "item_content": '{"title":"Größe","price":1.10}'}
    ]
    assert sent["developer_features"] == '{"source":"AliExpress Channel"}'


async def test_bounds_of_orders_are_pacific_time(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    client = answering({"total_count": 0})
    await orders.list_orders(
        client,
        token,
        modified_from=datetime(2026, 7, 1, 12, 0, 5, tzinfo=UTC),
        modified_to=datetime(2026, 12, 1, 12, 0, tzinfo=UTC),
        statuses=[orders.FINISHED],
        page=2,
    )
    assert msgspec.json.decode(client.recorded.fields["param0"]) == {
        "current_page": 2,
        "page_size": 50,
        "modified_date_start": "2026-07-01 05:00:05",
        "modified_date_end": "2026-12-01 04:00:00",
        "order_status_list": ["FINISH"],
    }


async def test_lists_of_ids_have_each_their_separator(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    client = answering({"result": {"success": True}})
    await products.delete_products(client, token, ["1", "2"])
    assert client.recorded.fields["product_ids"] == "1,2"
    await products.take_off_sale(client, token, ["1", "2"])
    assert client.recorded.fields["product_ids"] == "1;2"
    await feeds.invalidate_feeds(client, token, ["1", "2"])
    assert client.recorded.fields["job_id_list"] == "1;2"


async def test_a_shipment_as_documented(answering: Callable[..., Any], token: AccessToken) -> None:
    client = answering({"result": {"result_success": True}})
    shipment = logistics.Shipment(
        "888877779999", "EMS", "LA88887777CN", "part", "www.17track.com", "memo"
    )
    await logistics.fulfil_order(client, token, shipment)
    documented = {
        "service_name": "EMS",
        "tracking_website": "www.17track.com",
        "out_ref": "888877779999",
        "send_type": "part",
        "description": "memo",
        "logistics_no": "LA88887777CN",
    }
    assert documented.items() <= client.recorded.fields.items()


async def test_a_services_client_is_made_from_its_settings() -> None:
    settings = MarketplaceSettings(
        marketplace_url="https://gateway.test/", app_key="500100", app_secret=SecretStr("s")
    )
    client = client_of(settings, cast("Pool", None), integrator="AliExpress Channel")

    assert client.app == AppCredentials("500100", "s")
    assert client.gateway == new_gateway("https://gateway.test")
    assert client.developer_features() == {"developer_features": '{"source":"AliExpress Channel"}'}
    await client.aclose()
