"""The shop's stock is the catalogue's, whatever moved it: buyers' orders first (M7.7)."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest

from aliexpress.offers import (
    ProductPrices,
    ProductStock,
    SkuPrice,
    SkuStock,
    update_prices,
    update_stock,
)
from aliexpress.operation import AccessToken
from aliexpress.payload import product_payload
from aliexpress.products import update_product
from common import clock
from common.contracts.money import Money
from common.contracts.order import Order, OrderLine, OrderReceived, OrderUpdated
from common.postgres.leases import hold_lease
from feed_publisher.drift.look_for_edits import JOB as LOOK
from feed_publisher.drift.read_back import JOB as READ_BACK
from feed_publisher.drift.visit_shops import LEASE
from feed_publisher.listings.listing import AcceptedSku
from stack.sandbox import Sandbox
from stack.testing import NewDatabase, eventually

from ..publisher_auth import MERCHANT, SELLER, bearer
from ..publisher_harness import FEED, SHOP, Harness, Sku
from ..publisher_running import new_harness

STOCK = "aliexpress.solution.batch.product.inventory.update"
PLACED, PAID = "PLACE_ORDER_SUCCESS", "WAIT_SELLER_SEND_GOODS"
SENT, FINISHED = "WAIT_BUYER_ACCEPT_GOODS", "FINISH"


async def buy(harness: Harness, code: str, quantity: int, status: str) -> dict[str, Any]:
    """A buyer orders; the order as the sandbox has it."""

    async def is_on_sale() -> bool:
        return bool((await harness.skus_online())[code]["status"] == "onSelling")

    await eventually(is_on_sale)
    lines = [{"sku_code": code, "quantity": quantity}]
    [order] = await harness.control("orders", seller_id=SELLER, lines=lines, status=status)
    return dict(order)


def order_event(
    order_id: str,
    codes: Sequence[str],
    event: type[OrderReceived | OrderUpdated] = OrderReceived,
    **changes: Any,
) -> OrderReceived | OrderUpdated:
    """What order-importer publishes of an order; `changes` are fields of the event."""
    amount = Money("1.00", "USD")
    lines = [
        OrderLine(
            line_id=f"{order_id}-{number}",
            sku_code=code,
            marketplace_product_id="1",
            title=code,
            quantity=1,
            unit_price=amount,
            total=amount,
        )
        for number, code in enumerate(codes)
    ]
    order = Order(
        order_id=order_id,
        status="waiting_shipment",
        marketplace_status=PAID,
        placed_at=clock.now(),
        modified_at=clock.now(),
        lines=lines,
        total=amount,
    )
    revision = clock.epoch_milliseconds()
    made = event(merchant_id=MERCHANT, shop_id=SHOP, revision=revision, order=order)
    return msgspec.structs.replace(made, **changes)


async def take_orders(
    harness: Harness, *codes: str, event: type[OrderReceived | OrderUpdated] = OrderReceived
) -> None:
    """Orders of these SKUs are imported, and the service has taken them."""
    await take_event(harness, order_event(f"order-{'-'.join(codes)}", codes, event))


async def take_event(harness: Harness, event: OrderReceived | OrderUpdated) -> None:
    """order-importer publishes, and the service has taken it."""
    read = await _records_read(harness)
    await harness.send(event)

    async def has_come() -> bool:
        return await _records_read(harness) > read

    await eventually(has_come)


async def _records_read(harness: Harness) -> int:
    """How many order events the service has taken, by its own positions."""
    return int(
        await harness.pool.fetchval(
            "SELECT coalesce(sum(next_offset), 0) FROM consumer_position"
            " WHERE topic LIKE '%order.%'"
        )
    )


async def stock(harness: Harness) -> dict[str, int]:
    """The shop's stock by SKU code."""
    return {code: sku["inventory"] for code, sku in (await harness.skus_online()).items()}


