"""Every typed method over real HTTP against the sandbox, wrapped and simplified."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from aliexpress import addresses, categories, feeds, logistics, offers, orders, products, shop
from aliexpress.errors import (
    BusinessError,
    CallerFault,
)
from aliexpress.wire import Money
from stack.testing.systems import TREE_OF_SLICES

SELLER = "2200100001"
LEAF = "200000346"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc000000301010018dd8db00000000049454e44ae426082"
)


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """The first true answer of `condition` in 20 seconds; the client's limiter sets the pace."""
    async with asyncio.timeout(20):
        found = await condition()
        while not found:
            found = await condition()
        return found


# Reading -----------------------------------------------------------------------------------------


async def test_categories_and_attributes(market: Any) -> None:
    client, token = market.client, market.token
    roots = await categories.list_child_categories(client, token)
    assert {root.category_id for root in roots} == set(TREE_OF_SLICES.split(","))
    assert {root.level for root in roots} == {1}
    children = await categories.list_child_categories(client, token, roots[0].category_id)
    assert {child.level for child in children} == {2}
    attributes = await categories.list_attributes(client, token, LEAF)
    material = next(found for found in attributes if found.names["en"] == "Material")
    assert material.is_required
    assert material.values[0].names["en"]
    own = await categories.list_attributes(client, token, LEAF, only_own_brands=True)
    assert {found.attribute_id for found in own} <= {found.attribute_id for found in attributes}
    supported = await categories.load_supported_attributes(client, token, LEAF)
    assert "Color" in {found.name for found in supported.sku}
    assert "Material" in {found.name for found in supported.common}
    suggested = await categories.suggest_categories(client, token, "blouses and shirts")
    assert suggested
    assert suggested[0].id_path[-1] == suggested[0].category_id


async def test_what_a_shop_has(market: Any) -> None:
    client, token = market.client, market.token
    assert (await shop.list_freight_templates(client, token))[0].template_id
    assert (await shop.list_promise_templates(client, token))[0].template_id
    assert isinstance(await shop.list_product_groups(client, token), list)
    assert (await shop.load_merchant_profile(client, token)).is_posting_forbidden is False
    assert {"EMS", "CPAM"} <= {
        carrier.service_name for carrier in await logistics.list_carriers(client, token)
    }
    uploaded = await shop.upload_image(client, token, "coat.png", PNG)
    assert uploaded.url.startswith("http")
    assert uploaded.total_megabytes == "1024.00"


@pytest.mark.parametrize("empty", ["wrapped", "object", "empty_string", "null"])
async def test_the_platforms_other_ways_to_write_the_same(wrapped: Any, empty: str) -> None:
    await wrapped.control("quirks", empty_list=empty, single_as_object=True)
    try:
        assert (await orders.list_orders(wrapped.client, wrapped.token)).orders == ()
        product_id = await wrapped.live_product("A-1")
        product = await products.load_product(wrapped.client, wrapped.token, product_id)
        assert [sku.sku_code for sku in product.skus] == ["A-1"]
    finally:
        await wrapped.control("quirks")


# Products ----------------------------------------------------------------------------------------


async def test_a_product_is_posted_updated_and_deleted(market: Any) -> None:
    client, token = market.client, market.token
    payload = await market.payload("P-1", "P-2")
    product_id = await products.post_product(client, token, payload)
    seen = await until(lambda: _when_on_sale(market, product_id))
    assert {sku.sku_code: (sku.price, sku.inventory) for sku in seen.skus} == {
        "P-1": ("19.90", 7),
        "P-2": ("19.90", 7),
    }
    payload["title_multi_language_list"] = [{"locale": "en_US", "title": "Warm coat"}]
    assert await products.update_product(client, token, product_id, payload) == product_id
    listed = await until(lambda: _listed(market, "onSelling", sku_code="P-2"))
    assert listed[0].product_id == product_id
    updated = await products.load_product(client, token, product_id)
    assert updated.titles["en_US"] == "Warm coat"
    assert updated.weight_kg is not None
    assert Decimal(updated.weight_kg) == Decimal("0.5")
    await until(lambda: _when_on_sale(market, product_id))
    await products.take_off_sale(client, token, [product_id])
    assert await until(lambda: _listed(market, "offline", product_id=product_id))
    await products.put_on_sale(client, token, [product_id])
    assert await until(lambda: _listed(market, "onSelling", product_id=product_id))
    await products.delete_products(client, token, [product_id])
    assert not await _listed(market, "onSelling")


