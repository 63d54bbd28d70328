"""Buyers' data are erased a set time after an order's end, and on request (M8.6)."""

from datetime import timedelta
from typing import Any

import pytest

from aliexpress.orders import UnreadableOrder
from common import clock
from common.contracts.order import OrderReceived, OrderShipped, OrderUpdated
from common.postgres.unit_of_work import unit_of_work
from order_importer.erasure.erase_orders import erase_ended
from order_importer.importing.store import save_unreadable
from order_importer.orders.store import list_ended
from stack.testing import rows_read, tables_with

from ..orders_harness import MERCHANT, PATH, SHOP, Harness
from .test_orders_shipping import to_send

AFTER = timedelta(days=180)


def canaries_of(order: dict[str, Any]) -> list[str]:
    """What is the buyer's of an order as REST shows it: each must be found before it is erased."""
    address = order["address"]
    names = ("contact_name", "street", "phone", "postal_code", "city")
    return [*(address[name] for name in names if address[name]), order["buyer"]]


async def finished(harness: Harness) -> str:
    """An order that was shipped with a note about its buyer, and received."""
    order_id = await to_send(harness)
    order = await harness.order(order_id)
    noted = await harness.ship(order_id, key=f"for {order['buyer']}", note=f"for {order['buyer']}")
    assert noted.status_code == 202, noted.text
    await harness.send_all()
    corrected = await harness.correct_tracking(
        order_id,
        noted.json()["shipment_id"],
        key=f"again for {order['buyer']}",
        note=f"again for {order['buyer']}",
    )
    assert corrected.status_code == 202, corrected.text
    await harness.correct_all(2)
    await harness.set_status(order_id, "FINISH")
    await harness.import_now()
    return order_id


async def test_on_request_nothing_of_the_buyer_is_left(harness: Harness) -> None:
    order_id = await finished(harness)
    async with unit_of_work(harness.pool) as connection:
        raw = f'{{"order_id": {order_id}, "buyer_signer_fullname": "Unreadable Canary"}}'
        await save_unreadable(connection, MERCHANT, SHOP, [UnreadableOrder("no status", raw)])
    before = await harness.order(order_id)
    canaries = [*canaries_of(before), "Unreadable Canary"]
    for canary in canaries:
        assert await tables_with(harness.pool, canary), canary

    answer = await harness.call("DELETE", f"{PATH}/orders/{order_id}/buyer-data")

    assert answer.status_code == 200, answer.text
    assert answer.json()["kafka_until"] > answer.json()["erased_at"]
    audited = await harness.pool.fetch("SELECT subject FROM audit WHERE action LIKE '%erased'")
    assert [row["subject"] for row in audited] == [order_id]
    for canary in canaries:
        assert await tables_with(harness.pool, canary) == set(), canary
    after = await harness.order(order_id)
    assert after["address"]["country"] == before["address"]["country"]
    for kept in ("lines", "total", "shipping_cost", "fee", "status", "placed_at"):
        assert after[kept] == before[kept]
    assert after["erased_at"] is not None
    assert len(after["parcels"]) == 1
    assert [len(await harness.events(kind)) for kind in (OrderReceived, OrderShipped)] == [1, 1]
    updates = await harness.events(OrderUpdated)
    assert updates[-1].order.erased_at is not None
    assert updates[-1].revision == after["revision"]