async def test_stock_that_orders_moved_is_the_catalogues_again(harness: Harness) -> None:
    await harness.publish(
        harness.product("RS", Sku("RS", stock=5)), harness.product("CN", Sku("CN", stock=7))
    )
    await buy(harness, "RS", 5, SENT)
    cancelled = await buy(harness, "CN", 7, PLACED)
    await take_orders(harness, "RS")
    await take_orders(harness, "CN")
    await harness.take(harness.product("RS", Sku("RS", stock=0)))
    await harness.take(
        harness.product("RS", Sku("RS", stock=5)), harness.product("CN", Sku("CN", stock=0))
    )
    await harness.run("offer")
    assert await stock(harness) == {"RS": 5, "CN": 0}
    path = f"orders/{cancelled['order_id']}/status"
    await harness.control(path, status=FINISHED, reason="buyer_cancel")
    assert (await stock(harness))["CN"] == 7
    await take_orders(harness, "CN", event=OrderUpdated)
    run = await harness.run("offer")
    assert (run["state"], run["counts"]["stock"]) == ("completed", 1)
    assert await stock(harness) == {"RS": 5, "CN": 0}
    assert (await harness.run("offer"))["counts"]["items"] == 0


async def test_orders_of_others_mark_nothing_and_repeated_ones_no_more_than_one(
    harness: Harness,
) -> None:
    await harness.publish(harness.product("coat", Sku("coat", stock=5)))
    await harness.run("offer")
    await take_orders(harness, "foreign", "")
    assert await harness.pool.fetchval("SELECT count(*) FROM family_mark") == 0
    for event in (OrderReceived, OrderUpdated, OrderReceived):
        await take_orders(harness, "coat", "coat", "foreign", event=event)
    assert (await harness.run("offer"))["counts"]["stock"] == 1
    assert (await harness.run("offer"))["counts"]["items"] == 0
    assert len(await harness.ledger("stock.update")) == 1


async def test_a_parcel_of_an_order_that_is_known_sends_no_stock_again(harness: Harness) -> None:
    await harness.publish(harness.product("coat", Sku("coat", stock=5)))
    await wait_until_on_sale(harness)
    await buy(harness, "coat", 2, SENT)
    paid = order_event("1", ["coat"])
    await take_event(harness, paid)
    await harness.run("offer")
    assert await stock(harness) == {"coat": 5}
    sent = msgspec.structs.replace(paid.order, status="shipped", marketplace_status=SENT)
    for order in (paid.order, sent, sent):
        event = order_event("1", ["coat"], OrderUpdated, previous_status="waiting_shipment")
        await take_event(harness, msgspec.structs.replace(event, order=order))
    assert await harness.pool.fetchval("SELECT count(*) FROM family_mark") == 0


async def test_an_order_while_its_stock_is_being_sent_is_not_lost(harness: Harness) -> None:
    await harness.publish(harness.product("coat", Sku("coat", stock=5)))
    await wait_until_on_sale(harness)
    await harness.take(harness.product("coat", Sku("coat", stock=9)))
    async with harness.answered_late(STOCK):
        run_id = await harness.ask("offer")

        async def is_sent() -> bool:
            return await stock(harness) == {"coat": 9}

        await eventually(is_sent)
        await buy(harness, "coat", 2, SENT)
        await take_orders(harness, "coat")
        assert (await harness.call("GET", f"/runs/{run_id}"))["progress"]["under_way"] == 1
    await harness.wait(run_id)
    assert await stock(harness) == {"coat": 7}
    await harness.run("offer")
    assert await stock(harness) == {"coat": 9}


async def test_an_order_before_a_creation_is_known_to_be_accepted_is_not_lost(
    harness: Harness,
) -> None:
    await harness.publish(harness.product("coat"))
    await harness.control("faults", kind="stuck_job", operation="PRODUCT_CREATE")
    await harness.take(harness.product("hat", Sku("hat", stock=5)))
    run_id = await harness.ask("product")

    async def is_under_way() -> bool:
        view = await harness.call("GET", f"/runs/{run_id}")
        return bool(view["progress"]["under_way"])

    await eventually(is_under_way)
    await take_orders(harness, "hat")
    assert (await harness.run("offer"))["counts"]["items"] == 0
    (await harness.market.delete("/control/faults")).raise_for_status()
    await harness.wait(run_id)
    await wait_until_on_sale(harness)
    await edit_in_seller_centre(harness, "hat", inventory=2)  # what the order left
    await harness.run("offer")
    assert (await stock(harness))["hat"] == 5


async def test_an_overtaken_item_leaves_its_stock_to_the_next_run(
    harness: Harness,
) -> None:
    await harness.publish(harness.product("coat", Sku("coat", stock=5)))
    await wait_until_on_sale(harness)
    await buy(harness, "coat", 3, SENT)
    await take_orders(harness, "coat")
    async with harness.held_up("offer", STOCK) as run_id:
        await harness.take(harness.product("coat", Sku("coat", stock=5), title="Warm coat"))
    view = await harness.wait(run_id)
    assert view["counts"]["superseded"] == 1
    await harness.quiet()
    assert await stock(harness) == {"coat": 5}