async def _when_on_sale(market: Any, product_id: str) -> products.Product | None:
    product = await products.load_product(market.client, market.token, product_id)
    return product if product.status == "onSelling" else None


async def _listed(
    market: Any,
    status: products.ProductStatus,
    *,
    sku_code: str | None = None,
    product_id: str | None = None,
) -> tuple[products.ListedProduct, ...]:
    page = await products.list_products(
        market.client, market.token, status, sku_code=sku_code, product_id=product_id
    )
    return page.products


async def test_a_list_is_paged(market: Any) -> None:
    await market.control("products", seller_id=SELLER, count=5)
    seen: list[str] = []
    page_number, has_more = 1, True
    while has_more:
        page = await products.list_products(
            market.client, market.token, "onSelling", page=page_number, page_size=2
        )
        seen += [product.product_id for product in page.products]
        page_number, has_more = page_number + 1, page.has_more
    assert len(seen) == len(set(seen)) == 5
    assert page_number == 4


async def test_prices_and_stock_are_set_and_a_forgotten_discount_is_erased(
    market: Any,
) -> None:
    client, token = market.client, market.token
    product_id = await market.live_product("A-1")
    stock = offers.ProductStock(product_id, (offers.SkuStock("A-1", 42),))
    missing = offers.ProductStock("1", (offers.SkuStock("A-1", 42),))
    outcome = await offers.update_stock(client, token, [stock, missing])
    assert outcome.succeeded == (product_id,)
    assert [failure.product_id for failure in outcome.failed] == ["1"]
    assert outcome.failed[0].message
    for discount in ("9.50", None):
        price = offers.ProductPrices(product_id, (offers.SkuPrice("A-1", "10.00", discount),))
        assert (await offers.update_prices(client, token, [price])).succeeded == (product_id,)
        [sku] = (await products.load_product(client, token, product_id)).skus
        assert sku.inventory == 42
        assert Decimal(sku.price or 0) == 10
        assert (sku.discount_price is None) == (discount is None)


# Feeds -------------------------------------------------------------------------------------------


async def test_a_feed_creates_and_reports_by_item(market: Any) -> None:
    client, token = market.client, market.token
    bad = await market.payload("F-2")
    del bad["category_attributes"]
    items = [
        feeds.FeedItem("good", await market.payload("F-1")),
        feeds.FeedItem("bad", bad),
    ]
    job_id = await feeds.submit_feed(client, token, "PRODUCT_CREATE", items)
    assert job_id in {job.job_id for job in (await feeds.list_feeds(client, token)).jobs}

    async def finished() -> feeds.FeedReport | None:
        report = await feeds.query_feed(client, token, job_id)
        return report if report.is_finished else None

    report = await until(finished)
    results = {item.content_id: item for item in report.items}
    assert (report.total_items, report.succeeded_items) == (2, 1)
    assert results["good"].is_success
    assert results["good"].product_id
    assert not results["bad"].is_success
    assert results["bad"].message
    listed = await feeds.list_feeds(
        client,
        token,
        feed_type="PRODUCT_CREATE",
        submitted_from=datetime.now(UTC) - timedelta(minutes=10),
        submitted_to=datetime.now(UTC) + timedelta(minutes=10),
    )
    assert [(job.job_id, job.status) for job in listed.jobs] == [(job_id, "FINISH")]
    too_late = await feeds.invalidate_feeds(client, token, [job_id])
    assert too_late.too_late == (job_id,)


async def test_a_queueing_feed_can_be_cancelled(wrapped: Any) -> None:
    await wrapped.control("faults", kind="stuck_job", operation="PRODUCT_CREATE")
    item = feeds.FeedItem("1", await wrapped.payload("F-1"))
    job_id = await feeds.submit_feed(wrapped.client, wrapped.token, "PRODUCT_CREATE", [item])
    cancelled = await feeds.invalidate_feeds(wrapped.client, wrapped.token, [job_id])
    assert cancelled.cancelled == (job_id,)


# Orders ------------------------------------------------------------------------------------------


