"""The path a product takes: posted by feed, priced, stocked, ordered, shipped, deleted."""

import json
from collections.abc import Callable
from typing import Any

import pytest

Payload = Callable[..., dict[str, Any]]


@pytest.fixture
def product_id(sandbox: Any, payload: Payload) -> int:
    result = sandbox.feed("PRODUCT_CREATE", {"one": payload("A-1", "A-2")})["one"]
    assert result["success"], result
    identity: int = result["productId"]
    return identity


def test_a_feed_creates_updates_and_answers_item_by_item(sandbox: Any, payload: Payload) -> None:
    broken = payload("B-1", title_multi_language_list=[])
    results = sandbox.feed("PRODUCT_CREATE", {"good": payload("A-1"), "bad": broken})
    assert results["good"]["success"] is True
    assert results["bad"]["errorCode"] == "F00-00-10020-004"
    changed = payload("A-1", "A-9", aliexpress_product_id=results["good"]["productId"])
    assert sandbox.feed("PRODUCT_FULL_UPDATE", {"again": changed})["again"]["success"] is True
    (product,) = sandbox.control("GET", "products?seller=2200100001")
    assert [sku["sku_code"] for sku in product["skus"]] == ["A-1", "A-9"]
    assert [e["operation"] for e in sandbox.ledger(seller="2200100001", outcome="accepted")] == [
        "token.issue", "feed.submit", "product.create", "feed.submit", "product.update", "sku.add",
    ]  # fmt: skip
    (refused,) = sandbox.ledger(outcome="refused")
    assert refused["operation"] == "product.create"
    assert refused["detail"]["skus"] == ["B-1"]


def test_items_of_feed_jobs_can_be_read_as_they_were_handed_in(
    sandbox: Any, payload: Payload
) -> None:
    handed_in = payload("R-1", package_weight=0.5)
    sandbox.feed("PRODUCT_CREATE", {"one": handed_in})
    [item] = sandbox.received(operation_type="PRODUCT_CREATE", seller="2200100001")
    assert (item["content_id"], json.loads(item["content"])) == ("one", handed_in)
    assert sandbox.received(operation_type="PRODUCT_FULL_UPDATE") == []
    assert sandbox.received(seller="2200100002") == []


def test_a_price_without_its_discount_loses_it(sandbox: Any, product_id: int) -> None:
    update = [
        {
            "product_id": product_id,
            "multiple_sku_update_list": [{"sku_code": "A-1", "price": "9.5"}],
        }
    ]
    answer = sandbox.call(
        "aliexpress.solution.batch.product.price.update", {"mutiple_product_update_list": update}
    )
    assert answer["update_success"] is True
    (product,) = sandbox.control("GET", "products?seller=2200100001")
    assert product["skus"][0]["price"] == "9.50"
    assert product["skus"][0]["discount_price"] is None
    assert product["skus"][1]["discount_price"] == "14.99"


def test_a_batch_fails_per_product(sandbox: Any, product_id: int) -> None:
    updates = [
        {
            "product_id": product_id,
            "multiple_sku_update_list": [{"sku_code": "A-1", "inventory": 3}],
        },
        {"product_id": 17, "multiple_sku_update_list": [{"sku_code": "A-1", "inventory": 3}]},
    ]
    answer = sandbox.call(
        "aliexpress.solution.batch.product.inventory.update",
        {"mutiple_product_update_list": updates},
    )
    assert answer["update_success"] is False
    done = answer["update_successful_list"]["synchronize_product_response_dto"]
    failed = answer["update_failed_list"]["synchronize_product_response_dto"]
    assert [one["product_id"] for one in done] == [product_id]
    assert [one["product_id"] for one in failed] == [17]


def test_the_list_finds_a_product_by_its_sku(sandbox: Any, product_id: int) -> None:
    query = {"product_status_type": "onSelling", "sku_code": "A-2"}
    answer = sandbox.call(
        "aliexpress.solution.product.list.get", {"aeop_a_e_product_list_query": query}
    )
    listed = answer["result"]["aeop_a_e_product_display_d_t_o_list"]["item_display_dto"]
    assert [one["product_id"] for one in listed] == [product_id]
    info = sandbox.call("aliexpress.solution.product.info.get", {"product_id": str(product_id)})
    skus = info["result"]["aeop_ae_product_s_k_us"]["global_aeop_ae_product_sku"]
    assert [sku["sku_code"] for sku in skus] == ["A-1", "A-2"]


def test_an_order_takes_stock_and_is_shipped_once(sandbox: Any, product_id: int) -> None:
    (order,) = sandbox.control(
        "POST",
        "orders",
        {
            "seller_id": "2200100001",
            "seed": 5,
            "lines": [{"sku_code": "A-1", "quantity": 2}],
            "status": "WAIT_SELLER_SEND_GOODS",
        },
    )
    assert order["order_number"] == "S5-00001"
    (product,) = sandbox.control("GET", "products?seller=2200100001")
    assert product["skus"][0]["inventory"] == 5
    query = {"page_size": 20, "current_page": 1, "create_date_start": "2020-01-01 00:00:00"}
    listed = sandbox.call("aliexpress.solution.order.get", {"param0": query})
    (found,) = listed["result"]["target_list"]["order_dto"]
    assert str(found["order_id"]) == order["order_id"]
    details = sandbox.call(
        "aliexpress.solution.order.info.get", {"param1": {"order_id": order["order_id"]}}
    )
    assert details["result"]["data"]["order_amount"]["cent_factor"] == 100
    shipping = {
        "service_name": "EMS",
        "logistics_no": "LA888877776CN"[:13],
        "out_ref": order["order_id"],
        "send_type": "all",
    }
    first = sandbox.call("aliexpress.solution.order.fulfill", shipping)
    again = sandbox.call("aliexpress.solution.order.fulfill", shipping)
    assert first["result"] == {"result_success": True}
    assert again["result"]["error_message"] == "该交易订单已填写发货通知，无需重复操作。"
    shipped = sandbox.ledger(operation="order.ship")
    assert [entry["outcome"] for entry in shipped] == ["accepted", "refused"]


def test_deleting_takes_the_product_away(sandbox: Any, product_id: int) -> None:
    answer = sandbox.call(
        "aliexpress.solution.batch.product.delete", {"product_ids": str(product_id)}
    )
    assert set(answer) == {"request_id"}
    assert sandbox.control("GET", "products?seller=2200100001") == []


def test_the_schema_is_text_and_lists_the_sellers_templates(sandbox: Any) -> None:
    answer = sandbox.call(
        "aliexpress.solution.product.schema.get", {"aliexpress_category_id": "152805"}
    )
    schema = json.loads(answer["result"]["schema"])
    assert schema["properties"]["product_group_id"]["oneOf"] == []
    template = schema["properties"]["shipping_template_id"]["oneOf"][0]
    assert template == {"const": "1000100001", "title": "free shipping"}


def test_reading_and_writing_are_counted(sandbox: Any) -> None:
    before = sandbox.control("GET", "calls")["calls"]
    sandbox.call("aliexpress.solution.merchant.profile.get")
    after = sandbox.control("GET", "calls")["calls"]
    name = "aliexpress.solution.merchant.profile.get"
    assert after[name] == before.get(name, 0) + 1
