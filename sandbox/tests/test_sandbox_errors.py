"""Every code of the reference's list of posting, feed and shipping errors, each provoked."""

import json
from collections.abc import Callable
from typing import Any

import pytest

Payload = Callable[..., dict[str, Any]]
GENERAL = "F00-00-10020-004"
FOOD_LEAF = 980002166


def without(payload: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in payload.items() if key != name}


def with_sku(payload: dict[str, Any], **fields: Any) -> dict[str, Any]:
    payload["sku_info_list"][0] |= fields
    return payload


def title(text: str) -> list[dict[str, str]]:
    return [{"locale": "en_US", "title": text}]


def country_price(cents: int) -> dict[str, Any]:
    prices = [{"sku_code": "A-1", "price": cents / 100}]
    country = {"ship_to_country": "FR", "sku_price_by_country_list": prices}
    return {"price_type": "absolute", "country_price_list": [country]}


def attributes(payload: dict[str, Any], **values: Any) -> dict[str, Any]:
    payload["category_attributes"] |= values
    return payload


CASES: dict[str, tuple[Callable[[Payload], dict[str, Any]], str, str]] = {
    "duplicate sku": (
        lambda make: make("A-1", "A-1"), "F00-00-10007-007", "duplicate sku_code",
    ),
    "empty sku": (
        lambda make: with_sku(make(), sku_code=""), "F00-00-10007-009", "sku_code is empty",
    ),
    "unknown sku attribute": (
        lambda make: with_sku(make(), sku_attributes={"Scent": {"value": "1"}}),
        "F00-00-10007-015",
        "sku_attribute_name",
    ),
    "missing unit": (
        lambda make: without(make(), "product_units_type"),
        GENERAL,
        "040003:product_units_type_requiredValidator@post_tip",
    ),
    "wrong type": (
        lambda make: make(package_weight="heavy"), GENERAL, "040003:package_weight_required",
    ),
    "not a leaf": (
        lambda make: make(category_id=15), GENERAL, "GPF.CHK_CATEGORY_ID_NOT_LEAF_CATEGORY",
    ),
    "forbidden title": (
        lambda make: make(title_multi_language_list=title("a <b> clock")),
        "S00-10-10000-001",
        "7090001:Title:090001:",
    ),
    "long title": (
        lambda make: make(title_multi_language_list=title("x" * 219)), GENERAL, "maxLength",
    ),
    "no image exists": (
        lambda make: make(image_url_list=["http://127.0.0.1/pictures/missing-1.jpg"]),
        GENERAL,
        "None of your image url",
    ),
    "no image at an address": (
        lambda make: make(image_url_list=["http://127.0.0.1/pictures/notimage-1.jpg"]),
        GENERAL,
        "None of your image url",
    ),
    "no address of the web": (
        lambda make: make(image_url_list=["ftp://127.0.0.1/1.jpg", "1.jpg", "http:///1.jpg"]),
        GENERAL,
        "None of your image url",
    ),
    "own text of the only SKU with a mark": (
        lambda make: with_sku(make(), sku_attributes={"Color": {"value": "10", "alias": "#1"}}),
        GENERAL,
        "alias_text",
    ),
    "seven images": (
        lambda make: make(image_url_list=[f"http://127.0.0.1/{n}.jpg" for n in range(7)]),
        GENERAL,
        "image_url_list_size",
    ),
    "unknown attribute value": (
        lambda make: attributes(make(), Material={"value": "17"}), GENERAL, "options",
    ),
    "other without its text": (
        lambda make: attributes(make(), Material={"value": "4"}), GENERAL, "customValue_required",
    ),
    "missing required attribute": (
        lambda make: attributes(make(), Style=None), GENERAL, "Style_required",
    ),
    "discount not below price": (
        lambda make: with_sku(make(), discount_price=19.99), GENERAL, "discount_price_range",
    ),
    "no stock at all": (
        lambda make: with_sku(make(), inventory=0), GENERAL, "inventory_sum",
    ),
    "country price below 70 percent": (
        lambda make: make(multi_country_price_configuration=country_price(1399)),
        GENERAL,
        "lowest70Percent",
    ),
    "another seller's template": (
        lambda make: make(shipping_template_id="1000300001"), GENERAL, "shipping_template_id",
    ),
    "group of a seller without groups": (
        lambda make: make(product_group_id="262007001"), GENERAL, "product_group_id_options",
    ),
    "two SKUs alike": (
        lambda make: with_sku(
            make("A-1", "A-2"), sku_attributes={"Color": {"value": "29", "alias": "shade 1"}}
        ),
        GENERAL,
        "sku_attributes_unique",
    ),
    "main language missing": (
        lambda make: make(locale="fr_FR"), GENERAL, "mainLanguage",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_payload_that_deserves_it_is_refused(sandbox: Any, payload: Payload, case: Any) -> None:
    make, code, text = case
    result = sandbox.feed("PRODUCT_CREATE", {"1": make(payload)})["1"]
    assert result["success"] is False
    assert result["errorCode"] == code
    assert text in result["errorMessage"]
    posted = sandbox.call(
        "aliexpress.solution.schema.product.instance.post",
        {"product_instance_request": make(payload)},
    )
    assert posted["result"]["error_code"] == code
    assert sandbox.control("GET", "products?seller=2200100001") == []


def test_a_country_price_of_70_percent_is_taken(sandbox: Any, payload: Payload) -> None:
    item = payload(multi_country_price_configuration=country_price(1400))
    assert sandbox.feed("PRODUCT_CREATE", {"1": item})["1"]["success"] is True


@pytest.mark.parametrize(
    ("standing", "text"),
    [("suspended", "000003:"), ("gone", "SellerId=2200100001 not exists")],
)
def test_a_seller_in_bad_standing_posts_nothing(
    sandbox: Any, payload: Payload, standing: str, text: str
) -> None:
    asked = {"seller_id": "2200100001", "standing": standing}
    sandbox.control("POST", "sellers", asked)
    result = sandbox.feed("PRODUCT_CREATE", {"1": payload()})["1"]
    assert result["errorCode"] == GENERAL
    assert text in result["errorMessage"]


def unschemed(payload: dict[str, Any]) -> dict[str, Any]:
    """The same product for the method without a schema."""
    return {
        "aliexpress_category_id": "152805",
        "language": "en",
        "subject": "Wall clock of oak",
        "description": "It ticks.",
        "main_image_urls_list": payload["image_url_list"],
        "brand_name": "NONE",
        "attribute_list": [
            {"attribute_name": name, "attribute_value_id": value}
            for name, value in (
                ("Origin", "9441741844"),
                ("High-concerned chemical", "23399591357"),
                ("Material", "360898"),
                ("Style", "200000072"),
                ("Shape", "365470"),
            )
        ],
        "sku_info_list": [{"sku_code": "P-1", "price": "12.21", "inventory": "90"}],
        "inventory_deduction_strategy": "payment_success_deduct",
        "weight": "3.2",
        "package_length": "10",
        "package_width": "10",
        "package_height": "20",
        "shipping_lead_time": "3",
        "freight_template_id": "1000100001",
        "service_policy_id": "0",
    }


def test_a_full_shop_takes_no_more_either_way(start_sandbox: Any, payload: Payload) -> None:
    with start_sandbox(products_max="1", feed_seconds="0", audit_seconds="0") as client:
        client.connect()
        post = "aliexpress.solution.product.post"
        first = client.call(post, {"post_product_request": unschemed(payload())})
        assert first["result"]["product_id"]
        by_schema = client.feed("PRODUCT_CREATE", {"1": payload()})["1"]
        assert by_schema["errorCode"] == GENERAL
        assert by_schema["errorMessage"].startswith("150008:")
        refused = client.call(post, {"post_product_request": unschemed(payload())})["result"]
        assert refused["error_code"] == "S00-10-10000-001"
        assert refused["error_message"].startswith("7150008:150008:")


@pytest.mark.parametrize(
    ("code", "message"),
    [(GENERAL, "系统错误,请稍后重试"), ("16009999", "系统异常!")],
    ids=["schema", "older"],
)
def test_internal_errors_come_by_fault(
    sandbox: Any, payload: Payload, code: str, message: str
) -> None:
    sandbox.control(
        "POST", "faults", {"kind": "item_error", "code": code, "message": message, "count": 1}
    )
    items = {"1": payload("A-1"), "2": payload("A-2")}
    results = sandbox.feed("PRODUCT_CREATE", items)
    assert (results["1"]["errorCode"], results["1"]["errorMessage"]) == (code, message)
    assert results["2"]["success"] is True


def test_only_photo_bank_pictures_by_switch(start_sandbox: Any, payload: Payload) -> None:
    with start_sandbox(foreign_images="false", feed_seconds="0", audit_seconds="0") as client:
        client.connect()
        foreign = client.feed("PRODUCT_CREATE", {"1": payload()})["1"]
        assert "None of your image url" in foreign["errorMessage"]
        uploaded = client.call(
            "aliexpress.photobank.redefining.uploadimageforsdk",
            {"file_name": "clock.jpg", "image_bytes": "picture"},
        )
        address = uploaded["result"]["photobank_url"]
        item = payload(image_url_list=[address])
        assert client.feed("PRODUCT_CREATE", {"1": item})["1"]["success"] is True
        served = client.request("GET", address.split(str(client.port))[1])
        assert served.headers["content-type"] == "image/png"


def test_only_photo_bank_pictures_while_it_runs(sandbox: Any, payload: Payload) -> None:
    sandbox.control("POST", "quirks", {"only_photo_bank": True})
    foreign = sandbox.feed("PRODUCT_CREATE", {"1": payload()})["1"]
    assert "None of your image url" in foreign["errorMessage"]
    sandbox.control("POST", "quirks", {})
    assert sandbox.feed("PRODUCT_CREATE", {"1": payload()})["1"]["success"] is True


def test_a_photo_bank_without_room(start_sandbox: Any) -> None:
    upload = "aliexpress.photobank.redefining.uploadimageforsdk"
    picture = {"file_name": "clock.jpg", "image_bytes": "picture"}
    with start_sandbox(photo_bank_megabytes="0.00001") as client:
        client.connect()
        assert client.call(upload, picture)["result"]["is_success"] is True
        refused = client.call(upload, picture)["result"]
        assert (refused["is_success"], refused["error_code"]) == (False, "PHOTOBANK_FULL")
    with start_sandbox() as client:
        client.connect()
        client.control("POST", "quirks", {"full_photo_bank": True})
        assert client.call(upload, picture)["result"]["is_success"] is False


def test_a_category_the_seller_may_not_use(sandbox: Any, payload: Payload) -> None:
    sandbox.token = ""
    sandbox.connect("2200100002")
    item = payload(category_id=FOOD_LEAF, shipping_template_id="1000200001")
    result = sandbox.feed("PRODUCT_CREATE", {"1": item})["1"]
    assert "category_id_permission" in result["errorMessage"]


def test_a_brand_of_another_seller(sandbox: Any, payload: Payload) -> None:
    sandbox.token = ""
    sandbox.connect("2200100003")
    item = json.loads(json.dumps(payload()).replace("en_US", "es_ES"))
    item["shipping_template_id"] = "1000300001"
    assert sandbox.feed("PRODUCT_CREATE", {"1": item})["1"]["success"] is True
    item["category_attributes"]["Brand Name"] = {"value": "361797"}
    refused = sandbox.feed("PRODUCT_CREATE", {"1": item})["1"]
    assert "Brand Name.value_options" in refused["errorMessage"]


def test_an_unknown_order_has_no_account(sandbox: Any) -> None:
    for name in ("order.info.get", "order.receiptinfo.get"):
        answer = sandbox.call(f"aliexpress.solution.{name}", {"param1": {"order_id": 1}})
        assert answer["result"]["error_code"] == "F00-10-10000-001"
        assert answer["result"]["error_message"] == "account not found"


SHIPPING = {
    "另一": ({"out_ref": "1"}, "您填写的交易订单号有误或不属于当前账号"),
    "number": ({"logistics_no": "wrong"}, "该货运跟踪号未通过物流风控审核"),
    "carrier": ({"service_name": "NO_SUCH"}, "该货运跟踪号未通过物流风控审核"),
    "no website": ({"service_name": "OTHER_US_LOCAL"}, "该货运跟踪号未通过物流风控审核"),
}


@pytest.mark.parametrize("case", SHIPPING.values(), ids=["order", "number", "carrier", "website"])
def test_shipping_is_refused_in_chinese(sandbox: Any, payload: Payload, case: Any) -> None:
    change, message = case
    sandbox.feed("PRODUCT_CREATE", {"1": payload("A-1")})
    asked = {"seller_id": "2200100001", "status": "WAIT_SELLER_SEND_GOODS"}
    (order,) = sandbox.control("POST", "orders", asked)
    shipment = {
        "service_name": "EMS",
        "logistics_no": "LA888877770CN",
        "out_ref": order["order_id"],
        "send_type": "all",
    }
    refused = sandbox.call("aliexpress.solution.order.fulfill", shipment | change)["result"]
    assert refused["error_code"] == "-999"
    assert refused["error_message"].startswith(message)
    done = sandbox.call("aliexpress.solution.order.fulfill", shipment)
    assert done["result"]["result_success"] is True


def test_an_order_not_paid_cannot_be_shipped(sandbox: Any, payload: Payload) -> None:
    sandbox.feed("PRODUCT_CREATE", {"1": payload("A-1")})
    (order,) = sandbox.control("POST", "orders", {"seller_id": "2200100001"})
    shipment = {
        "service_name": "EMS",
        "logistics_no": "LA888877770CN",
        "out_ref": order["order_id"],
        "send_type": "all",
    }
    refused = sandbox.call("aliexpress.solution.order.fulfill", shipment)["result"]
    assert refused["error_message"] == "该交易订单缺少履约信息，请联系客服处理。"


def test_updates_wait_for_the_audit(start_sandbox: Any, payload: Payload) -> None:
    with start_sandbox(feed_seconds="0", audit_seconds="60", job_clock="sandbox") as client:
        client.connect()
        identity = client.feed("PRODUCT_CREATE", {"1": payload("A-1")})["1"]["productId"]
        update = {"1": payload("A-1", aliexpress_product_id=identity)}
        assert "audited" in client.feed("PRODUCT_FULL_UPDATE", update)["1"]["errorMessage"]
        client.control("POST", "clock", {"advance_seconds": 60})
        assert client.feed("PRODUCT_FULL_UPDATE", update)["1"]["success"] is True


def test_the_locale_never_changes(sandbox: Any, payload: Payload) -> None:
    identity = sandbox.feed("PRODUCT_CREATE", {"1": payload("A-1")})["1"]["productId"]
    spanish = json.loads(json.dumps(payload("A-1")).replace("en_US", "es_ES"))
    item = spanish | {"aliexpress_product_id": identity}
    result = sandbox.feed("PRODUCT_FULL_UPDATE", {"1": item})["1"]
    assert "locale" in result["errorMessage"]