async def test_an_order_is_listed_read_shipped_and_tracked(market: Any) -> None:
    client, token = market.client, market.token
    await market.live_product("A-1")
    [placed] = await market.control(
        "orders",
        seller_id=SELLER,
        lines=[{"sku_code": "A-1", "quantity": 2}],
        status="WAIT_SELLER_SEND_GOODS",
    )
    page = await orders.list_orders(
        client,
        token,
        modified_from=datetime.now(UTC) - timedelta(hours=2),
        modified_to=datetime.now(UTC) + timedelta(hours=2),
    )
    [order] = page.orders
    assert (order.order_id, order.status) == (placed["order_id"], "WAIT_SELLER_SEND_GOODS")
    assert (page.unreadable, page.has_more) == ((), False)
    assert [(line.sku_code, line.quantity) for line in order.lines] == [("A-1", 2)]
    assert order.created_at is not None
    assert abs(order.created_at - datetime.fromisoformat(placed["created_at"])) < timedelta(
        seconds=1
    )
    details = await orders.load_order(client, token, order.order_id)
    assert details.total is not None
    assert details.total == order.total
    assert [line.sku_code for line in details.lines] == ["A-1"]
    receipt = await orders.load_receipt(client, token, order.order_id)
    assert receipt.name
    assert receipt.country
    part = logistics.Shipment(order.order_id, "EMS", "LA888877771CN", "part", description="one")
    await logistics.fulfil_order(client, token, part)
    last = logistics.Shipment(order.order_id, "EMS", "LA888877772CN", "all")
    await logistics.fulfil_order(client, token, last)
    with pytest.raises(BusinessError) as refused:
        await logistics.fulfil_order(client, token, last)
    assert refused.value.code == "-999"
    assert "无需重复操作" in refused.value.message
    changed = logistics.Shipment(order.order_id, "CPAM", "LA888877773CN", "all")
    await logistics.modify_shipment(
        client, token, changed, old_service_name="EMS", old_tracking_number="LA888877772CN"
    )
    parcels = (await orders.load_order(client, token, order.order_id)).parcels
    assert {(parcel.service_name, parcel.tracking_number) for parcel in parcels} == {
        ("EMS", "LA888877771CN"),
        ("CPAM", "LA888877773CN"),
    }
    tracking = await logistics.load_tracking(
        client,
        token,
        order_id=order.order_id,
        service_name="CPAM",
        tracking_number="LA888877773CN",
        to_country=receipt.country,
    )
    assert tracking.events


async def test_a_masked_address_is_decrypted(market: Any) -> None:
    client, token = market.client, market.token
    await market.live_product("A-1")
    [placed] = await market.control("orders", seller_id=SELLER)
    clear = await orders.load_receipt(client, token, placed["order_id"])
    await market.control("quirks", masked_addresses=True)
    masked = await orders.load_receipt(client, token, placed["order_id"])
    assert (clear.is_masked, masked.is_masked) == (False, True)
    details = await orders.load_order(client, token, placed["order_id"])
    assert details.oaid == masked.oaid
    assert masked.oaid is not None
    found = await addresses.decrypt_address(client, token, placed["order_id"], masked.oaid)
    assert (found.name, found.mobile) == (clear.name, clear.mobile)
    assert found.detail_address == clear.detail_address
    with pytest.raises(CallerFault):
        await addresses.decrypt_address(client, token, placed["order_id"], "another")


async def test_lines_end_alone_and_are_refunded_in_part(market: Any) -> None:
    client, token = market.client, market.token
    await market.control("products", seller_id=SELLER, sku_codes=["A-1", "A-2"])
    lines = [{"sku_code": code, "quantity": 1} for code in ("A-1", "A-2")]
    status = "WAIT_SELLER_SEND_GOODS"
    [placed] = await market.control("orders", seller_id=SELLER, lines=lines, status=status)
    path = f"orders/{placed['order_id']}"
    await market.control(f"{path}/cancel", sku_codes=["A-2"])
    await market.control(f"{path}/refund", sku_code="A-1", amount="1.50")
    await market.control(f"{path}/address", city="Lyon", zip="69001")
    await market.control(f"{path}/parcels", service_name="EMS", logistics_no="LA888877770CN")
    details = await orders.load_order(client, token, placed["order_id"])
    first, second = details.lines
    assert (first.status, second.status) == ("WAIT_BUYER_ACCEPT_GOODS", "FINISH")
    assert first.refund
    assert second.refund
    assert first.refund.amount == Money("1.50", "USD")
    assert (second.refund.amount, second.refund.reason) == (
        second.initial_amount,
        "buyer_cancel_order",
    )
    assert details.parcels[0].tracking_number == "LA888877770CN"
    receipt = await orders.load_receipt(client, token, placed["order_id"])
    assert (receipt.city, receipt.zip_code) == ("Lyon", "69001")


