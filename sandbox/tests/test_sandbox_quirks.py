"""Uncertain facts are switches: the same business, written or checked another way."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

Payload = Callable[..., dict[str, Any]]
REDIRECT = "http://127.0.0.1:8001/v1/oauth/callback"


def test_a_tokens_numbers_may_be_text(sandbox: Any) -> None:
    sandbox.control("POST", "quirks", {"token_numbers_as_text": True})
    asked = {"seller_id": "2200100001", "redirect_uri": REDIRECT}
    code = sandbox.control("POST", "codes", asked)["code"]
    answer = sandbox.system("/auth/token/create", {"code": code})
    assert answer["expires_in"] == "2592000"
    assert answer["expire_time"].isdecimal()


def test_a_full_update_may_answer_in_its_result(sandbox: Any, payload: Payload) -> None:
    identity = sandbox.feed("PRODUCT_CREATE", {"1": payload("A-1")})["1"]["productId"]
    name = "aliexpress.solution.schema.product.full.update"
    asked = {"schema_full_update_request": payload("A-1", aliexpress_product_id=identity)}
    assert sandbox.call(name, asked)["product_id"] == identity
    sandbox.control("POST", "quirks", {"update_id_on_top": False})
    assert sandbox.call(name, asked)["result"]["product_id"] == identity


def test_a_failed_item_may_have_no_code_and_a_doubled_prefix(
    sandbox: Any, payload: Payload
) -> None:
    quirks = {"feed_error_code": False, "doubled_error_code": True}
    sandbox.control("POST", "quirks", quirks)
    asked = {"seller_id": "2200100001", "standing": "suspended"}
    sandbox.control("POST", "sellers", asked)
    result = sandbox.feed("PRODUCT_CREATE", {"1": payload("A-1")})["1"]
    assert "errorCode" not in result
    assert result["errorMessage"].startswith("7000003:000003:Your operation rights")


def test_a_limit_may_come_in_the_old_form(sandbox: Any) -> None:
    sandbox.control("POST", "quirks", {"limit_form": "old"})
    sandbox.control("POST", "bans", {"seconds": 9})
    error = sandbox.call("aliexpress.solution.merchant.profile.get")["error_response"]
    assert error["code"] == 7
    assert error["sub_code"] == "accesscontrol.limited-by-app-api-access-count"
    assert error["sub_msg"] == "This ban will last for 9 more seconds"


def check_masks(client: Any, payload: Payload) -> None:
    client.feed("PRODUCT_CREATE", {"1": payload("A-1")})
    (order,) = client.control("POST", "orders", {"seller_id": "2200100001"})
    asked = {"param1": {"order_id": order["order_id"]}}
    masked = client.call("aliexpress.solution.order.receiptinfo.get", asked)["result"]
    assert masked["contact_person"].endswith("***")
    data = client.call("aliexpress.solution.order.info.get", asked)["result"]["data"]
    for address in (masked, data["receipt_address"]):
        for name in ("contact_person", "detail_address", "mobile_no"):
            assert "***" in address[name]
        assert "*" not in address["city"] + address["zip"] + address["country"]
    assert data["oaid"] == masked["oaid"]
    decrypt = "aliexpress.trade.seller.order.decrypt"
    secret = {"orderId": order["order_id"], "oaid": masked["oaid"]}
    clear = client.call(decrypt, secret)["result_obj"]
    assert "*" not in "".join(clear.values())
    assert clear["contact_person"][:3] == masked["contact_person"][:3]
    assert "error_response" in client.call(decrypt, secret | {"oaid": "another"})


def test_addresses_may_be_masked_until_decrypted(start_sandbox: Any, payload: Payload) -> None:
    with start_sandbox(mask_addresses="true", feed_seconds="0", audit_seconds="0") as client:
        check_masks(client.connect(), payload)


def test_addresses_may_be_masked_while_it_runs(sandbox: Any, payload: Payload) -> None:
    sandbox.control("POST", "quirks", {"masked_addresses": True})
    check_masks(sandbox, payload)


def test_texts_of_money_may_be_0_beside_the_right_cents(sandbox: Any, payload: Payload) -> None:
    sandbox.feed("PRODUCT_CREATE", {"1": payload("A-1")})
    (order,) = sandbox.control("POST", "orders", {"seller_id": "2200100001"})
    sandbox.control("POST", "quirks", {"zero_amounts": True})
    asked = {"param1": {"order_id": order["order_id"]}}
    data = sandbox.call("aliexpress.solution.order.info.get", asked)["result"]["data"]
    cents = int(order["pay_amount"].replace(".", ""))
    assert (data["order_amount"]["amount"], data["order_amount"]["cent"]) == ("0", cents)


def test_an_error_may_stand_in_the_wrapper(sandbox: Any) -> None:
    sandbox.control("POST", "quirks", {"error_in_wrapper": True})
    sent = sandbox.signed("aliexpress.solution.order.get", {})
    answer = sandbox.request("GET", f"/sync?{urlencode(sent)}").json()
    inner = answer["aliexpress_solution_order_get_response"]["error_response"]
    assert inner["code"] == "MissingParameter"


def test_a_period_may_be_too_long(start_sandbox: Any) -> None:
    with start_sandbox(order_window_days="30") as client:
        client.connect()
        query = {"page_size": 20, "current_page": 1}
        name = "aliexpress.solution.order.get"
        for start in ({}, {"create_date_start": "2020-01-01 00:00:00"}):
            assert "error_response" in client.call(name, {"param0": query | start})
        near = query | {
            "create_date_start": "2026-01-01 00:00:00",
            "create_date_end": "2026-01-30 00:00:00",
        }
        assert client.call(name, {"param0": near})["result"]["success"] is True


def test_a_group_may_be_required_of_sellers_who_have_some(
    start_sandbox: Any, payload: Payload
) -> None:
    with start_sandbox(group_required="true", feed_seconds="0", audit_seconds="0") as client:
        client.connect("2200100002")
        item = payload("A-1", shipping_template_id="1000200001")
        refused = client.feed("PRODUCT_CREATE", {"1": item})["1"]
        assert "product_group_id_required" in refused["errorMessage"]
        item["product_group_id"] = "262007001"
        assert client.feed("PRODUCT_CREATE", {"1": item})["1"]["success"] is True


def test_a_sellers_tree_leaves_out_what_it_may_not_use(sandbox: Any) -> None:
    name = "aliexpress.solution.seller.category.tree.query"
    sandbox.token = ""
    sandbox.connect("2200100002")

    def roots(**query: str) -> set[int]:
        answer = sandbox.call(name, {"category_id": "0", **query})
        listed = answer["children_category_list"]["category_info"]
        assert all(category["level"] == 1 for category in listed)
        return {category["children_category_id"] for category in listed}

    assert roots() - roots(filter_no_permission="true") == {2, 201169612}


def test_a_setting_leaves_few_top_categories(start_sandbox: Any) -> None:
    with start_sandbox(category_roots="15, 21") as client:
        client.connect()
        query = {"category_id": "0", "filter_no_permission": "true"}
        answer = client.call("aliexpress.solution.seller.category.tree.query", query)
        listed = answer["children_category_list"]["category_info"]
        assert {category["children_category_id"] for category in listed} == {15, 21}


def test_the_tree_has_leaves_on_every_level_and_three_attributes_each(sandbox: Any) -> None:
    tree, attributes = (
        "aliexpress.solution.seller.category.tree.query",
        "aliexpress.solution.sku.attribute.query",
    )
    waiting: list[int] = [0]
    leaves: list[int] = []
    while waiting and len(leaves) < 40:
        answer = sandbox.call(tree, {"category_id": str(waiting.pop())})
        for category in answer["children_category_list"].get("category_info", []):
            kind = leaves if category["is_leaf_category"] else waiting
            kind.append(category["children_category_id"])
    for leaf in leaves[:40]:
        query = {"query_sku_attribute_info_request": {"aliexpress_category_id": leaf}}
        result = sandbox.call(attributes, query)["result"]
        common = result["supporting_common_attribute_list"]["supported_common_attribute_dto"]
        required = {one["aliexpress_common_attribute_name"] for one in common if one["required"]}
        assert len(required - {"Brand Name", "Origin", "High-concerned chemical"}) >= 3