async def test_asked_for_again_it_stays_as_it_is(harness: Harness) -> None:
    order_id = await finished(harness)
    answers = [
        await harness.call("DELETE", f"{PATH}/orders/{order_id}/buyer-data") for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()


async def test_an_order_still_to_be_shipped_is_refused(harness: Harness) -> None:
    order_id = await to_send(harness)
    answer = await harness.call("DELETE", f"{PATH}/orders/{order_id}/buyer-data")
    assert answer.status_code == 409
    assert answer.json()["rule"] == "M8.6"
    assert "Ship it" in answer.json()["remedy"]
    assert (await harness.order(order_id))["address"]["street"]


async def test_an_order_nobody_knows_is_not_found(harness: Harness) -> None:
    answer = await harness.call("DELETE", f"{PATH}/orders/8123456789/buyer-data")
    assert answer.status_code == 404


async def test_a_later_import_does_not_bring_the_buyer_back(harness: Harness) -> None:
    order_id = await finished(harness)
    canaries = canaries_of(await harness.order(order_id))
    await harness.call("DELETE", f"{PATH}/orders/{order_id}/buyer-data")
    told = len(await harness.events(OrderUpdated))

    await harness.set_status(order_id, "FUND_PROCESSING")
    await harness.import_now()

    order = await harness.order(order_id)
    assert order["marketplace_status"] == "FUND_PROCESSING"
    assert len(await harness.events(OrderUpdated)) == told + 1
    for canary in canaries:
        assert await tables_with(harness.pool, canary) == set(), canary


@pytest.mark.parametrize(
    ("status", "days", "is_erased"),
    [
        ("FINISH", 179, False),
        ("FINISH", 181, True),
        ("WAIT_BUYER_ACCEPT_GOODS", 181, False),
        ("WAIT_BUYER_ACCEPT_GOODS", 361, True),
    ],
)
async def test_the_daily_job_erases_orders_that_ended_long_ago(
    harness: Harness, status: str, days: int, is_erased: bool
) -> None:
    order_id = await to_send(harness)
    await harness.set_status(order_id, status)
    await harness.import_now()
    canaries = canaries_of(await harness.order(order_id))
    await harness.move_clock(advance_seconds=days * 86_400)

    while await erase_ended(harness.pool, AFTER):
        pass

    assert bool((await harness.order(order_id))["erased_at"]) == is_erased
    for canary in canaries:
        assert bool(await tables_with(harness.pool, canary)) != is_erased, canary
    assert len(await harness.events(OrderReceived)) == 1


async def test_the_daily_job_ends_and_tells_each_order_once(harness: Harness) -> None:
    await harness.stock("A")
    order_ids = await harness.place(7, status="FINISH")
    await harness.import_now()
    await harness.move_clock(advance_seconds=200 * 86_400)
    for _ in range(2):
        assert await erase_ended(harness.pool, AFTER) is False
    erased = [e for e in await harness.events(OrderUpdated) if e.order.erased_at is not None]
    assert sorted(e.order.order_id for e in erased) == sorted(order_ids)
    assert clock.now() >= max(e.order.erased_at for e in erased if e.order.erased_at)


ORDERED_EACH = """
    INSERT INTO marketplace_order (merchant_id, shop_id, order_id, revision, marketplace_status,
        received_at, updated_at, modified_at)
    SELECT 'm', 's', n::text, 1, CASE WHEN n % 2 = 0 THEN 'FINISH' ELSE 'IN_CANCEL' END, $1, $1,
        CASE WHEN n = 3 THEN NULL ELSE $1::timestamptz - n * interval '1 minute' END
    FROM generate_series(1, 5000) AS n"""


async def test_those_to_erase_are_found_without_a_look_at_the_rest(harness: Harness) -> None:
    now = clock.now()
    minutes = timedelta(minutes=1)
    async with unit_of_work(harness.pool) as connection:
        await connection.execute(ORDERED_EACH, now)
        read_before = await rows_read(connection, "marketplace_order")

        async def due(ended: int, unchanged: int, limit: int = 9) -> list[int]:
            keys = await list_ended(
                connection,
                "job",
                now,
                ended_before=now - ended * minutes,
                unchanged_before=now - unchanged * minutes,
                limit=limit,
            )
            return [int(order_id) for _, _, order_id in keys]

        assert await due(4995, 4998) == [5000, 4999, 4998, 4996]
        assert await due(4990, 4995, limit=2) == [5000, 4999]
        assert await rows_read(connection, "marketplace_order") - read_before < 100
        assert await due(-1, -1, limit=9999) == [*range(5000, 3, -1), 2, 1, 3]
