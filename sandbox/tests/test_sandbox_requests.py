"""Requests as real clients send them, the official Java client's habits above all."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.json_reader import NotJson, parse_json

Payload = Callable[..., dict[str, Any]]
SELLER = "2200100001"
FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
ORDERS = "aliexpress.solution.order.get"
PAGING = {"page_size": 20, "current_page": 1}


def as_the_java_client(sandbox: Any, method: str, parameters: dict[str, str]) -> Any:
    """System parameters in the query after `method`, business ones in the form, simplified."""
    sent = sandbox.signed(
        method, parameters, format="json", simplify="true", v="2.0", partner_id="iop-sdk-java"
    )
    system = {name: value for name, value in sent.items() if name not in parameters}
    target = f"/sync?method={method}&{urlencode(system)}"
    return sandbox.request("POST", target, urlencode(parameters), FORM).json()


@pytest.fixture
def shop(sandbox: Any, payload: Payload) -> Any:
    items = {"1": payload("A-1", "A-2")}
    assert sandbox.feed("PRODUCT_CREATE", items)["1"]["success"] is True
    return sandbox


def placed(shop: Any, status: str) -> str:
    asked = {"seller_id": SELLER, "lines": [{"sku_code": "A-1"}], "status": status}
    identity: str = shop.control("POST", "orders", asked)[0]["order_id"]
    return identity


def listed(answer: Any) -> list[str]:
    return [str(one["order_id"]) for one in answer["result"]["target_list"].get("order_dto", [])]


# Orders ------------------------------------------------------------------------------------------


def test_the_java_client_asks_flat_and_reads_plain_lists(shop: Any) -> None:
    identity = placed(shop, "FINISH")
    query = {"page_size": "20", "current_page": "1", "order_status": "FINISH"}
    answer = as_the_java_client(shop, ORDERS, query)
    assert [str(one["order_id"]) for one in answer["result"]["target_list"]] == [identity]


@pytest.mark.parametrize(
    "statuses",
    ['["FINISH","RISK_CONTROL"]', "FINISH,RISK_CONTROL", "['FINISH', 'RISK_CONTROL',]"],
    ids=["json", "comma text", "loose"],
)
def test_states_are_taken_flat_and_in_an_object(shop: Any, statuses: str) -> None:
    wanted = [placed(shop, "FINISH"), placed(shop, "RISK_CONTROL")]
    placed(shop, "WAIT_SELLER_SEND_GOODS")
    flat = {name: str(value) for name, value in PAGING.items()}
    assert sorted(listed(shop.call(ORDERS, flat | {"order_status_list": statuses}))) == wanted
    query = PAGING | {"order_status_list": statuses}
    assert sorted(listed(shop.call(ORDERS, {"param0": query}))) == wanted


def test_a_flat_query_without_its_page_is_refused_by_name(shop: Any) -> None:
    error = shop.call(ORDERS, {"page_size": "20"})["error_response"]
    assert (error["code"], "current_page" in error["msg"]) == ("MissingParameter", True)
    assert "param0" in shop.call(ORDERS)["error_response"]["msg"]


# JSON as clients write it ------------------------------------------------------------------------

LOOSE: dict[str, tuple[str, Any]] = {
    "a later member is null": ('{"a":1,}', {"a": 1}),
    "a member between is null": ('{"a":1,,"b":[1,2,,],}', {"a": 1, "b": [1, 2]}),
    "the first is null": ('{,"b":1}', {"b": 1}),
    "single quotes": ("{'a': 'x'}", {"a": "x"}),
    "quotes in quotes": ("""{'a': 'say "hi"', "b": "it's"}""", {"a": 'say "hi"', "b": "it's"}),
    "escapes": (r"{'a': 'it\'s \x41\n\u00e9 \\'}", {"a": "it's A\né \\"}),
    "Python": ("{'a': None, 'b': True, 'c': False}", {"a": None, "b": True, "c": False}),
    "names without quotes": ("{a: 1, b_2: [true]}", {"a": 1, "b_2": [True]}),
    "words are no names": ("{'true': None, null: 1}", {"true": None, "null": 1}),
    "a long id": ("{'id': 9007199254740993,}", {"id": 9007199254740993}),
    "blanks": (" { 'a' : 1 , } ", {"a": 1}),
    "commas in texts": ("{'a': ',}', 'b': '[,',}", {"a": ",}", "b": "[,"}),
}


@pytest.mark.parametrize("case", LOOSE.values(), ids=LOOSE)
def test_misspelt_json_is_read(case: tuple[str, Any]) -> None:
    text, value = case
    assert parse_json(text) == value


@pytest.mark.parametrize(
    "text", ["", "{'a':1", "nonsense", "1 2", "{'a' 1}", "{'a',}", "'a' 'b'", "[1 2]", "{'a': x}"]
)
def test_what_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(NotJson):
        parse_json(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(VALUES)
def test_pythons_own_notation_reads_as_json_does(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value
    if isinstance(value, dict | list):
        assert parse_json(repr(value)) == value


@pytest.mark.parametrize("odd", ["{'order_id': %s, 'x': None,}", '{"order_id":"%s",}'])
def test_parameters_may_be_misspelt(shop: Any, odd: str) -> None:
    identity = placed(shop, "RISK_CONTROL")
    answer = shop.call("aliexpress.solution.order.info.get", {"param1": odd % identity})
    assert str(answer["result"]["data"]["id"]) == identity


def test_a_feeds_items_may_be_misspelt(sandbox: Any, payload: Payload) -> None:
    items = [{"item_content_id": "1", "item_content": repr(payload("A-1"))}]
    asked = {"operation_type": "PRODUCT_CREATE", "item_list": repr(items)}
    job = sandbox.call("aliexpress.solution.feed.submit", asked)["job_id"]
    assert sandbox.await_feed(job)["1"]["success"] is True


# Ids ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["[%s, 1]", '["%s","1"]', "%s,1", "%s;1"])
def test_ids_are_taken_as_json_and_as_text(shop: Any, form: str) -> None:
    (product,) = shop.control("GET", f"products?seller={SELLER}")
    answer = shop.call(
        "aliexpress.solution.batch.product.delete", {"product_ids": form % product["product_id"]}
    )
    assert answer.keys() == {"request_id"}
    assert shop.control("GET", f"products?seller={SELLER}") == []


def test_ids_are_too_long_for_a_double(shop: Any) -> None:
    identity = placed(shop, "WAIT_SELLER_SEND_GOODS")
    (order,) = shop.call(ORDERS, {"param0": PAGING})["result"]["target_list"]["order_dto"]
    (line,) = order["product_list"]["order_product_dto"]
    job = shop.call(
        "aliexpress.solution.feed.submit",
        {
            "operation_type": "PRODUCT_CREATE",
            "item_list": [{"item_content_id": "1", "item_content": "{}"}],
        },
    )["job_id"]
    assert str(order["order_id"]) == identity
    assert min(order["order_id"], line["child_id"], line["product_id"], job) > 2**53


def test_template_ids_fit_a_32_bit_integer_where_the_platforms_do(shop: Any) -> None:
    for seller in (SELLER, "2200100002", "2200100003"):
        shop.token = ""
        shop.connect(seller)
        answer = shop.call("aliexpress.freight.redefining.listfreighttemplate")
        templates = answer["aeop_freight_template_d_t_o_list"]["aeopfreighttemplatedtolist"]
        assert all(one["template_id"] < 2**31 for one in templates)
    promises = shop.call(
        "aliexpress.postproduct.redefining.querypromisetemplatebyid", {"template_id": "-1"}
    )["result"]["template_list"]["templatelist"]
    assert max(one["id"] for one in promises) == 9_007_199_254_740_993


def test_sku_ids_may_stand_without_their_quotes(shop: Any) -> None:
    (product,) = shop.control("GET", f"products?seller={SELLER}")

    def sku_ids() -> list[str]:
        name, asked = "aliexpress.solution.product.info.get", {"product_id": product["product_id"]}
        skus = shop.call(name, asked)["result"]["aeop_ae_product_s_k_us"]
        return [sku["id"] for sku in skus["global_aeop_ae_product_sku"]]

    assert sku_ids() == ['"14:10#shade 0"', '"14:29#shade 1"']
    shop.control("POST", "quirks", {"quoted_sku_ids": False})
    assert sku_ids() == ["14:10#shade 0", "14:29#shade 1"]


# Plain posting -----------------------------------------------------------------------------------


def plain(**fields: Any) -> dict[str, Any]:
    """A product posted without a schema, its numbers as numbers."""
    return {
        "language": "en",
        "aliexpress_category_id": 152805,
        "multi_language_subject_list": [{"language": "en", "subject": "Wall clock"}],
        "multi_language_description_list": [
            {
                "language": "en",
                "web_detail": json.dumps(
                    {"version": "2.0.0", "moduleList": [
                        {"type": "html", "html": {"content": "<p>It ticks.</p>"}},
                        {"type": "text", "texts": [{"content": "Loud.", "class": "body"}]},
                    ]}
                ),
            }
        ],
        "main_image_urls_list": ["http://127.0.0.1/pictures/clock.jpg"],
        "attribute_list": [
            {"aliexpress_attribute_name_id": name, "aliexpress_attribute_value_id": value}
            for name, value in (
                (2, 201512802), (219, 9441741844), (400000603, 23399591357), (10, 360898),
            )
        ] + [
            {"attribute_name": "Style", "aliexpress_attribute_value_id": 200000072},
            {"attribute_name": "Shape", "aliexpress_attribute_value_id": 365470},
        ],
        "sku_info_list": [
            {
                "sku_code": f"P-{place}", "price": "12.21", "inventory": place, "discount_price": 9,
                "sku_attributes_list": [
                    {"sku_attribute_name_id": 14, "sku_attribute_value_id": value}
                ],
            }
            for place, value in enumerate((10, 29))
        ],
        "inventory_deduction_strategy": "payment_success_deduct",
        "weight": 3.2, "package_length": 10, "package_width": 10, "package_height": 20,
        "shipping_lead_time": 3, "freight_template_id": 1000100001, "service_policy_id": 0,
    } | fields  # fmt: skip


def post(sandbox: Any, posted: dict[str, Any]) -> Any:
    return sandbox.call("aliexpress.solution.product.post", {"post_product_request": posted})[
        "result"
    ]


def test_a_number_0_counts_as_sent(sandbox: Any) -> None:
    identity = post(sandbox, plain())["product_id"]
    info = sandbox.call("aliexpress.solution.product.info.get", {"product_id": str(identity)})
    result = info["result"]
    assert result["promise_template_id"] == 0
    skus = result["aeop_ae_product_s_k_us"]["global_aeop_ae_product_sku"]
    assert [sku["ipm_sku_stock"] for sku in skus] == [0, 1]
    (description,) = result["multi_language_description_list"]["global_description"]
    (module,) = json.loads(description["web_detail"])["moduleList"]
    assert module["html"]["content"] == "<p>It ticks.</p><p>Loud.</p>"


def test_the_id_0_means_none_where_there_may_be_none(sandbox: Any) -> None:
    posted = plain(size_chart_id=0, group_id=0)
    posted["attribute_list"][-1] |= {"aliexpress_attribute_value_id": 0, "attribute_value": 365470}
    for place, name in enumerate(("Black", "White")):
        entry = {"sku_attribute_name_id": 14, "sku_attribute_value_id": 0}
        posted["sku_info_list"][place]["sku_attributes_list"] = [
            entry | {"sku_attribute_value": name}
        ]
    assert post(sandbox, posted)["product_id"]


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("weight", "package_weight_range"), ("package_length", "package_length_range"),
        ("shipping_lead_time", "shipping_preparation_time_range"),
        ("freight_template_id", "shipping_template_id_options"),
    ],
)  # fmt: skip
def test_a_0_that_is_too_little_is_refused_as_such(sandbox: Any, field: str, rule: str) -> None:
    assert rule in post(sandbox, plain(**{field: 0}))["error_message"]


def edit(sandbox: Any, identity: int, **fields: Any) -> Any:
    asked = {"edit_product_request": {"product_id": identity, **fields}}
    return sandbox.call("aliexpress.solution.product.edit", asked)["result"]


def test_an_edit_changes_only_what_it_sends(sandbox: Any) -> None:
    identity = post(sandbox, plain())["product_id"]

    def shown() -> dict[str, Any]:
        (product,) = sandbox.control("GET", f"products?seller={SELLER}")
        return {name: value for name, value in product.items() if name != "modified_at"}

    before = shown()
    titles = [{"language": "en", "subject": "Kitchen clock"}]
    assert edit(sandbox, identity, multi_language_subject_list=titles) == {"product_id": identity}
    assert shown() == before | {"title": "Kitchen clock"}
    sku = {"sku_code": "P-9", "price": "8.00", "inventory": 4}
    edit(sandbox, identity, sku_info_list=[sku])
    assert [(one["sku_code"], one["price"]) for one in shown()["skus"]] == [("P-9", "8.00")]


def test_an_edit_of_the_brand_keeps_the_other_attributes(sandbox: Any) -> None:
    identity = post(sandbox, plain())["product_id"]
    assert edit(sandbox, identity, brand_name="NONE", weight="1.5") == {"product_id": identity}
    info = sandbox.call("aliexpress.solution.product.info.get", {"product_id": str(identity)})
    properties = info["result"]["aeop_ae_product_propertys"]["global_aeop_ae_product_property"]
    assert len(properties) == 6
    assert info["result"]["gross_weight"] == "1.5"


def test_an_edit_of_what_is_not_there_is_refused(sandbox: Any) -> None:
    assert edit(sandbox, 1, weight="1.5")["error_message"] == "The product does not exist"
    asked = {"edit_product_request": {"weight": "1.5"}}
    assert "error_response" in sandbox.call("aliexpress.solution.product.edit", asked)


def test_an_edit_waits_for_the_audit(start_sandbox: Any) -> None:
    with start_sandbox(feed_seconds="0", audit_seconds="60", job_clock="sandbox") as client:
        client.connect()
        identity = post(client, plain())["product_id"]
        assert "audited" in edit(client, identity, weight="1.5")["error_message"]
