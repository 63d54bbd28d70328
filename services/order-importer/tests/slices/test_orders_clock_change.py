"""The nights in which Los Angeles changes its clocks: the later reading wins, whatever they say."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest

from aliexpress.orders import Receipt
from common.contracts.order import OrderReceived, OrderUpdated
from common.postgres.leases import LeaseLost
from order_importer.importing import import_orders
from order_importer.importing.import_orders import import_next
from order_importer.importing.read_receipt import read_receipt

from ..orders_harness import Harness

TO_SEND, HELD, CANCELLING = "WAIT_SELLER_SEND_GOODS", "RISK_CONTROL", "IN_CANCEL"

AUTUMN = datetime(2027, 11, 7, 9, tzinfo=UTC)
"""02:00 daylight time, from which the clocks go back to 01:00."""
SPRING = datetime(2027, 3, 14, 10, tzinfo=UTC)
"""02:00 standard time, from which the clocks go forward to 03:00."""
MINUTES = (-70, -50, -10, 0, 10, 50, 70)
"""When orders change, from the clock's change on: -50 and 10 are both 01:10 in autumn."""


async def begin(harness: Harness, at: datetime) -> None:
    """The shop connected at this moment, with goods, and imported."""
    await harness.stock("SHIRT-1")
    await harness.move_clock(set=at.isoformat(), is_frozen=True)
    await harness.connect()
    await harness.import_orders()


async def import_at(harness: Harness, at: datetime, changes: Sequence[tuple[str, str]]) -> None:
    """Let the orders (id, state) change then, and import."""
    await harness.move_clock(set=at.isoformat())
    for order_id, status in changes:
        await harness.set_status(order_id, status)
    await harness.import_now()


async def seen_states(harness: Harness, order_id: str) -> list[str]:
    """AliExpress's states of the order as published, in order."""
    events = [*await harness.events(OrderReceived), *await harness.events(OrderUpdated)]
    found = [event for event in events if event.order.order_id == order_id]
    assert [event.revision for event in found] == sorted({event.revision for event in found})
    return [event.order.marketplace_status for event in found]


async def test_what_changes_in_the_repeated_hour_is_imported(harness: Harness) -> None:
    await begin(harness, AUTUMN - timedelta(hours=2))
    await harness.move_clock(set=(AUTUMN - timedelta(minutes=10)).isoformat())
    [cancelled] = await harness.place(status=TO_SEND)
    [released] = await harness.place(status=HELD, seed=2)
    await harness.import_now()

    changes = [(cancelled, CANCELLING), (released, TO_SEND)]
    await import_at(harness, AUTUMN + timedelta(minutes=10), changes)
    assert (await harness.order(released))["status"] == "waiting_shipment"
    assert (await harness.imports())["items"][0]["orders_updated"] == 2

    await import_at(harness, AUTUMN + timedelta(hours=11), [])
    assert await seen_states(harness, cancelled) == [TO_SEND, CANCELLING]
    assert await seen_states(harness, released) == [HELD, TO_SEND]
    assert (await harness.ship(released)).status_code == 202


@pytest.mark.parametrize("change", [AUTUMN, SPRING], ids=["autumn", "spring"])
async def test_every_pair_of_changes_of_a_night_is_seen_in_its_order(
    harness: Harness, change: datetime
) -> None:
    """An order for each pair of moments: it changes at the first and again at the second."""
    await begin(harness, change - timedelta(hours=3))
    pairs = list(combinations(MINUTES, 2))
    ids = await harness.place(len(pairs), status=TO_SEND)
    await harness.import_now()

    for minutes in MINUTES:
        changes = [
            (order_id, CANCELLING if minutes == first else TO_SEND)
            for order_id, (first, second) in zip(ids, pairs, strict=True)
            if minutes in (first, second)
        ]
        await import_at(harness, change + timedelta(minutes=minutes), changes)
        assert (await harness.imports())["items"][0]["orders_updated"] == len(changes)
    await import_at(harness, change + timedelta(hours=4), [])

    for order_id in ids:
        assert await seen_states(harness, order_id) == [TO_SEND, CANCELLING, TO_SEND]


async def test_a_reading_that_returns_late_does_not_overwrite_a_newer_one(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An importer sleeps over its lease after its reading; another reads what changed since."""
    await begin(harness, AUTUMN - timedelta(hours=1))
    [order_id] = await harness.place(status=TO_SEND)

    async def read_receipt_late(*query: Any) -> Receipt:
        monkeypatch.setattr(import_orders, "read_receipt", read_receipt)
        await harness.pool.execute("UPDATE lease SET expires_at = '-infinity'")
        await harness.set_status(order_id, CANCELLING)
        assert await import_next(harness.pool, harness.access, "other", harness.options)
        return await read_receipt(*query)

    monkeypatch.setattr(import_orders, "read_receipt", read_receipt_late)
    with pytest.raises(LeaseLost):
        await harness.import_now()

    assert (await harness.order(order_id))["marketplace_status"] == CANCELLING
    assert await seen_states(harness, order_id) == [CANCELLING]
