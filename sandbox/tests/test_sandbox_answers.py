"""Every method's answer, wrapped and simplified, is what `sandbox.shapes` describes."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.app import REGISTERED
from sandbox.methods.registry import OPERATIONS, SYSTEM_OPERATIONS
from sandbox.shapes.check import differences
from sandbox.shapes.description import NotDescribed, load, read

Payload = Callable[..., dict[str, Any]]
SELLER, GROUPED = "2200100001", "2200100002"
REDIRECT = "http://127.0.0.1:8001/v1/oauth/callback"
PRICES = {
    "price_type": "absolute",
    "country_price_list": [
        {
            "ship_to_country": "FR",
            "sku_price_by_country_list": [{"sku_code": "A-1", "price": 19, "discount_price": 18}],
        }
    ],
}
Seen = tuple[str, str, dict[str, Any]]
"""Method, variant, and the answer inside its wrapper."""


class Caller:
    """Calls methods in one form and gives what stands inside the wrapper."""

    def __init__(self, sandbox: Any, *, is_simplified: bool) -> None:
        self._sandbox = sandbox
        self._form = {"simplify": "true", "format": "json"} if is_simplified else {}

    def __call__(self, method: str, variant: str = "", /, **parameters: Any) -> Seen:
        answer = self._sandbox.call(method, parameters, **self._form)
        assert "error_response" not in answer, (method, answer)
        return method, variant, answer


def answers(sandbox: Any, payload: Payload, call: Caller) -> Iterator[Seen]:
    """A scenario in which every method answers at least once."""
    yield from categories(call)
    made = payload("A-1", "A-2", multi_country_price_configuration=PRICES)
    made["sku_info_list"][0] |= {"ean_code": "4006381333931"}
    made["user_defined_attribute_list"] = [{"attribute_name": "Hands", "attribute_value": "two"}]
    post = "aliexpress.solution.schema.product.instance.post"
    seen = call(post, product_instance_request=made)
    yield seen
    identity = seen[2]["result"]["product_id"]
    yield from products(sandbox, call, identity, made)
    yield from feeds(sandbox, call, payload("F-1"))
    yield from orders(sandbox, call)
    yield from pictures(sandbox, call)
    yield from shop(sandbox, call)


def categories(call: Caller) -> Iterator[Seen]:
    leaf = {"aliexpress_category_id": "152805"}
    yield call(
        "aliexpress.solution.seller.category.tree.query",
        category_id="0", filter_no_permission="true",
    )  # fmt: skip
    yield call("aliexpress.solution.sku.attribute.query", query_sku_attribute_info_request=leaf)
    older = "aliexpress.category.redefining.get"
    yield call(f"{older}allchildattributesresult", cate_id="152805")
    yield call(f"{older}childattributesresultbypostcateidandpath", param1="152805")
    yield call("aliexpress.solution.product.category.suggest", title="wall clocks", language="en")
    yield call("aliexpress.solution.product.schema.get", **leaf)
    yield call("aliexpress.solution.product.schema.get", "refused", aliexpress_category_id="15")


def products(sandbox: Any, call: Caller, identity: int, made: dict[str, Any]) -> Iterator[Seen]:
    solution = "aliexpress.solution"
    yield call(f"{solution}.product.info.get", product_id=str(identity))
    yield call(f"{solution}.product.info.get", "refused", product_id="1")
    query = {"product_status_type": "onSelling"}
    yield call(f"{solution}.product.list.get", aeop_a_e_product_list_query=query)
    update, full = {"aliexpress_product_id": identity}, f"{solution}.schema.product.full.update"
    yield call(full, schema_full_update_request=made | update)
    sandbox.control("POST", "quirks", {"update_id_on_top": False})
    yield call(full, "in result", schema_full_update_request=made | update)
    sandbox.control("POST", "quirks", {})
    yield call(full, "refused", schema_full_update_request={"aliexpress_product_id": 1})
    yield call(
        f"{solution}.schema.product.instance.post", "refused", product_instance_request={"x": 1}
    )
    yield call(f"{solution}.product.post", "refused", post_product_request={"language": "en"})
    yield call(f"{solution}.product.post", post_product_request=posted(made))
    edit = {"product_id": identity, "multi_language_subject_list": [
        {"language": "en", "subject": "Clock"}
    ]}  # fmt: skip
    yield call(f"{solution}.product.edit", edit_product_request=edit)
    yield call(f"{solution}.product.edit", "refused", edit_product_request=edit | {"weight": -1})
    for name, field in (("price", {"price": "20.00"}), ("inventory", {"inventory": 5})):
        skus = [{"sku_code": "A-1", **field}]
        both = [{"product_id": one, "multiple_sku_update_list": skus} for one in (identity, 1)]
        yield call(f"{solution}.batch.product.{name}.update", mutiple_product_update_list=both)
    for verb in ("offline", "online"):
        some = {"product_ids": f"{identity};1"}
        yield call(f"aliexpress.postproduct.redefining.{verb}aeproduct", **some)


def posted(made: dict[str, Any]) -> dict[str, Any]:
    attributes = made["category_attributes"]
    return {
        "language": "en",
        "aliexpress_category_id": made["category_id"],
        "multi_language_subject_list": [{"language": "en", "subject": "Clock"}],
        "multi_language_description_list": [{"language": "en", "web_detail": "<p>Ticks</p>"}],
        "main_image_urls_list": made["image_url_list"],
        "attribute_list": [
            {"attribute_name": name, "aliexpress_attribute_value_id": value}
            for name, value in (
                ("Origin", "9441741844"), ("High-concerned chemical", "23399591357"),
                ("Material", "360898"), ("Style", "200000072"), ("Shape", "365470"),
            )
            if name in attributes
        ],
        "brand_name": "NONE",
        "sku_info_list": [{"sku_code": "P-1", "price": "12.21", "inventory": 90}],
        "inventory_deduction_strategy": "payment_success_deduct",
        "weight": "3.2", "package_length": 10, "package_width": 10, "package_height": 20,
        "shipping_lead_time": 3, "freight_template_id": 1000100001, "service_policy_id": 0,
    }  # fmt: skip


def feeds(sandbox: Any, call: Caller, item: dict[str, Any]) -> Iterator[Seen]:
    items = [
        {"item_content_id": "good", "item_content": json.dumps(item)},
        {"item_content_id": "bad", "item_content": "{}"},
    ]
    solution = "aliexpress.solution.feed"
    seen = call(f"{solution}.submit", operation_type="PRODUCT_CREATE", item_list=items)
    yield seen
    job = str(seen[2]["job_id"])
    yield call(f"{solution}.query", job_id=job)
    yield call(f"{solution}.list.get", current_page="1", page_size="20")
    yield call(f"{solution}.invalidate", job_id_list=f"{job};1")
    sandbox.control("POST", "quirks", {"invalidated_in_result": True})
    yield call(f"{solution}.invalidate", "as result", job_id_list=f"{job};1")
    sandbox.control("POST", "quirks", {})


def orders(sandbox: Any, call: Caller) -> Iterator[Seen]:
    solution = "aliexpress.solution.order"
    lines = [{"sku_code": code, "quantity": 2} for code in ("A-1", "A-2")]

    def place(status: str = "PLACE_ORDER_SUCCESS") -> str:
        asked = {"seller_id": SELLER, "lines": lines, "status": status}
        identity: str = sandbox.control("POST", "orders", asked)[0]["order_id"]
        return identity

    place()
    ended = place(status="FINISH")
    disputed = place(status="IN_ISSUE")
    identity = place(status="WAIT_SELLER_SEND_GOODS")
    cancel = {"sku_codes": ["A-2"]}
    sandbox.control("POST", f"orders/{identity}/cancel", cancel)
    sandbox.control("POST", f"orders/{identity}/refund", {"sku_code": "A-1", "amount": "1.50"})
    shipment = {
        "service_name": "EMS", "logistics_no": "LA888877770CN", "out_ref": identity,
        "send_type": "all",
    }  # fmt: skip
    yield call(f"{solution}.fulfill", **shipment)
    yield call(f"{solution}.fulfill", "refused", **shipment)
    change = {
        "old_service_name": "EMS", "old_logistics_no": "LA888877770CN", "out_ref": identity,
        "new_service_name": "CPAM", "new_logistics_no": "LA888877771CN", "send_type": "all",
    }  # fmt: skip
    modify = "aliexpress.logistics.sellermodifiedshipmentfortop"
    yield call(modify, **change)
    yield call(modify, "refused", **change)
    paging = {"page_size": 20, "current_page": 1}
    yield call(f"{solution}.get", param0=paging)
    yield call(f"{solution}.get", param0=paging | {"order_status": "FINISH"})
    for order_id in (identity, ended, disputed):
        yield call(f"{solution}.info.get", param1={"order_id": order_id})
        yield call(f"{solution}.info.get", param1={"order_id": order_id, "ext_info_bit_flag": 0})
        yield call(f"{solution}.receiptinfo.get", param1={"order_id": order_id})
    for name in ("info", "receiptinfo"):
        yield call(f"{solution}.{name}.get", "refused", param1={"order_id": 1})
    yield call(f"{solution}.delivery.info.get", single_order_query={"order_id": identity})
    yield call(f"{solution}.delivery.info.get", "refused", single_order_query={"order_id": 1})
    sandbox.control("POST", "quirks", {"masked_addresses": True})
    seen = call(f"{solution}.receiptinfo.get", param1={"order_id": identity})
    yield seen
    yield call(f"{solution}.info.get", param1={"order_id": identity})
    secret = seen[2]["result"]["oaid"]
    yield call("aliexpress.trade.seller.order.decrypt", orderId=identity, oaid=secret)
    sandbox.control("POST", "quirks", {})
    parcel = {
        "logistics_no": "LA888877771CN", "origin": "ESCROW", "out_ref": identity,
        "service_name": "CPAM", "to_area": "US",
    }  # fmt: skip
    for method in ("redefining.querytrackingresult", "ds.trackinginfo.query"):
        yield call(f"aliexpress.logistics.{method}", **parcel)
        yield call(f"aliexpress.logistics.{method}", **parcel | {"logistics_no": "none"})
    yield call("aliexpress.solution.batch.product.delete", product_ids=json.dumps(ids(sandbox)))


def ids(sandbox: Any) -> list[str]:
    return [one["product_id"] for one in sandbox.control("GET", f"products?seller={SELLER}")]


def pictures(sandbox: Any, call: Caller) -> Iterator[Seen]:
    upload = "aliexpress.photobank.redefining.uploadimageforsdk"
    yield call(upload, file_name="clock.jpg", image_bytes="no picture at all")


def shop(sandbox: Any, call: Caller) -> Iterator[Seen]:
    yield call("aliexpress.solution.merchant.profile.get")
    yield call("aliexpress.logistics.redefining.listlogisticsservice")
    yield call("aliexpress.freight.redefining.listfreighttemplate")
    older = "aliexpress.postproduct.redefining"
    token, sandbox.token = sandbox.token, ""
    for seller in (GROUPED, "2200100003"):
        sandbox.token = ""
        sandbox.connect(seller)
        yield call(f"{older}.querypromisetemplatebyid", template_id="-1")
        yield call(f"{older}.getproductgrouplist")
        yield call("aliexpress.product.productgroups.get")
    (made,) = sandbox.control("POST", "products", {"seller_id": "2200100003", "count": 1})[
        "product_ids"
    ]
    yield call(f"{older}.setgroups", product_id=made, group_ids="263007001")
    sandbox.token = token


@pytest.mark.parametrize("form", ["wrapped", "simplified"])
def test_every_answer_is_as_described(sandbox: Any, payload: Payload, form: str) -> None:
    described = load()
    is_simplified = form == "simplified"
    wrong: list[str] = []
    met: set[tuple[str, str]] = set()
    for method, variant, answer in answers(
        sandbox, payload, Caller(sandbox, is_simplified=is_simplified)
    ):
        met.add((method, variant))
        shape = described[method, variant]
        found = differences(answer, shape, is_simplified=is_simplified)
        wrong += [f"{method} {variant}: {difference}" for difference in found]
    assert wrong == []
    assert {one for one in described if not one[0].startswith("/")} - met == set()


def test_a_token_is_as_described(sandbox: Any) -> None:
    asked = {"seller_id": SELLER, "redirect_uri": REDIRECT}
    code = sandbox.control("POST", "codes", asked)["code"]
    answer = sandbox.system("/auth/token/create", {"code": code})
    shape = load()["/auth/token/create", ""]
    assert list(differences(answer, shape, is_simplified=False)) == []


def test_every_method_is_described() -> None:
    assert REGISTERED
    methods = {method for method, _ in load()}
    assert OPERATIONS.keys() - methods == set()
    assert methods - OPERATIONS.keys() - SYSTEM_OPERATIONS.keys() == set()
    assert all(field.certainty for answer in load().values() for field in answer.everything())


EXAMPLES = {
    "an unknown field": ({"a": "x", "b": 1}, "b: not described"),
    "a missing one": ({}, "a: missing"),
    "a number for a text": ({"a": 1}, "a: text is described, not 1"),
    "a null": ({"a": None}, "a: text is described, not None"),
    "a flag for a number": ({"a": "x", "n": True}, "n: number is described, not True"),
    "a list not wrapped": ({"a": "x", "l": [{"i": 1}]}, "l: a list below dto is described"),
    "another element": ({"a": "x", "l": {"d_t_o": []}}, "l: a list below dto is described"),
    "more than 32 bits": ({"a": "x", "l": {"dto": [{"i": 2**31}]}}, "l[0].i: int32 is described"),
    "an amount with words": ({"a": "x", "m": "1.5 USD"}, "m: amount is described"),
    "a time without its seconds": ({"a": "x", "t": "2026-01-01 10:00"}, "t: time is described"),
    "no JSON": ({"a": "x", "j": "{"}, "j: json is described"),
}
SHAPE = """
method.of.examples : assumed
    a       text
    n?      number
    m?      amount
    t?      time
    j?      json
    l?[dto] : seen
        i   int32
"""


@pytest.mark.parametrize("case", EXAMPLES.values(), ids=EXAMPLES)
def test_a_difference_is_named(case: tuple[dict[str, Any], str]) -> None:
    answer, difference = case
    shape = read(SHAPE)["method.of.examples", ""]
    (found,) = differences(answer | {"request_id": "1"}, shape, is_simplified=False)
    assert found.startswith(difference)


def test_a_description_inherits_its_certainty() -> None:
    shape = read(SHAPE)["method.of.examples", ""]
    assert [field.certainty for field in shape.everything()] == ["assumed"] * 5 + ["seen"] * 2


@pytest.mark.parametrize("line", ["  a text", "    a", "    a text text", "        a text"])
def test_a_description_that_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(NotDescribed, match=re.escape(line)):
        read(f"method.of.examples : assumed\n{line}\n")
