"""Whatever a seller sends, it is taken or refused; nothing stops the sandbox."""

import asyncio
import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.app import Application
from sandbox.json_reader import NotJson, parse_json
from sandbox.server import Request
from sandbox.settings import Settings
from sandbox.signing import signature

SELLER = "2200100001"
SECRET = "sandbox-app-secret-not-for-production"
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(["1e999", "NaN", "-0", "4", "0.001", "en_US", "place_order_withhold"]),
    st.just([]),
    st.just({}),
    st.lists(st.one_of(st.integers(), st.text(max_size=3), st.just({"sku_code": "x"})), max_size=3),
    st.dictionaries(st.text(max_size=5), st.text(max_size=3), max_size=2),
)
PRICES = {
    "price_type": "absolute",
    "country_price_list": [
        {
            "ship_to_country": "FR",
            "sku_price_by_country_list": [{"sku_code": "A-1", "price": 19.0}],
        }
    ],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    found = [path] if path else []
    if isinstance(value, dict):
        below = list(value.items())
    else:
        below = list(enumerate(value)) if isinstance(value, list) else []
    for key, inner in below:
        found += places(inner, (*path, key))
    return found


def changed(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """A copy with something odd in one place."""
    copy = deepcopy(value)
    holder = copy
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = odd
    return copy


class Seller:
    """Calls a sandbox in this process, so that an error in it is seen here."""

    def __init__(self) -> None:
        quick = Settings(feed_seconds=0, audit_seconds=0, feed_jobs_per_day=0)
        self._application = Application(quick)
        state = self._application.state
        self._token = state.oauth.exchange(state.oauth.issue_code(SELLER, "")).access_token
        self.now = str(int(state.clock.now().timestamp() * 1000))

    def call(self, operation: str, **parameters: Any) -> Any:
        """The inner answer of one call."""
        sent = {
            "app_key": "500100",
            "timestamp": self.now,
            "sign_method": "sha256",
            "method": operation,
            "session": self._token,
        } | {n: v if isinstance(v, str) else json.dumps(v) for n, v in parameters.items()}
        sent["sign"] = signature(sent, "sha256", SECRET)
        request = Request("POST", "/sync", {}, sent)
        answer = json.loads(asyncio.run(self._application.route(request)).body)
        assert isinstance(answer, dict)
        return answer.get(operation.replace(".", "_") + "_response", answer)


QUIET = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def seller() -> Seller:
    return Seller()


@QUIET
@given(data=st.data())
def test_odd_products_are_taken_or_refused(
    seller: Seller, payload: Callable[..., dict[str, Any]], data: st.DataObject
) -> None:
    whole = payload("A-1", "A-2", multi_country_price_configuration=PRICES)
    path = data.draw(st.sampled_from(places(whole)))
    odd = changed(whole, path, data.draw(ODD))
    items = [{"item_content_id": "1", "item_content": json.dumps(odd)}]
    submit = "aliexpress.solution.feed.submit"
    job = seller.call(submit, operation_type="PRODUCT_CREATE", item_list=items)["job_id"]
    answer = seller.call("aliexpress.solution.feed.query", job_id=str(job))
    (result,) = answer["result_list"]["single_item_response_dto"]
    outcome = json.loads(result["item_execution_result"])
    if not outcome["success"]:
        assert outcome["errorCode"]
        assert outcome["errorMessage"]
        return
    identity = str(outcome["productId"])
    info = seller.call("aliexpress.solution.product.info.get", product_id=identity)["result"]
    assert str(info["product_id"]) == identity
    query = {"product_status_type": "onSelling", "product_id": identity}
    listed = seller.call("aliexpress.solution.product.list.get", aeop_a_e_product_list_query=query)
    assert listed["result"]["product_count"] == 1


@QUIET
@given(data=st.data())
def test_odd_calls_are_answered(
    seller: Seller, payload: Callable[..., dict[str, Any]], data: st.DataObject
) -> None:
    item = [{"item_content_id": "1", "item_content": json.dumps(payload("A-1"))}]
    job = seller.call(
        "aliexpress.solution.feed.submit", operation_type="PRODUCT_CREATE", item_list=item
    )
    answer = seller.call("aliexpress.solution.feed.query", job_id=str(job["job_id"]))
    text = answer["result_list"]["single_item_response_dto"][0]["item_execution_result"]
    identity = json.loads(text)["productId"]
    sku = {"sku_code": "A-1", "price": "9.00", "discount_price": "8.00", "inventory": 3}
    batch = {"product_id": identity, "multiple_sku_update_list": [sku]}
    batch["multi_country_price_configuration"] = PRICES
    orders = {
        "page_size": 20,
        "current_page": 1,
        "modified_date_start": "2026-01-01 00:00:00",
        "order_status_list": ["FINISH"],
    }
    products = {
        "product_status_type": "onSelling",
        "page_size": 20,
        "current_page": 1,
        "gmt_create_start": "2026-01-01 00:00:00",
        "excepted_product_ids": [1],
        "group_id": 7,
        "subject": "clock",
    }
    calls: dict[str, tuple[str, Any]] = {
        "batch.product.price.update": ("mutiple_product_update_list", [batch]),
        "batch.product.inventory.update": ("mutiple_product_update_list", [batch]),
        "order.get": ("param0", orders),
        "order.info.get": ("param1", {"order_id": 1, "ext_info_bit_flag": 4}),
        "order.receiptinfo.get": ("param1", {"order_id": 1}),
        "product.list.get": ("aeop_a_e_product_list_query", products),
        "sku.attribute.query": (
            "query_sku_attribute_info_request", {"aliexpress_category_id": 152805},
        ),
        "schema.product.full.update": (
            "schema_full_update_request", payload("A-1", aliexpress_product_id=identity),
        ),
        "product.post": ("post_product_request", unschemed_product()),
        "product.edit": ("edit_product_request", unschemed_product() | {"product_id": identity}),
        "order.delivery.info.get": ("single_order_query", {"order_id": 1}),
        "feed.submit": ("item_list", item),
    }  # fmt: skip
    name = data.draw(st.sampled_from(sorted(calls)))
    parameter, whole = calls[name]
    path = data.draw(st.sampled_from(places(whole)))
    odd = changed(whole, path, data.draw(ODD))
    more = {"operation_type": "PRODUCT_CREATE"} if name == "feed.submit" else {}
    answer = seller.call(f"aliexpress.solution.{name}", **{parameter: odd}, **more)
    assert "request_id" in answer or "request_id" in answer["error_response"]


@QUIET
@given(text=st.text(st.sampled_from("{}[]:,'\"\\aNx0-9. \n\u2028é"), max_size=40) | st.text())
def test_any_text_is_json_or_is_not(text: str) -> None:
    try:
        value = parse_json(text)
    except NotJson:
        return
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize("depth", [60, 600, 5_000])
def test_deep_nesting_is_refused_and_stops_nothing(
    seller: Seller, payload: Callable[..., dict[str, Any]], depth: int
) -> None:
    deep = "[" * depth + "1" + "]" * depth
    content = json.dumps(payload("A-1"))[:-1] + f', "x": {deep}}}'
    submit, query = "aliexpress.solution.feed.submit", "aliexpress.solution.feed.query"
    items = [{"item_content_id": "1", "item_content": content}]
    job = seller.call(submit, operation_type="PRODUCT_CREATE", item_list=items)["job_id"]
    answer = seller.call(query, job_id=str(job))
    (result,) = answer["result_list"]["single_item_response_dto"]
    outcome = json.loads(result["item_execution_result"])
    assert outcome["success"] is (depth == 60)
    assert depth == 60 or outcome["errorMessage"].startswith("040003:item_content_json")
    post = "aliexpress.solution.schema.product.instance.post"
    direct = seller.call(post, product_instance_request=content)
    assert ("result" in direct) is (depth == 60)


def unschemed_product() -> dict[str, Any]:
    """A product posted without a schema."""
    return {
        "language": "en",
        "aliexpress_category_id": "152805",
        "multi_language_subject_list": [{"language": "en", "subject": "Wall clock"}],
        "multi_language_description_list": [{"language": "en", "web_detail": "{}"}],
        "main_image_urls_list": ["http://127.0.0.1/a.jpg"],
        "attribute_list": [{"attribute_name_id": "10", "attribute_value_id": "360898"}],
        "sku_info_list": [
            {
                "sku_code": "P-1",
                "price": "12.21",
                "inventory": "90",
                "sku_attributes_list": [
                    {"sku_attribute_name": "Color", "sku_attribute_value": "red"}
                ],
            }
        ],
        "brand_name": "NONE",
        "weight": "3.2",
    }
