"""`order.due` at each threshold once, whatever is killed, and the deadlines it goes by (M8.5)."""

import asyncio
from datetime import datetime, timedelta

import pytest

from common import clock
from common.contracts.order import OrderDue
from common.messaging.outbox import add_events
from order_importer.deadlines import publish_due as publishing
from order_importer.deadlines.measure_open import _open, measure_open
from order_importer.deadlines.publish_due import publish_due
from order_importer.orders.deadline import USUAL_PREPARATION

from ..orders_harness import MERCHANT, PATH, Harness

TO_SEND = "WAIT_SELLER_SEND_GOODS"
LINES = [{"sku_code": code, "quantity": 1} for code in ("SHIRT-1", "SHIRT-2")]


async def waiting(harness: Harness, count: int = 1, *, seed: int = 1) -> list[str]:
    """Imported orders that wait for shipment."""
    await harness.stock("SHIRT-1", "SHIRT-2")
    ids = await harness.place(count, seed=seed, lines=LINES, status=TO_SEND)
    await harness.import_now()
    return ids


async def deadline(harness: Harness, order_id: str) -> datetime:
    return datetime.fromisoformat((await harness.order(order_id))["due_at"])


async def let_hours_be_left(harness: Harness, hours: float, *order_ids: str) -> None:
    """The clock stands still so many hours before the first of the orders' deadlines."""
    due = min([await deadline(harness, order_id) for order_id in order_ids])
    await harness.move_clock(set=(due - timedelta(hours=hours)).isoformat(), is_frozen=True)


async def published(harness: Harness) -> list[tuple[str, str, int]]:
    return [
        (event.order.order_id, event.threshold, event.hours_left)
        for event in await harness.events(OrderDue)
    ]


async def move_deadline(harness: Harness, order_id: str, hours: float) -> None:
    """AliExpress gives so many hours more, or fewer, for an order."""
    await harness.pool.execute(
        """
        UPDATE marketplace_order
        SET due_at = due_at + make_interval(mins => $2), ship_before = ship_before
        WHERE order_id = $1
        """,
        order_id,
        int(hours * 60),
    )


async def test_each_threshold_is_published_once_with_the_whole_order(harness: Harness) -> None:
    [order_id] = await waiting(harness)
    for hours in (30, 24, 23, 6, 5, 0, -1):
        await let_hours_be_left(harness, hours, order_id)
        for _ in range(2):
            await harness.publish_due()

    assert await published(harness) == [
        (order_id, "24h", 24),
        (order_id, "6h", 6),
        (order_id, "late", 0),
    ]
    [first, *_] = await harness.events(OrderDue)
    order = await harness.order(order_id)
    assert first.key() == f"{MERCHANT}/main/{order_id}"
    assert (first.revision, len(first.order.lines)) == (order["revision"], 2)
    assert first.due_at == await deadline(harness, order_id)


async def test_an_order_first_seen_with_three_hours_left_is_published_once(
    harness: Harness,
) -> None:
    [known] = await waiting(harness)
    await let_hours_be_left(harness, 3, known)
    [order_id] = await harness.place(seed=2, lines=LINES, status=TO_SEND)
    await harness.import_now()
    await harness.pool.execute(
        "UPDATE marketplace_order SET due_at = $2 WHERE order_id = $1",
        order_id,
        clock.now() + timedelta(hours=3),
    )
    for _ in range(2):
        await harness.publish_due()

    assert sorted(await published(harness)) == [(known, "6h", 3), (order_id, "6h", 3)]


async def test_a_deadline_that_moves_later_arms_what_lies_ahead_again(harness: Harness) -> None:
    [order_id] = await waiting(harness)
    await let_hours_be_left(harness, 6, order_id)
    await harness.publish_due()
    await move_deadline(harness, order_id, 2)  # 8 hours left: a day is passed, six hours are not
    await harness.publish_due()
    assert await published(harness) == [(order_id, "6h", 6)]

    await let_hours_be_left(harness, 6, order_id)
    await harness.publish_due()
    await move_deadline(harness, order_id, 30)
    await let_hours_be_left(harness, 24, order_id)
    await harness.publish_due()
    assert [one[1] for one in await published(harness)] == ["6h", "6h", "24h"]


async def test_readings_of_one_deadline_that_differ_a_little_publish_nothing_again(
    harness: Harness,
) -> None:
    [order_id] = await waiting(harness)
    await let_hours_be_left(harness, 24, order_id)
    await harness.publish_due()
    await move_deadline(harness, order_id, 1 / 60)
    await let_hours_be_left(harness, 24, order_id)
    await harness.publish_due()

    assert len(await published(harness)) == 1


async def test_what_is_shipped_or_asked_to_be_is_not_due(harness: Harness) -> None:
    whole, part, left = await waiting(harness, 3)
    lines = (await harness.order(part))["lines"]
    await harness.ship(whole, "whole")
    await harness.ship(part, "part", tracking_number="LP2", lines=[lines[0]["line_id"]])
    await let_hours_be_left(harness, 6, whole, part, left)
    await harness.publish_due()

    assert {one[0] for one in await published(harness)} == {part, left}


async def test_a_parcel_that_is_refused_makes_its_order_due(harness: Harness) -> None:
    [order_id] = await waiting(harness)
    await harness.ship(order_id)
    await let_hours_be_left(harness, 6, order_id)
    await harness.publish_due()
    assert await published(harness) == []

    await harness.control(
        "faults",
        kind="business_error",
        operation="*order.fulfill",
        count=1,
        code="-999",
        message="该货运跟踪号未通过物流风控审核，请更换货运跟踪号后重试。",
    )
    await harness.send_all()
    await harness.publish_due()
    assert await published(harness) == [(order_id, "6h", 6)]