async def test_cents_are_right_beside_texts_of_0(market: Any) -> None:
    await market.live_product("A-1")
    [placed] = await market.control("orders", seller_id=SELLER)
    await market.control("quirks", zero_amounts=True)
    details = await orders.load_order(market.client, market.token, placed["order_id"])
    assert details.total == Money(placed["pay_amount"], "USD")


@pytest.mark.parametrize("quoted", [True, False])
async def test_sku_ids_come_without_quotes_however_they_are_sent(market: Any, quoted: bool) -> None:
    client, token = market.client, market.token
    await market.control("quirks", quoted_sku_ids=quoted)
    product_id = await products.post_product(client, token, await market.payload("P-1"))
    [sku] = (await products.load_product(client, token, product_id)).skus
    assert sku.sku_id is not None
    assert sku.sku_id.startswith("14:")
    assert '"' not in sku.sku_id


async def test_no_id_is_rounded(market: Any) -> None:
    client, token = market.client, market.token
    product_id = await market.live_product("A-1")
    [placed] = await market.control("orders", seller_id=SELLER)
    [order] = (await orders.list_orders(client, token)).orders
    [line] = order.lines
    details = await orders.load_order(client, token, order.order_id)
    assert order.order_id == placed["order_id"] == details.order_id
    assert line.line_id == placed["lines"][0]["line_id"] == details.lines[0].line_id
    assert line.product_id == product_id == details.lines[0].product_id
    assert min(int(order.order_id), int(line.line_id), int(product_id)) > 2**53


@pytest.mark.parametrize("newer", [True, False])
async def test_a_feed_is_cancelled_once_under_either_names(market: Any, newer: bool) -> None:
    client, token = market.client, market.token
    await market.control("quirks", invalidated_in_result=newer)
    await market.control("faults", kind="stuck_job", operation="PRODUCT_CREATE")
    item = feeds.FeedItem("1", await market.payload("F-1"))
    job_id = await feeds.submit_feed(client, token, "PRODUCT_CREATE", [item])
    first, again = [await feeds.invalidate_feeds(client, token, [job_id, "1"]) for _ in range(2)]
    assert first == feeds.InvalidatedFeeds((job_id,), (), ("1",))
    assert again == feeds.InvalidatedFeeds((), (job_id,), ("1",))


@pytest.mark.parametrize("on_top", [True, False])
async def test_an_updates_id_is_found_wherever_it_stands(market: Any, on_top: bool) -> None:
    client, token = market.client, market.token
    payload = await market.payload("P-1")
    product_id = await products.post_product(client, token, payload)
    await until(lambda: _when_on_sale(market, product_id))
    await market.control("quirks", update_id_on_top=on_top)
    assert await products.update_product(client, token, product_id, payload) == product_id


async def test_an_error_inside_the_wrapper_is_an_error(wrapped: Any) -> None:
    await wrapped.control("quirks", error_in_wrapper=True)
    with pytest.raises(CallerFault):
        await products.load_product_schema(wrapped.client, wrapped.token, "")
    with pytest.raises(CallerFault):
        await feeds.query_feed(wrapped.client, wrapped.token, "1")


async def test_finished_orders_must_be_asked_for(wrapped: Any) -> None:
    await wrapped.live_product("A-1")
    await wrapped.control("orders", seller_id=SELLER, count=2, status="FINISH")
    assert (await orders.list_orders(wrapped.client, wrapped.token)).orders == ()
    page = await orders.list_orders(wrapped.client, wrapped.token, statuses=[orders.FINISHED])
    assert {order.status for order in page.orders} == {"FINISH"}


async def test_another_sellers_order_is_refused(wrapped: Any) -> None:
    with pytest.raises(CallerFault):
        await orders.load_order(wrapped.client, wrapped.token, "1")
