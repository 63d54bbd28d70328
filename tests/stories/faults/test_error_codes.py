"""Every code AliExpress is known to answer with reaches the merchant, with words and a remedy."""

import csv
from collections.abc import Mapping
from io import StringIO
from typing import Any

import pytest

from channel_cli.answers import Run
from channel_cli.following import RUN_ENDED
from channel_cli.progress import poll
from channel_demo import sell, trade
from channel_demo.sandbox import ShopOrder
from channel_demo.session import Session

from ..merchant_path import (
    WITHIN,
    Case,
    bring_all_in,
    import_all,
    imports_document,
    ship,
    shipment_document,
)

Row = Mapping[str, str]

SCHEMA, PLAIN = "F00-00-10020-004", "S00-10-10000-001"
UNKNOWN_ATTRIBUTE = (
    "The sku_attribute_name you input does not exist under this category, and this category does "
    "not support user-defined sku_attribute_name."
)
FULL = "150008:You've reached the maximum number of products you can publish!"
BAD_TITLE = (
    "7090001:Title:090001:Sorry, the subject information you filled in is not in English or "
    "security information."
)
NO_IMAGE = (
    "None of your image url in main_image_urls_list existed in the seller's server, please check."
)
SUSPENDED = "000003:Your operation rights have been suspended. Please contact customer service"
ITEM_CODES = [
    ("F00-00-10007-007", "duplicate sku_code, please check your input", "same SKU code"),
    ("F00-00-10007-009", "Field:sku_code is empty, please check your input", "no SKU code"),
    ("F00-00-10007-015", UNKNOWN_ATTRIBUTE, "variation attribute is not known"),
    (SCHEMA, "SellerId=2200100001 not exists", "account is deleted, suspended or not active"),
    (SCHEMA, "040003:productUnit_requiredValidator@post_tip", "productUnit (required)"),
    (SCHEMA, "GPF.CHK_CATEGORY_ID_NOT_LEAF_CATEGORY", "lowest level only"),
    (SCHEMA, "系统错误,请稍后重试", "an error of its own"),
    (SCHEMA, SUSPENDED, "suspended the seller's rights"),
    (SCHEMA, FULL, "as many products as AliExpress allows"),
    (PLAIN, f"7150008:{FULL}", "as many products as AliExpress allows"),
    (PLAIN, BAD_TITLE, "title holds characters"),
    (SCHEMA, NO_IMAGE, "none of the product's pictures"),
    ("16009999", "System exception", "an error of its own"),
    ("Z99-99-99999-999", "Words nobody has read before", "without a reason we know"),
]
"""Those of reference section 8, with words of our explanation; and one nobody knows."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param({}, id="code-and-message"),
        pytest.param({"feed_error_code": False}, id="message-alone"),
        pytest.param({"doubled_error_code": True}, id="doubled-prefix"),
    ],
)
async def report(model: Case, request: pytest.FixtureRequest) -> list[Row]:
    """The integration report of a run in which each product fails with a code of its own."""
    quirks: Mapping[str, bool] = request.param
    case = await model.begin("codes-" + "-".join(quirks).replace("_", "-"))
    session = case.session
    faults = [
        {"operation": "PRODUCT_CREATE", "count": 1, "code": code, "message": message}
        for code, message, _ in ITEM_CODES
    ]
    assert len(faults) == len(case.families)
    await bring_all_in(case)
    await case.marketplace.control("quirks", **quirks)
    for fault in faults:
        await case.marketplace.set_fault(kind="item_error", **fault)
    await sell.publish_products(session)
    await case.marketplace.remove_faults()
    await case.marketplace.control("quirks")
    runs = await ended_runs(session)
    first = runs[-1]  # the others came after
    text = await session.channel.report_csv(session.merchant, first.run_id)
    return list(csv.DictReader(StringIO(text)))


async def ended_runs(session: Session) -> list[Run]:
    """The feed's runs, the newest first, once all have ended: the confirmed plan asks for another,
    which sends again what AliExpress failed on, and would meet the next case's faults."""

    async def runs() -> list[Run]:
        return [run async for run in session.channel.runs(session.merchant, session.feed)]

    async for found in poll(runs, within=WITHIN, what="the feed's runs"):
        if all(run.state in RUN_ENDED for run in found):
            break
    return found


@pytest.mark.parametrize(
    ("code", "message", "words"), ITEM_CODES, ids=[message[:24] for _, message, _ in ITEM_CODES]
)
def test_an_items_code_is_explained_in_the_report(
    report: list[Row], code: str, message: str, words: str
) -> None:
    rows = [row for row in report if row["code"] in {code, ""}]
    exactly = [row for row in rows if row["message"] == message]
    (row,) = exactly or [row for row in rows if row["message"].endswith(message)]
    assert row["status"] == "rejected"
    assert words in row["explanation"]
    assert row["remedy"]