async def test_what_dies_before_its_commit_is_published_once_afterwards(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await waiting(harness, 5)
    await let_hours_be_left(harness, 24, *ids)
    monkeypatch.setattr(publishing, "SET_ORDERS", 2)
    sets = 0
    whole = add_events

    async def die_in_the_second_set(*args: object, **options: object) -> None:
        nonlocal sets
        sets += 1
        await whole(*args, **options)  # type: ignore[arg-type]  # passed on as they are
        if sets == 2:
            raise ConnectionResetError

    monkeypatch.setattr(publishing, "add_events", die_in_the_second_set)
    with pytest.raises(ConnectionResetError):
        await harness.publish_due()
    assert len(await published(harness)) == 2
    await harness.publish_due()
    await harness.publish_due()

    assert sorted(await published(harness)) == sorted((one, "24h", 24) for one in ids)


async def test_replicas_publish_once(harness: Harness) -> None:
    ids = await waiting(harness, 20)
    for hours, threshold in ((24, "24h"), (6, "6h")):
        await let_hours_be_left(harness, hours, *ids)
        await asyncio.gather(*(publish_due(harness.pool) for _ in range(6)))
        await harness.publish_due()
        found = [one[0] for one in await published(harness) if one[1] == threshold]
        assert sorted(found) == sorted(ids)


async def test_merchants_take_turns(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with many late orders does not keep another's from being looked at in the same set."""
    many = await waiting(harness, 9)
    [few] = await waiting(harness, seed=2)
    await harness.pool.execute(
        "UPDATE marketplace_order SET merchant_id = 'other', due_at = due_at + interval '1 hour' "
        "WHERE order_id = $1",
        few,
    )
    await let_hours_be_left(harness, 6, *many)
    monkeypatch.setattr(publishing, "TURN_ORDERS", 2)
    await harness.publish_due()

    assert {event.merchant_id for event in await harness.events(OrderDue)} == {MERCHANT, "other"}


async def test_an_order_without_a_deadline_of_aliexpress_has_the_shops(harness: Harness) -> None:
    [order_id] = await waiting(harness)
    paid = datetime.fromisoformat((await harness.order(order_id))["paid_at"])
    await harness.pool.execute("UPDATE marketplace_order SET ship_before = NULL")
    path = f"{PATH}/preparation"
    assert (await harness.call("GET", path)).json() == {
        "days": USUAL_PREPARATION.days,
        "is_default": True,
    }

    set_to_five = await harness.call("PUT", path, json={"days": 5})
    assert set_to_five.json() == {"days": 5, "is_default": False}
    assert await deadline(harness, order_id) == paid + timedelta(days=5)

    await harness.call("PUT", path, json={"days": None})
    assert await deadline(harness, order_id) == paid + USUAL_PREPARATION


async def test_preparation_days_leave_deadlines_of_aliexpress_alone(harness: Harness) -> None:
    [order_id] = await waiting(harness)
    before = await deadline(harness, order_id)
    await harness.call("PUT", f"{PATH}/preparation", json={"days": 5})

    assert await deadline(harness, order_id) == before
    assert (await harness.order(order_id))["ship_before"] == before.isoformat().replace(
        "+00:00", "Z"
    )


@pytest.mark.parametrize("days", [-1, 91, 1.5, "3", True])
async def test_days_that_are_none_are_refused(harness: Harness, days: object) -> None:
    answer = await harness.call("PUT", f"{PATH}/preparation", json={"days": days})
    assert (answer.status_code, answer.json()["field"]) == (422, "days")
    assert (await harness.call("PUT", f"{PATH}/preparation", json={})).status_code == 422


async def test_an_order_that_no_longer_waits_has_no_deadline(harness: Harness) -> None:
    [order_id] = await waiting(harness)
    await harness.set_status(order_id, "IN_CANCEL")
    await harness.import_now()
    assert (await harness.order(order_id))["due_at"] is None


async def test_orders_are_counted_by_status_and_hours_left(harness: Harness) -> None:
    ids = await waiting(harness, 4)
    await harness.place(status="RISK_CONTROL", seed=3)
    await harness.import_now()
    for order_id, hours in zip(ids, (-1, 3, 20, 50), strict=True):
        await harness.pool.execute(
            "UPDATE marketplace_order SET due_at = $2 WHERE order_id = $1",
            order_id,
            clock.now() + timedelta(hours=hours),
        )
    await measure_open(harness.pool)

    readings = {
        (left, status): value for ((_, left), (_, status)), value in _open._readings.items()
    }
    assert readings == {
        ("late", "waiting_shipment"): 1,
        ("<6", "waiting_shipment"): 1,
        ("<24", "waiting_shipment"): 1,
        ("<72", "waiting_shipment"): 1,
        ("more", "waiting_shipment"): 0,
        ("none", "new"): 1,
    }


async def test_an_order_that_could_be_read_hours_later_has_the_deadline_of_now(
    harness: Harness,
) -> None:
    """It is tried again with the row by which it was listed, whose time left was of then."""
    [reference] = await waiting(harness, 1, seed=2)
    expected = await deadline(harness, reference)
    [order_id] = await harness.place(1, seed=3, lines=LINES, status=TO_SEND)
    await harness.control(
        "faults",
        kind="business_error",
        operation="*order.info.get",
        code="F00-10-10000-001",
        message="account not found",
    )
    for _ in range(3):
        await harness.import_now()
        await harness.move_clock(advance_seconds=4 * 3_600)
    await harness.sandbox.delete("/control/faults")

    await harness.import_now()

    assert abs(await deadline(harness, order_id) - expected) < timedelta(minutes=5)