async def edit_in_seller_centre(
    harness: Harness, code: str, *, inventory: int | None = None, price: str | None = None
) -> None:
    """The seller changes an offer at AliExpress itself, a second or more after we did."""
    token = AccessToken(SELLER, harness.issuer.token or "")
    product_id = (await harness.skus_online())[code]["product_id"]
    if inventory is not None:
        stock = [ProductStock(product_id, (SkuStock(code, inventory),))]
        await update_stock(harness.client, token, stock)
    if price is not None:
        prices = [ProductPrices(product_id, (SkuPrice(code, price),))]
        await update_prices(harness.client, token, prices)


async def test_an_update_refused_with_another_s_price_is_sent_again_with_ours(
    harness: Harness,
) -> None:
    """As AliExpress does where a country's price is below 70 % of what the seller just set."""
    await harness.publish(harness.product("coat", Sku("coat", "20.00"), title="Coat"))
    await wait_until_on_sale(harness)
    await edit_in_seller_centre(harness, "coat", price="99.00")
    fault = {"code": "F00-00-10020-004", "message": "price_lowest70PercentValidator"}
    await harness.control(
        "faults", kind="item_error", operation="PRODUCT_FULL_UPDATE", count=1, **fault
    )
    await harness.take(harness.product("coat", Sku("coat", "20.00"), title="Warm coat"))
    assert (await harness.run("product"))["counts"]["rejected"] == 1
    await harness.run("offer")
    assert (await harness.skus_online())["coat"]["price"] == "20.00"
    assert (await harness.run("product"))["counts"]["update"] == 1
    assert (await harness.skus_online())["coat"]["title"] == "Warm coat"


async def drifted(harness: Harness) -> dict[str, list[str]]:
    """What is reported to differ, by product."""
    found = await harness.call("GET", f"/feeds/{FEED}/products", status="drifted")
    return {p["family_id"]: sorted(d["what"] for d in p["drift"]) for p in found["items"]}


async def look_again(harness: Harness) -> None:
    """An hour goes by for the looks at the shop; our own writes are older than a second.

    No look and no reading is under way meanwhile: it would end as the latest one, and has not seen
    what was edited.
    """

    async def is_between_looks() -> bool:
        return await _under_leases(harness, [LOOK, READ_BACK], _an_hour_goes_by)

    await eventually(is_between_looks)


async def _under_leases(
    harness: Harness, jobs: Sequence[str], do: Callable[[Harness], Awaitable[None]]
) -> bool:
    """Do it while none of these jobs visits the shop; whether that was so."""
    if not jobs:
        await do(harness)
        return True
    name = f"{jobs[0]}:{MERCHANT}/{SHOP}"
    async with hold_lease(harness.pool, name, "test", lasts=LEASE) as lease:
        return lease is not None and await _under_leases(harness, jobs[1:], do)


async def _an_hour_goes_by(harness: Harness) -> None:
    await harness.pool.execute(
        "UPDATE listing SET written_at = written_at - interval '2 seconds',"
        " read_back_at = read_back_at - interval '2 seconds'"
    )
    await harness.pool.execute("UPDATE shop_look SET looked_at = '2020-01-01'")


async def test_an_edit_in_the_seller_centre_is_found_and_repaired(harness: Harness) -> None:
    await harness.publish(
        harness.product(
            "coat", Sku("more", stock=5), Sku("less", stock=5), Sku("left", stock=None)
        ),
        harness.product("hat", Sku("hat", "30.00", discount="25.00")),
        harness.product("bag"),
    )
    await wait_until_on_sale(harness)
    await edit_in_seller_centre(harness, "more", inventory=9)
    await edit_in_seller_centre(harness, "less", inventory=1)
    await edit_in_seller_centre(harness, "left", inventory=33)
    await edit_in_seller_centre(harness, "hat", price="12.00")
    await look_again(harness)

    async def is_found() -> bool:
        return await drifted(harness) == {
            "coat": ["inventory", "inventory"],
            "hat": ["discount_price", "price"],
        }

    await eventually(is_found, within=40)
    run = await harness.run("offer")
    assert (run["counts"]["stock"], run["counts"]["price"]) == (1, 1)
    online = await harness.skus_online()
    assert {code: online[code]["inventory"] for code in ("more", "less", "left")} == {
        "more": 5,
        "less": 5,
        "left": 33,
    }
    assert (online["hat"]["price"], online["hat"]["discount_price"]) == ("30.00", "25.00")

    async def is_repaired() -> bool:
        return await drifted(harness) == {}

    await eventually(is_repaired, within=40)
    assert (await harness.run("offer"))["counts"]["items"] == 0