async def order_of(model: Case, seed: int) -> ShopOrder:
    """An order the channel knows, of a product that the seller made by hand."""
    session, sku = model.session, f"BY-HAND-{seed}"
    await model.marketplace.control(
        "products", seller_id=session.sandbox.seller_id, sku_codes=[sku]
    )
    return await session.sandbox.place_order([(sku, 1)], seed=seed, status=trade.WAITS_FOR_SELLER)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("该交易订单已填写发货通知，无需重复操作。", "shipped completely already"),
        ("该交易订单缺少履约信息，请联系客服处理。", "in the state it is in"),
        (
            "该货运跟踪号未通过物流风控审核，请更换货运跟踪号后重试。",
            "does not accept this tracking number",
        ),
        ("您填写的交易订单号有误或不属于当前账号，请修改后重试。", "does not know the order"),
        ("一条没有人见过的消息", "一条没有人见过的消息"),
    ],
    ids=["shipped-already", "not-shippable", "tracking-number", "not-yours", "unknown"],
)
async def test_a_refused_shipment_is_explained(model: Case, message: str, words: str) -> None:
    order = await order_of(model, seed=100 + len(await model.session.sandbox.orders()))
    await import_all(model, {order.order_id})
    await refuse_shipment(model, message)
    shipment = await ship(model, order.order_id)
    document = await shipment_document(model.session, order.order_id, shipment.shipment_id)
    assert document["state"] == "refused"
    assert (document["problem_code"], document["problem_message"]) == ("-999", message)
    assert words in document["explanation"]
    assert document["remedy"]
    assert (await shop_order(model.session, order)).shipments == []


async def test_a_shipment_that_failed_inside_shows_it_and_is_shipped_once(model: Case) -> None:
    message = "系统异常，请稍候重试"
    session = model.session
    order = await order_of(model, seed=99)
    await import_all(model, {order.order_id})
    await refuse_shipment(model, message)
    parcel = {"carrier": trade.CARRIER, "tracking_number": f"LP{order.order_id}"}
    address = (session.merchant, session.shop, order.order_id)
    sent = await session.channel.ship(*address, parcel, key=order.order_id)
    problems = set()
    async for document in poll(
        lambda: shipment_document(session, order.order_id, sent.shipment_id),
        within=WITHIN,
        what="the shipment",
    ):
        problems.add((document["problem_code"], document["problem_message"]))
        if document["state"] == "confirmed":
            break
    assert ("-999", message) in problems
    assert len((await shop_order(session, order)).shipments) == 1


async def test_an_order_aliexpress_does_not_show_is_a_problem_of_the_import(model: Case) -> None:
    order = await order_of(model, seed=98)
    fault = await model.marketplace.set_fault(
        kind="business_error", operation="aliexpress.solution.order.info.get"
    )
    await trade.import_orders(model.session)
    problem = (await problems_by_order(model))[order.order_id]
    assert "F00-10-10000-001" in problem["problem"]
    assert "account not found" in problem["problem"]
    assert "does not show this order" in problem["explanation"]
    assert problem["remedy"]
    await model.marketplace.remove_fault(fault)
    await import_all(model, {order.order_id})
    assert order.order_id not in await problems_by_order(model)


async def problems_by_order(model: Case) -> dict[str, dict[str, Any]]:
    """What is wrong with orders, as the shop's imports show it."""
    found = (await imports_document(model.session))["problems"]
    return {problem["order_id"]: problem for problem in found}


async def test_an_error_inside_aliexpress_is_shown_while_the_import_waits(model: Case) -> None:
    session = model.session
    order = await order_of(model, seed=97)
    await model.marketplace.set_fault(
        kind="error", operation="aliexpress.solution.order.get", count=1,
        code="16009999", message="系统异常",
    )  # fmt: skip
    await session.channel.import_orders(session.merchant, session.shop)
    async for imports in poll(lambda: imports_document(session), within=WITHIN, what="the import"):
        struck = [one for one in imports["items"] if "16009999" in (one["problem"] or "")]
        if struck:  # the one asked for, or one that a shipment has asked for before
            break
    assert "an error of its own" in struck[0]["explanation"]
    await import_all(model, {order.order_id})


async def refuse_shipment(model: Case, message: str) -> None:
    """Let AliExpress turn the next parcel down with these words."""
    await model.marketplace.set_fault(
        kind="business_error",
        operation="aliexpress.solution.order.fulfill",
        count=1,
        message=message,
    )


async def shop_order(session: Session, order: ShopOrder) -> ShopOrder:
    """The order as the marketplace has it now."""
    return next(o for o in await session.sandbox.orders() if o.order_id == order.order_id)
