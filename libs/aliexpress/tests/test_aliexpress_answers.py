"""Every typed method on documented answers: as recorded, simplified, and damaged in any way."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aliexpress import categories, feeds, logistics, oauth, offers, orders, products, shop
from aliexpress.errors import BadAnswer, MarketplaceFailure, OutcomeUnknown
from aliexpress.operation import AccessToken
from aliexpress.wire import Money

EXAMPLES = Path(__file__).parent / "examples"
ORDER = "8150123456789012345"
PRODUCT = "1005001234567890"
SHIPMENT = logistics.Shipment("888877779999", "EMS", "LA88887777CN", "all")
STOCK = [
    offers.ProductStock(product_id, (offers.SkuStock("a", 1),)) for product_id in ("123", "1234")
]
PRICES = [offers.ProductPrices("123", (offers.SkuPrice("a", "2.00", "1.50"),))]
FEED_ITEM = feeds.FeedItem("A00000000Y1", {"category_id": 1})

Call = Callable[[Any, AccessToken], Awaitable[Any]]

METHODS: dict[str, tuple[str, Call]] = {
    "create_token": (
        "token_create.iop.response.json",
        lambda client, token: oauth.create_token(client, "c"),
    ),
    "refresh_token": (
        "token_create.iop.response.json",
        lambda client, token: oauth.refresh_token(client, "r"),
    ),
    "list_child_categories": (
        "category_tree_query.response.json",
        categories.list_child_categories,
    ),
    "list_attributes": (
        "getallchildattributesresult.response.json",
        lambda client, token: categories.list_attributes(client, token, "1"),
    ),
    "load_supported_attributes": (
        "sku_attribute_query.response.json",
        lambda client, token: categories.load_supported_attributes(client, token, "1"),
    ),
    "suggest_categories": (
        "own.category_suggest.json",
        lambda client, token: categories.suggest_categories(client, token, "coat"),
    ),
    "load_product_schema": (
        "product_schema_get.envelope.response.json",
        lambda client, token: products.load_product_schema(client, token, "1"),
    ),
    "post_product": (
        "schema_product_instance_post.response.json",
        lambda client, token: products.post_product(client, token, {}),
    ),
    "update_product": (
        "schema_product_instance_post.response.json",
        lambda client, token: products.update_product(client, token, "32985684727", {}),
    ),
    "load_product": (
        "own.product_info.json",
        lambda client, token: products.load_product(client, token, PRODUCT),
    ),
    "list_products": (
        "own.product_list.json",
        lambda client, token: products.list_products(client, token, "onSelling"),
    ),
    "delete_products": (
        "batch_product_delete.response.json",
        lambda client, token: products.delete_products(client, token, ["1"]),
    ),
    "take_off_sale": (
        "own.sale.json",
        lambda client, token: products.take_off_sale(client, token, ["1"]),
    ),
    "put_on_sale": (
        "own.sale.json",
        lambda client, token: products.put_on_sale(client, token, ["1"]),
    ),
    "load_merchant_profile": ("own.merchant_profile.json", shop.load_merchant_profile),
    "list_freight_templates": ("freight_template_list.response.json", shop.list_freight_templates),
    "list_promise_templates": ("promise_template_list.response.json", shop.list_promise_templates),
    "list_product_groups": ("product_group_list.response.json", shop.list_product_groups),
    "upload_image": (
        "own.image_upload.json",
        lambda client, token: shop.upload_image(client, token, "1.jpg", b"x"),
    ),
    "submit_feed": (
        "feed_submit.response.json",
        lambda client, token: feeds.submit_feed(client, token, "PRODUCT_CREATE", [FEED_ITEM]),
    ),
    "query_feed": (
        "feed_query.success.response.json",
        lambda client, token: feeds.query_feed(client, token, "200000000060054475"),
    ),
    "list_feeds": ("feed_list_get.response.json", feeds.list_feeds),
    "invalidate_feeds": (
        "own.feed_invalidate.json",
        lambda client, token: feeds.invalidate_feeds(client, token, ["1"]),
    ),
    "update_stock": (
        "batch_inventory_update.partial_failure.response.json",
        lambda client, token: offers.update_stock(client, token, STOCK),
    ),
    "update_prices": (
        "batch_inventory_update.partial_failure.response.json",
        lambda client, token: offers.update_prices(client, token, PRICES),
    ),
    "list_orders": ("order_get.response.json", orders.list_orders),
    "load_order": (
        "own.order_info.json",
        lambda client, token: orders.load_order(client, token, ORDER),
    ),
    "load_receipt": (
        "own.order_receipt.json",
        lambda client, token: orders.load_receipt(client, token, ORDER),
    ),
    "list_carriers": ("logistics_service_list.response.json", logistics.list_carriers),
    "fulfil_order": (
        "order_fulfill.response.json",
        lambda client, token: logistics.fulfil_order(client, token, SHIPMENT),
    ),
    "modify_shipment": (
        "own.modified_shipment.json",
        lambda client, token: logistics.modify_shipment(
            client, token, SHIPMENT, old_service_name="CPAM", old_tracking_number="X"
        ),
    ),
    "load_tracking": (
        "tracking_info_query.response.json",
        lambda client, token: logistics.load_tracking(
            client,
            token,
            order_id="1",
            service_name="EMS",
            tracking_number="LA88887777CN",
            to_country="ES",
        ),
    ),
}


def example(name: str) -> Any:
    return msgspec.json.decode((EXAMPLES / METHODS[name][0]).read_bytes())


def simplified(value: Any) -> Any:
    """As `simplify=true` gives it: no outer wrapper, lists without the object around them."""
    if isinstance(value, list):
        return [simplified(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        name, inner = next(iter(value.items()))
        if name.endswith("_response"):
            return simplified(inner)
        if isinstance(inner, list):
            return simplified(inner)
    return {name: simplified(inner) for name, inner in value.items()}


def without_raw(result: Any) -> Any:
    """Everything typed; `raw` keeps the form it came in."""
    if isinstance(result, msgspec.Struct):
        return {
            field: without_raw(getattr(result, field))
            for field in result.__struct_fields__
            if field != "raw"
        }
    return [without_raw(item) for item in result] if isinstance(result, tuple | list) else result


@pytest.mark.parametrize("name", METHODS)
async def test_the_simplified_form_says_the_same(
    name: str, answering: Callable[..., Any], token: AccessToken
) -> None:
    call = METHODS[name][1]
    recorded = await call(answering(example(name)), token)
    simple = await call(answering(simplified(example(name)), is_simplified=True), token)
    assert without_raw(simple) == without_raw(recorded)


def test_simplifying_does_change_the_answers_with_lists() -> None:
    assert simplified(example("list_orders"))["result"]["target_list"][0]["order_id"]


async def test_a_token_as_documented(answering: Callable[..., Any], token: AccessToken) -> None:
    grant = await oauth.create_token(answering(example("create_token")), "c")
    assert grant.token == AccessToken(
        "1001", "50000601c30atpedfgu3LVvik87Ixlsvle3mSoB7701ceb156fPunYZ43GBg"
    )
    assert grant.expires_at == datetime(2015, 7, 17, 10, 30, 35, 362000, tzinfo=UTC)
    assert not grant.is_refreshable(datetime(2026, 1, 1, tzinfo=UTC))
    assert grant.is_refreshable(datetime(2015, 1, 1, tzinfo=UTC))
    assert "500006" not in repr(grant) + repr(grant.token)


async def test_a_category(answering: Callable[..., Any], token: AccessToken) -> None:
    [category] = await METHODS["list_child_categories"][1](
        answering(example("list_child_categories")), token
    )
    assert (category.category_id, category.level, category.is_leaf) == ("5090301", 2, True)
    assert category.names["en"] == "Mobile Phones"
    assert len(category.names) == 10


async def test_attributes(answering: Callable[..., Any], token: AccessToken) -> None:
    [attribute] = await METHODS["list_attributes"][1](answering(example("list_attributes")), token)
    assert attribute.is_required
    assert attribute.is_sku
    assert attribute.units == (categories.AttributeUnit("cm", "1"),)
    assert attribute.values[0].tags == {"sizeGroup": "us"}
    assert attribute.values[0].attributes == ()  # the example's list is cut to pieces


async def test_a_feed_report(answering: Callable[..., Any], token: AccessToken) -> None:
    report = await METHODS["query_feed"][1](answering(example("query_feed")), token)
    assert report.items == (feeds.FeedItemResult("A00000000Y1", True, "33030372006"),)
    assert report.is_finished


async def test_a_feed_without_results_yet_is_not_finished(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    body = {"job_id": "7", "total_item_count": "2", "result_list": ""}
    report = await feeds.query_feed(answering(body), token, "7")
    assert (report.items, report.is_finished) == ((), False)


async def test_doubled_results_do_not_finish_a_feed(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    row = {
        "item_content_id": "1",
        "item_execution_result": '{"success":false,"errorMessage":"7150008:150008:full"}',
    }
    body = {"job_id": "7", "total_item_count": 2, "result_list": [row, row]}
    report = await feeds.query_feed(answering(body), token, "7")
    assert [item.message for item in report.items] == ["7150008:150008:full"] * 2
    assert not report.is_finished


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("System error", [feeds.FeedItemResult("1", False, message="System error")]),
        ('{"success":true,"produ', []),
        ("", []),
        ({"success": "false", "errorCode": 7}, [feeds.FeedItemResult("1", False, code="7")]),
        ({"productId": 5}, [feeds.FeedItemResult("1", True, "5")]),
    ],
)
async def test_a_result_is_never_guessed_to_be_a_success(
    outcome: Any, expected: list[Any], answering: Callable[..., Any], token: AccessToken
) -> None:
    row = {"item_content_id": 1, "item_execution_result": outcome}
    body = {"job_id": 7, "total_item_count": 1, "result_list": [row]}
    report = await feeds.query_feed(answering(body), token, "7")
    assert list(report.items) == expected


async def test_another_jobs_report_is_no_answer(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    with pytest.raises(BadAnswer, match="job 8 was asked for"):
        await feeds.query_feed(answering(example("query_feed")), token, "8")


async def test_failures_of_a_batch_win(answering: Callable[..., Any], token: AccessToken) -> None:
    outcome = await METHODS["update_stock"][1](answering(example("update_stock")), token)
    assert [failure.product_id for failure in outcome.failed] == ["123", "1234"]
    assert outcome.succeeded == ()
    assert outcome.undecided == ()


async def test_a_batch_that_names_nothing_is_decided_by_its_flag(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    done = await offers.update_stock(answering({"update_success": "true"}), token, STOCK)
    assert done.succeeded == ("123", "1234")
    with pytest.raises(OutcomeUnknown):
        await offers.update_stock(answering({"request_id": "1"}), token, STOCK)


async def test_a_product_the_answer_does_not_speak_of_is_undecided(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    body = {
        "update_success": False,
        "update_failed_list": {"synchronize_product_response_dto": {"product_id": "123"}},
    }
    outcome = await offers.update_stock(answering(body), token, STOCK)
    assert outcome.undecided == ("1234",)


async def test_a_listed_order(answering: Callable[..., Any], token: AccessToken) -> None:
    page = await METHODS["list_orders"][1](answering(example("list_orders")), token)
    [order] = page.orders
    assert order.order_id == "1160045860056286"
    assert order.created_at == datetime(2017, 10, 12, 19, 12, 12, tzinfo=UTC)
    assert order.total == Money("1.01", "USD")
    assert order.lines[0].line_id == "23457890"
    assert (page.has_more, page.total_count) == (False, 1)
    assert '"afflicate_fee_rate":"0.03"' in order.raw


async def test_an_unreadable_order_leaves_its_neighbours(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    body = {
        "total_count": 2,
        "target_list": [{"order_id": 1}, {"order_id": 2, "order_status": "X"}],
    }
    page = await orders.list_orders(answering(body), token)
    assert [order.order_id for order in page.orders] == ["2"]
    assert "order_status" in page.unreadable[0].reason
    assert page.unreadable[0].raw == '{"order_id":1}'


@pytest.mark.parametrize("body", [{}, {"total_count": 3}, {"total_count": 3, "target_list": ""}])
async def test_orders_lost_on_the_way_are_not_no_orders(
    body: dict[str, Any], answering: Callable[..., Any], token: AccessToken
) -> None:
    with pytest.raises(BadAnswer):
        await orders.list_orders(answering(body), token)


@pytest.mark.parametrize("body", [{"total_count": 0}, {"success": True, "target_list": {}}])
async def test_no_orders(
    body: dict[str, Any], answering: Callable[..., Any], token: AccessToken
) -> None:
    assert (await orders.list_orders(answering({"result": body}), token)).orders == ()


async def test_an_order_in_full(answering: Callable[..., Any], token: AccessToken) -> None:
    order = await METHODS["load_order"][1](answering(example("load_order")), token)
    assert order.total == Money("12.34", "EUR")  # the cents, not the contradicting text
    assert order.initial_total == Money("13.00", "EUR")
    assert order.settlement_total == Money("13.37", "USD")
    assert order.refund is not None
    assert (order.refund.status, order.refund.amount) == ("wait_refund", Money("0.01", "EUR"))
    assert order.created_at == datetime(2024, 3, 1, 20, 12, tzinfo=UTC)
    assert order.modified_at == datetime(2024, 7, 1, 19, 12, 30, tzinfo=UTC)
    assert order.buyer_name == "Ana Perez"
    assert order.lines[0].quantity == 2
    assert order.parcels[0].tracking_number == "LA88887777CN"


async def test_no_representation_shows_the_buyer(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    found = [
        await METHODS[name][1](answering(example(name)), token)
        for name in ("list_orders", "load_order", "load_receipt")
    ]
    row = {"order_id": 1, "buyer_signer_fullname": "Ana Perez"}
    found.append(await orders.list_orders(answering({"target_list": [row]}), token))
    for shown in map(repr, found):
        assert not any(secret in shown for secret in ("Ana", "Perez", "Calle", "666666", "test"))


async def test_a_product(answering: Callable[..., Any], token: AccessToken) -> None:
    product = await METHODS["load_product"][1](answering(example("load_product")), token)
    assert product.titles == {"en_US": "Coat", "es_ES": "Abrigo"}
    assert product.image_urls == ("https://a/1.jpg", "https://a/2.jpg")
    assert product.skus[0].price == "19.90"
    assert product.skus[0].discount_price == "14.5"
    assert product.skus[0].properties[0].custom_name == "Navy"
    assert product.group_ids == ("1", "2")
    assert product.weight_kg == "0.500"


async def test_a_fulfilment_without_an_express_success_is_unknown(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    with pytest.raises(OutcomeUnknown):
        await logistics.fulfil_order(answering({"result": {}}), token, SHIPMENT)


# Fuzzing -----------------------------------------------------------------------------------------

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["", " ", "{}", "[]", "0", "-1", "1e400", "NaN", "{", '"', "null", "true"]),
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
ENCODE = msgspec.json.Encoder()


def as_json(value: Any) -> str:
    return ENCODE.encode(value).decode()


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """`value` with parts dropped, nulled, retyped, wrapped, unwrapped or replaced."""
    change = draw(st.integers(0, 30))
    if change == 0:
        return draw(anything)
    if change == 1:
        return draw(st.sampled_from([None, "", {}, []]))
    if change == 2:
        return as_json(value)
    if change == 3:
        return {draw(st.sampled_from(["string", "json", "dto", "number"])): value}
    if change == 4:
        return [value]
    if isinstance(value, list):
        if change == 5 and value:
            return draw(damaged(value[0]))
        if change == 6:
            return value * 2
        return [draw(damaged(item)) for item in value]
    if isinstance(value, dict):
        if change == 5 and len(value) == 1:
            return draw(damaged(next(iter(value.values()))))
        kept = {
            name: draw(damaged(inner)) for name, inner in value.items() if draw(st.integers(0, 15))
        }
        if change == 6:
            kept[draw(st.text(max_size=6))] = draw(anything)
        return kept
    if change == 5:
        return str(value)
    if change == 6:
        return draw(scalars)
    return value


@pytest.mark.parametrize("name", METHODS)
@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_any_damage_gives_a_typed_result_or_a_typed_failure(
    name: str, data: st.DataObject, answering: Callable[..., Any], token: AccessToken
) -> None:
    body = example(name)
    if data.draw(st.booleans(), label="simplified"):
        body = simplified(body)
    answer = data.draw(damaged(body), label="answer")
    await _typed(METHODS[name][1], answering(as_json(answer).encode()), token)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60), status=st.sampled_from([200, 204, 302, 404, 429, 500, 503]))
async def test_any_bytes_of_any_status_give_a_typed_failure(
    body: bytes, status: int, answering: Callable[..., Any], token: AccessToken
) -> None:
    await _typed(METHODS["list_orders"][1], answering(body, status=status), token)


@pytest.mark.parametrize("name", ["list_product_groups", "list_attributes", "list_orders"])
@pytest.mark.parametrize("depth", [200, 900, 100_000])
async def test_deep_nesting_gives_a_typed_failure(
    name: str, depth: int, answering: Callable[..., Any], token: AccessToken
) -> None:
    part = '{"group_id":1,"id":1,"child_group_list":['
    body = (
        '{"result":{"target_list":['
        + part * depth
        + "]}" * depth
        + '],"attributes":'
        + '{"a":' * depth
        + "1"
        + "}" * depth
        + "}}"
    )
    await _typed(METHODS[name][1], answering(body.encode()), token)


async def _typed(call: Call, client: Any, token: AccessToken) -> None:
    try:
        result = await call(client, token)
    except MarketplaceFailure:
        return
    assert result is None or isinstance(result, str | list | msgspec.Struct)