async def wait_until_on_sale(harness: Harness) -> None:
    """Wait until AliExpress's audits are over: before, no offer can be edited."""

    async def are_on_sale() -> bool:
        return {sku["status"] for sku in (await harness.skus_online()).values()} == {"onSelling"}

    await eventually(are_on_sale)


async def test_what_we_write_ourselves_is_no_drift_and_is_not_read(harness: Harness) -> None:
    await harness.publish(*[harness.product(f"p{n}", Sku(f"p{n}", stock=5)) for n in range(3)])
    await wait_until_on_sale(harness)
    await harness.take(*[harness.product(f"p{n}", Sku(f"p{n}", stock=6)) for n in range(3)])
    await harness.run("offer")
    await harness.pool.execute("UPDATE shop_look SET looked_at = '2020-01-01'")

    async def has_looked() -> bool:
        return bool(
            await harness.pool.fetchval("SELECT 1 FROM shop_look WHERE looked_at > '2021-01-01'")
        )

    await eventually(has_looked, within=30)
    assert not await harness.pool.fetchval("SELECT 1 FROM listing WHERE read_back_at IS NOT NULL")
    assert await drifted(harness) == {}
    assert (await harness.run("offer"))["counts"]["items"] == 0


async def test_a_missed_mark_heals(harness: Harness) -> None:
    await harness.publish(
        harness.product("coat", Sku("coat", stock=5)), harness.product("hat", Sku("hat", stock=5))
    )
    await harness.take(
        harness.product("coat", Sku("coat", stock=0)), harness.product("bag", Sku("bag", stock=1))
    )
    await harness.pool.execute("DELETE FROM family_mark")
    assert (await harness.run("offer"))["counts"]["items"] == 0
    answer = await harness.http.post(
        "/v1/republish", json={}, headers=bearer("operator", merchant=None)
    )
    assert answer.status_code == 200, answer.text

    async def are_marked() -> bool:
        rows = await harness.pool.fetch(
            "SELECT family_id, kind FROM family_mark ORDER BY family_id, kind"
        )
        return [tuple(row) for row in rows] == [("bag", "product"), ("coat", "offer")]

    await eventually(are_marked, within=20)
    await harness.run("offer")
    await harness.run("product")
    assert await stock(harness) == {"coat": 0, "hat": 5, "bag": 1}


@pytest.mark.parametrize("repairs", [False, True])
async def test_an_edited_title_is_reported_and_set_back_only_by_setting(
    database: NewDatabase,
    kafka_bootstrap: str,
    topic_prefix: str,
    sandbox: Sandbox,
    repairs: bool,
) -> None:
    async with new_harness(
        database, kafka_bootstrap, topic_prefix, sandbox, repair_content=repairs
    ) as harness:
        await harness.publish(harness.product("coat", title="Coat"))
        await wait_until_on_sale(harness)
        await retitle_in_seller_centre(harness, "coat", "Bargain")
        await look_again(harness)

        async def is_reported() -> bool:
            return await drifted(harness) == {"coat": ["title"]}

        await eventually(is_reported, within=40)
        run = await harness.run("product")
        assert run["counts"]["update"] == int(repairs)
        title = (await harness.skus_online())["coat"]["title"]
        assert title == ("Coat" if repairs else "Bargain")

        async def is_reported_as_long_as_it_is_so() -> bool:
            return await drifted(harness) == ({} if repairs else {"coat": ["title"]})

        await eventually(is_reported_as_long_as_it_is_so, within=40)


async def retitle_in_seller_centre(harness: Harness, code: str, title: str) -> None:
    """The seller gives a product another title at AliExpress itself."""
    online = (await harness.skus_online())[code]
    content = harness.product(code, title=title).content
    assert content is not None
    offer = AcceptedSku(price=online["price"], inventory=online["inventory"])
    token = AccessToken(SELLER, harness.issuer.token or "")
    payload = product_payload(content, {code: offer})
    await update_product(harness.client, token, online["product_id"], payload)
    await wait_until_on_sale(harness)
