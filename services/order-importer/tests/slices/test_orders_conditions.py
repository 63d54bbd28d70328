"""What keeps orders from coming in, or from leaving in time, is published, and its end too."""

from datetime import datetime, timedelta

from common import clock
from common.conditions import Conditions
from common.contracts.condition import KINDS, ConditionState
from order_importer.conditions.observers import OBSERVERS
from order_importer.orders.events import SOURCE

from ..orders_harness import MERCHANT, PATH, SHOP, Harness

TO_SEND = "WAIT_SELLER_SEND_GOODS"
LINES = [{"sku_code": code, "quantity": 1} for code in ("SHIRT-1", "SHIRT-2")]
REFUSAL = {
    "kind": "business_error",
    "operation": "*order.fulfill",
    "count": 1,
    "code": "-999",
    "message": "该货运跟踪号未通过物流风控审核，请更换货运跟踪号后重试。",
}


async def present(harness: Harness) -> dict[tuple[str, str], ConditionState]:
    """What is present now, by kind and subject, as whoever reads the topic knows it."""
    await Conditions(harness.pool, SOURCE, OBSERVERS).run()
    newest = {(e.kind, e.subject): e for e in await harness.events(ConditionState)}
    return {key: event for key, event in newest.items() if event.present}


async def waiting(harness: Harness, count: int = 1) -> list[str]:
    """Imported orders that wait for shipment."""
    await harness.stock("SHIRT-1", "SHIRT-2")
    ids = await harness.place(count, lines=LINES, status=TO_SEND)
    await harness.import_now()
    return ids


async def let_hours_be_left(harness: Harness, hours: float, order_id: str) -> datetime:
    """The clock stands still so many hours before the order's deadline, which is returned."""
    due = datetime.fromisoformat((await harness.order(order_id))["due_at"])
    await harness.move_clock(set=(due - timedelta(hours=hours)).isoformat(), is_frozen=True)
    await harness.pool.execute("UPDATE shop SET covered_until = $1", clock.now())
    return due


def of_order(order_id: str) -> str:
    return f"order/{SHOP}/{order_id}"


async def test_orders_due_and_late_until_they_are_shipped(harness: Harness) -> None:
    whole, part, left = await waiting(harness, 3)
    await let_hours_be_left(harness, 30, whole)
    assert await present(harness) == {}
    due = await let_hours_be_left(harness, 20, whole)
    found = await present(harness)
    assert found.keys() == {("order_due", of_order(one)) for one in (whole, part, left)}
    event = found["order_due", of_order(whole)]
    assert (event.order_id, event.shop_id, event.merchant_id) == (whole, SHOP, MERCHANT)
    assert event.since == due - timedelta(days=1)
    told = datetime.fromisoformat(event.details["due_at"])
    assert timedelta() <= due - told <= timedelta(minutes=15)

    lines = (await harness.order(part))["lines"]
    await harness.ship(whole, "whole")
    await harness.ship(part, "part", tracking_number="LP2", lines=[lines[0]["line_id"]])
    assert (await present(harness)).keys() == {("order_due", of_order(one)) for one in (part, left)}
    await let_hours_be_left(harness, -1, part)
    assert (await present(harness)).keys() == {
        ("order_late", of_order(one)) for one in (part, left)
    }
    await harness.ship(left, "left", tracking_number="LP3", more_follow=True)
    await harness.ship(part, "rest", tracking_number="LP4")
    assert (await present(harness)).keys() == {("order_late", of_order(left))}
    # before it was known which lines are to be shipped, any parcel will do
    await harness.pool.execute("UPDATE marketplace_order SET shippable_lines = NULL")
    assert await present(harness) == {}


async def test_what_aliexpress_holds_is_not_due(harness: Harness) -> None:
    [order_id] = await waiting(harness)
    await let_hours_be_left(harness, 3, order_id)
    assert (await present(harness)).keys() == {("order_due", of_order(order_id))}
    await harness.control(f"orders/{order_id}/status", status="IN_CANCEL")
    await harness.import_now()
    assert await present(harness) == {}


