"""AliExpress is away for six hours: what can be shipped in time is, in the order of deadlines."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from aliexpress.orders import OrderDetails, load_order
from common import clock
from common.contracts.order import OrderDue
from common.errors import Outage
from order_importer.shipping import send_shipment
from order_importer.shipping.pauses import LONGEST

from ..orders_harness import PATH, Harness

TO_SEND = "WAIT_SELLER_SEND_GOODS"
OUTAGE = timedelta(hours=6)
STEP = timedelta(minutes=20)
AN_HOUR = {"short": 2, "long": 167}
"""Orders placed in each of twelve hours."""


async def place_hourly(harness: Harness, hours: int, *, each: int) -> list[str]:
    """Orders placed hour after hour, so that their deadlines are an hour apart; all imported."""
    await harness.stock("SHIRT-1")
    ids: list[str] = []
    for hour in range(hours):
        line = [{"sku_code": "SHIRT-1", "quantity": 1}]
        ids += await harness.place(each, seed=hour + 1, lines=line, status=TO_SEND)
        await harness.move_clock(advance_seconds=3_600)
    await harness.import_now()
    return ids


async def deadlines_of(harness: Harness, ids: Sequence[str]) -> dict[str, datetime]:
    return {
        order_id: datetime.fromisoformat((await harness.order(order_id))["due_at"])
        for order_id in ids
    }


async def ask_for_all(harness: Harness, ids: Sequence[str]) -> None:
    for order_id in ids:
        answer = await harness.ship(order_id, f"key-{order_id}", tracking_number=f"LP{order_id}")
        assert answer.status_code == 202, answer.text


async def shipments_of(harness: Harness, order_id: str) -> list[dict[str, Any]]:
    answer = await harness.call("GET", f"{PATH}/orders/{order_id}/shipments")
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def shipped_in_order(harness: Harness) -> list[str]:
    return [line["detail"]["tracking_number"][2:] for line in await harness.ledger("order.ship")]


async def wait_through(harness: Harness, until: datetime) -> None:
    """Let the jobs take their turns while the time goes by."""
    while clock.now() < until:
        await harness.move_clock(advance_seconds=STEP.total_seconds())
        await harness.send_all(3)
        await harness.publish_due()
        await harness.import_orders()


@pytest.fixture
async def frozen(harness: Harness) -> Harness:
    await harness.move_clock(is_frozen=True)
    return harness


@pytest.mark.timeout(0)
async def test_after_six_hours_all_that_is_still_in_time_is_shipped_by_its_deadline(
    frozen: Harness, pytestconfig: pytest.Config
) -> None:
    harness = frozen
    ids = await place_hourly(harness, 12, each=AN_HOUR[pytestconfig.getoption("--length")])
    asked, left = ids[::2], ids[1::2]
    due = await deadlines_of(harness, ids)
    await harness.move_clock(set=(min(due.values()) - timedelta(hours=1)).isoformat())
    await harness.call("GET", f"{PATH}/carriers")
    await harness.control("faults", kind="refused", operation="*")
    await ask_for_all(harness, asked[::-1])

    await wait_through(harness, clock.now() + OUTAGE)
    assert await shipped_in_order(harness) == []
    await harness.sandbox.delete("/control/faults")
    over = await harness.move_clock(advance_seconds=LONGEST.total_seconds())
    await harness.send_all(3 * len(asked))

    in_time = [order_id for order_id in asked if due[order_id] > over]
    assert 4 < len(in_time) < len(asked)
    shipped = await shipped_in_order(harness)
    assert sorted(shipped) == sorted(in_time)
    assert [due[order_id] for order_id in shipped] == sorted(due[order_id] for order_id in in_time)
    for order_id in asked:
        [shipment] = await shipments_of(harness, order_id)
        assert shipment["state"] == ("confirmed" if order_id in in_time else "refused")
        assert order_id in in_time or "FINISH" in shipment["problem_message"]

    facts = [
        (event.order.order_id, event.threshold)
        for event in await harness.events(OrderDue)
        if event.order.order_id in left
    ]
    assert len(facts) == len(set(facts))
    passed = {"24h": 24, "6h": 6, "late": 0}
    for order_id in left:
        hours_left = (due[order_id] - over) / timedelta(hours=1)
        nearest = [name for name, hours in passed.items() if hours_left <= hours]
        assert (order_id, nearest[-1]) in facts


async def test_one_order_that_is_never_answered_does_not_hold_up_the_others(
    frozen: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs its neighbours a second each time it is tried, ever more seldom."""
    harness = frozen
    ids = await place_hourly(harness, 6, each=1)
    await harness.call("GET", f"{PATH}/carriers")
    await ask_for_all(harness, ids)

    async def load_order_or_fail(client: Any, token: Any, order_id: str) -> OrderDetails:
        if order_id == ids[0]:
            raise Outage("no answer")
        return await load_order(client, token, order_id)

    monkeypatch.setattr(send_shipment, "load_order", load_order_or_fail)
    for _ in range(10):
        await harness.send_all(6)
        await harness.move_clock(advance_seconds=1)

    assert await shipped_in_order(harness) == ids[1:]
    [waiting] = await shipments_of(harness, ids[0])
    assert waiting["state"] == "pending"
