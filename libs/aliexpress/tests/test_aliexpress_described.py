"""Every typed method on the answers the sandbox's description allows: with all fields, with only
those that are always there, wrapped and simplified. The description is read as data alone."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from aliexpress import (
    addresses,
    categories,
    feeds,
    logistics,
    oauth,
    offers,
    orders,
    products,
    shop,
)
from aliexpress.errors import BadAnswer, BusinessError
from aliexpress.operation import AccessToken
from aliexpress.wire import Money
from sandbox.shapes.description import Answer, Field, load

ID = "9007199254740993"  # no double holds it
SHIPMENT = logistics.Shipment(ID, "EMS", "LA88887777CN", "all")
STOCK = [offers.ProductStock(ID, (offers.SkuStock("a", 1),))]
PRICES = [offers.ProductPrices(ID, (offers.SkuPrice("a", "2.00"),))]
ITEM = feeds.FeedItem("a", {})

Call = Callable[[Any, AccessToken], Awaitable[Any]]

CALLS: dict[str, Call] = {
    "/auth/token/create": lambda client, token: oauth.create_token(client, "c"),
    "aliexpress.solution.feed.submit": lambda client, token: feeds.submit_feed(
        client, token, "PRODUCT_CREATE", [ITEM]
    ),
    "aliexpress.solution.feed.query": lambda client, token: feeds.query_feed(client, token, ID),
    "aliexpress.solution.feed.list.get": feeds.list_feeds,
    "aliexpress.solution.feed.invalidate": lambda client, token: feeds.invalidate_feeds(
        client, token, [ID]
    ),
    "aliexpress.solution.product.schema.get": lambda client, token: products.load_product_schema(
        client, token, "1"
    ),
    "aliexpress.solution.schema.product.instance.post": lambda client, token: products.post_product(
        client, token, {}
    ),
    "aliexpress.solution.schema.product.full.update": lambda client, token: products.update_product(
        client, token, ID, {}
    ),
    "aliexpress.solution.batch.product.price.update": lambda client, token: offers.update_prices(
        client, token, PRICES
    ),
    "aliexpress.solution.batch.product.inventory.update": lambda client, token: offers.update_stock(
        client, token, STOCK
    ),
    "aliexpress.solution.batch.product.delete": lambda client, token: products.delete_products(
        client, token, [ID]
    ),
    "aliexpress.postproduct.redefining.offlineaeproduct": lambda client, token: (
        products.take_off_sale(client, token, [ID])
    ),
    "aliexpress.postproduct.redefining.onlineaeproduct": lambda client, token: products.put_on_sale(
        client, token, [ID]
    ),
    "aliexpress.solution.product.info.get": lambda client, token: products.load_product(
        client, token, ID
    ),
    "aliexpress.solution.product.list.get": lambda client, token: products.list_products(
        client, token, "onSelling"
    ),
    "aliexpress.photobank.redefining.uploadimageforsdk": lambda client, token: shop.upload_image(
        client, token, "1.jpg", b"x"
    ),
    "aliexpress.solution.order.get": orders.list_orders,
    "aliexpress.solution.order.info.get": lambda client, token: orders.load_order(
        client, token, ID
    ),
    "aliexpress.solution.order.receiptinfo.get": lambda client, token: orders.load_receipt(
        client, token, ID
    ),
    "aliexpress.solution.order.delivery.info.get": lambda client, token: (
        addresses.load_customs_data(client, token, ID)
    ),
    "aliexpress.trade.seller.order.decrypt": lambda client, token: addresses.decrypt_address(
        client, token, ID, "oaid"
    ),
    "aliexpress.solution.order.fulfill": lambda client, token: logistics.fulfil_order(
        client, token, SHIPMENT
    ),
    "aliexpress.logistics.sellermodifiedshipmentfortop": lambda client, token: (
        logistics.modify_shipment(
            client, token, SHIPMENT, old_service_name="CPAM", old_tracking_number="X"
        )
    ),
    "aliexpress.logistics.ds.trackinginfo.query": lambda client, token: logistics.load_tracking(
        client,
        token,
        order_id=ID,
        service_name="EMS",
        tracking_number="LA88887777CN",
        to_country="ES",
    ),
    "aliexpress.logistics.redefining.listlogisticsservice": logistics.list_carriers,
    "aliexpress.solution.seller.category.tree.query": categories.list_child_categories,
    "aliexpress.solution.sku.attribute.query": lambda client, token: (
        categories.load_supported_attributes(client, token, "1")
    ),
    "aliexpress.category.redefining.getallchildattributesresult": lambda client, token: (
        categories.list_attributes(client, token, "1")
    ),
    "aliexpress.category.redefining.getchildattributesresultbypostcateidandpath": (
        lambda client, token: categories.list_attributes(client, token, "1", only_own_brands=True)
    ),
    "aliexpress.solution.product.category.suggest": lambda client, token: (
        categories.suggest_categories(client, token, "coat")
    ),
    "aliexpress.freight.redefining.listfreighttemplate": shop.list_freight_templates,
    "aliexpress.postproduct.redefining.querypromisetemplatebyid": shop.list_promise_templates,
    "aliexpress.postproduct.redefining.getproductgrouplist": shop.list_product_groups,
    "aliexpress.solution.merchant.profile.get": shop.load_merchant_profile,
}
UNUSED = {
    "aliexpress.solution.product.post",
    "aliexpress.solution.product.edit",
    "aliexpress.postproduct.redefining.setgroups",
    "aliexpress.logistics.redefining.querytrackingresult",
    "aliexpress.product.productgroups.get",
}
"""Methods of the sandbox the client has no function for."""
SAMPLES: dict[str, Any] = {
    "text": "text",
    "number": 7,
    "int32": 2_000_000_000,
    "id": int(ID),
    "flag": True,
    "amount": "12.50",
    "time": "2026-03-01 10:00:00",
    "minute": "2026-03-01 10:00",
    "json": '{"en":"x"}',
    "null": None,
}
BY_NAME: dict[str, Any] = {
    "expire_time": 1_900_000_000_000,
    "refresh_token_valid_time": 1_900_000_000_000,
    "expires_in": 2_592_000,
    "refresh_expires_in": 0,
}
"""Numbers that would mean no time or duration there is."""
ANSWERS = list(load().values())


def sample(field: Field, *, is_full: bool, is_simplified: bool, is_refused: bool) -> Any:
    if field.fields:
        value: Any = fields_of(
            field.fields, is_full=is_full, is_simplified=is_simplified, is_refused=is_refused
        )
    elif field.kind == "flag":
        value = not (is_refused and field.name.endswith("success"))
    else:
        value = BY_NAME.get(field.name, SAMPLES[field.kind])
    if not field.element:
        return value
    return [value] if is_simplified else {field.element: [value]}


def fields_of(fields: tuple[Field, ...], *, is_full: bool, **form: bool) -> dict[str, Any]:
    return {
        field.name: sample(field, is_full=is_full, **form)
        for field in fields
        if is_full or not field.is_optional
    }


def body_of(answer: Answer, *, is_full: bool, is_simplified: bool) -> dict[str, Any]:
    is_refused = answer.variant == "refused"
    inner = fields_of(
        answer.fields, is_full=is_full, is_simplified=is_simplified, is_refused=is_refused
    )
    if answer.method.startswith("/"):
        return inner | {"code": "0", "request_id": "1"}
    inner |= {"request_id": "1"}
    return inner if is_simplified else {answer.method.replace(".", "_") + "_response": inner}


def without_raw(result: Any) -> Any:
    """Everything typed; `raw` keeps the form it came in."""
    if isinstance(result, msgspec.Struct):
        return {
            field: without_raw(getattr(result, field))
            for field in result.__struct_fields__
            if field != "raw"
        }
    return [without_raw(item) for item in result] if isinstance(result, tuple | list) else result


def test_every_described_method_is_called() -> None:
    assert {answer.method for answer in ANSWERS} == CALLS.keys() | UNUSED


def named(answers: list[Answer]) -> dict[str, Answer]:
    return {f"{one.method} {one.variant}".strip(): one for one in answers if one.method in CALLS}


TAKEN = named([one for one in ANSWERS if one.variant != "refused"])
REFUSED = named([one for one in ANSWERS if one.variant == "refused"])


@pytest.mark.parametrize("name", TAKEN)
async def test_an_answer_is_read_alike_wrapped_and_simplified(
    name: str, answering: Callable[..., Any], token: AccessToken
) -> None:
    answer = TAKEN[name]
    call = CALLS[answer.method]
    for is_full in (True, False):
        read = []
        for is_simplified in (False, True):
            body = body_of(answer, is_full=is_full, is_simplified=is_simplified)
            client = answering(body, is_simplified=is_simplified)
            read.append(without_raw(await call(client, token)))
        assert read[0] == read[1]


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("is_simplified", [False, True], ids=["wrapped", "simplified"])
async def test_a_refusal_keeps_its_code_and_words(
    name: str, is_simplified: bool, answering: Callable[..., Any], token: AccessToken
) -> None:
    answer = REFUSED[name]
    body = body_of(answer, is_full=True, is_simplified=is_simplified)
    with pytest.raises(BusinessError) as refused:
        await CALLS[answer.method](answering(body, is_simplified=is_simplified), token)
    assert (refused.value.code, refused.value.message) == ("text", "text")


# What single fields mean -------------------------------------------------------------------------


def full(method: str, variant: str = "", **changes: Any) -> dict[str, Any]:
    body = body_of(load()[method, variant], is_full=True, is_simplified=True)
    body.get("result", body).update(changes)
    return body


async def test_an_order_in_full(answering: Callable[..., Any], token: AccessToken) -> None:
    method = "aliexpress.solution.order.info.get"
    details = await CALLS[method](answering(full(method), is_simplified=True), token)
    assert details.order_id == ID
    assert [line.line_id for line in details.lines] == ["text"], "a line's id is a text there"
    assert details.parcels[0].tracking_number == "text"
    assert details.oaid == "text"
    for refund in (details.refund, details.lines[0].refund):
        assert (refund.status, refund.reason) == ("text", "text")
        assert refund.amount == Money("12.50", "text")
    [discount] = details.lines[0].discounts
    assert (discount.owner, discount.amount) == ("text", Money("12.50", "text"))
    assert details.lines[0].image_url == "text"


@pytest.mark.parametrize("variant", ["", "as result"])
async def test_cancelled_feeds_are_read_under_either_generations_names(
    variant: str, answering: Callable[..., Any], token: AccessToken
) -> None:
    method = "aliexpress.solution.feed.invalidate"
    outcome = await CALLS[method](answering(full(method, variant), is_simplified=True), token)
    assert outcome == feeds.InvalidatedFeeds((ID,), (ID,), (ID,))


async def test_a_sku_id_loses_its_quotes(answering: Callable[..., Any], token: AccessToken) -> None:
    method = "aliexpress.solution.product.info.get"
    sku = {"id": '"14:771;5:100014066"', "sku_code": "a", "ean_code": "4006381333931"}
    for written in (sku, sku | {"id": "14:771;5:100014066"}):
        body = full(method, aeop_ae_product_s_k_us=[written])
        product = await CALLS[method](answering(body, is_simplified=True), token)
        assert product.skus[0].sku_id == "14:771;5:100014066"
        assert product.skus[0].barcode == "4006381333931"


async def test_a_decrypted_address(answering: Callable[..., Any], token: AccessToken) -> None:
    method = "aliexpress.trade.seller.order.decrypt"
    clear = await CALLS[method](answering(full(method), is_simplified=True), token)
    assert (clear.name, clear.mobile, clear.detail_address) == ("text", "text", "text")
    assert "text" not in repr(clear)
    with pytest.raises(BadAnswer):
        await CALLS[method](answering({"result_code": 200}, is_simplified=True), token)


async def test_what_customs_ask_of_a_buyer(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    method = "aliexpress.solution.order.delivery.info.get"
    customs = await CALLS[method](answering(full(method), is_simplified=True), token)
    assert (customs.tax_number, customs.passport.number) == ("text", "text")
    assert "text" not in f"{customs!r} {customs.passport!r}"
    without = full(method, tax_number="", passport_no=None)
    customs = await CALLS[method](answering(without, is_simplified=True), token)
    assert (customs.tax_number, customs.passport) == (None, None)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(
            '{"sku":[{"pId":14,"pName":"Color","pValueId":771,"pValue":"Red",'
            '"selfDefineValue":"Cherry","skuImg":"","order":1}]}',
            [("Color", "Red", "Cherry", "14", "771")],
            id="json-text",
        ),
        pytest.param(
            {"sku": {"pName": "Size", "pValue": "XL"}},
            [("Size", "XL", None, None, None)],
            id="single-as-object",
        ),
        pytest.param(
            [{"pName": "Size", "pValue": 42, "selfDefineValue": " "}, {"pValue": "nameless"}],
            [("Size", "42", None, None, None)],
            id="bare-list",
        ),
        *(
            pytest.param(odd, [], id=f"odd-{place}")
            for place, odd in enumerate(['{"sku":[]}', "", None, "Color: Red", "{", 7, [[1]], True])
        ),
    ],
)
async def test_the_variant_of_a_line_is_read_in_every_form(
    written: Any,
    read: list[tuple[str | None, ...]],
    answering: Callable[..., Any],
    token: AccessToken,
) -> None:
    method = "aliexpress.solution.order.info.get"
    line = {"child_order_id": "7", "product_attributes": written}
    body = full(method)
    body["result"]["data"]["child_order_list"] = [line]
    details = await CALLS[method](answering(body, is_simplified=True), token)
    assert [msgspec.structs.astuple(one) for one in details.lines[0].variant] == read


async def test_a_masked_receipt_names_what_decrypts_it(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    method = "aliexpress.solution.order.receiptinfo.get"
    masked = await CALLS[method](answering(full(method), is_simplified=True), token)
    assert masked.oaid == "text"
    assert "text" not in repr(masked).replace("country='text'", "")


async def test_products_that_were_not_taken_off_sale_are_named(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    detail = {"error_code": "S00-10-10000-001", "error_message": "audited", "product_ids": [1]}
    body = {"result": {"success": False, "modify_count": 0, "error_details": [detail]}}
    with pytest.raises(BusinessError) as refused:
        await products.take_off_sale(answering(body, is_simplified=True), token, ["1"])
    assert (refused.value.code, refused.value.message) == ("S00-10-10000-001", "audited")