async def test_a_refused_parcel_until_another_is_asked_for(harness: Harness) -> None:
    [order_id] = await waiting(harness)
    await harness.ship(order_id, "first")
    await harness.control("faults", **REFUSAL)
    await harness.send_all()
    [(kind, subject)] = await present(harness)
    [parcel] = (await harness.call("GET", f"{PATH}/orders/{order_id}/shipments")).json()["items"]
    assert (kind, subject) == (
        "parcel_refused", f"parcel/{SHOP}/{order_id}/{parcel['shipment_id']}",
    )  # fmt: skip
    event = (await present(harness))[kind, subject]
    assert (event.details["what"], event.details["code"]) == ("parcel", "-999")
    await harness.ship(order_id, "second", tracking_number="LP77777")
    assert await present(harness) == {}
    await harness.send_all()

    corrected = await harness.correct_tracking(
        order_id, (await harness.call("GET", f"{PATH}/orders/{order_id}/shipments")).json()
        ["items"][-1]["shipment_id"],
    )  # fmt: skip
    assert corrected.is_success, corrected.text
    await harness.pool.execute(
        "UPDATE tracking_correction SET state = 'refused', settled_at = $1", clock.now()
    )
    [(kind, _)] = await present(harness)
    assert kind == "parcel_refused"
    await harness.move_clock(advance_seconds=8 * 86_400)
    assert not [key for key in await present(harness) if key[0] == "parcel_refused"]


async def test_an_order_that_cannot_be_read(harness: Harness) -> None:
    [order_id] = await waiting(harness)
    await harness.pool.execute("UPDATE marketplace_order SET problem = 'Baker Street 221b'")
    [(key, event)] = (await present(harness)).items()
    assert key == ("order_unreadable", of_order(order_id))
    assert event.details == {"is_known": "true"}  # never AliExpress's words, nor the buyer's
    await harness.import_now()
    assert await present(harness) == {}


async def test_imports_that_fail_or_do_not_come(harness: Harness) -> None:
    tomorrow = clock.now() + timedelta(days=1)
    # far from the hour at which what is present is published again
    at_six = tomorrow.replace(hour=6, minute=0, second=0, microsecond=0)
    began = await harness.move_clock(set=at_six.isoformat(), is_frozen=True)
    await harness.import_orders()
    assert await present(harness) == {}
    fault = await harness.control("faults", kind="http_error", operation="*order*get*")
    await harness.move_clock(advance_seconds=3 * 3600)
    await harness.import_orders()
    assert await present(harness) == {}  # asked for just now: it may do yet
    for _ in range(8):
        await harness.move_clock(advance_seconds=900)
        await harness.import_orders()
    [(key, event)] = (await present(harness)).items()
    assert key == ("orders_failing", f"shop/{SHOP}")
    assert event.since <= began + timedelta(seconds=1)
    assert event.details["outcome"] == "late"
    for _ in range(3):
        await harness.move_clock(advance_seconds=900)
        await harness.import_orders()
        assert [one.revision for one in (await present(harness)).values()] == [event.revision]
    await harness.sandbox.delete(f"/control/faults/{fault['id']}")
    await harness.import_now()
    assert await present(harness) == {}

    # an import that failed is told of at once, one that nothing holds up is not
    await harness.move_clock(advance_seconds=2 * 3600)
    await harness.pool.execute("UPDATE order_import SET state = 'failed' WHERE state = 'done'")
    assert (await present(harness)).keys() == {("orders_failing", f"shop/{SHOP}")}
    await harness.pool.execute(
        """
        INSERT INTO order_import (merchant_id, shop_id, cause, state, requested_at, next_try_at)
        VALUES ($1, $2, 'schedule', 'running', $3, $3)
        """,
        MERCHANT,
        SHOP,
        clock.now() - timedelta(hours=2),
    )
    assert await present(harness) == {}


def test_every_kind_of_the_contract_is_observed() -> None:
    assert [one.kind for one in OBSERVERS] == list(KINDS["order-importer"])
