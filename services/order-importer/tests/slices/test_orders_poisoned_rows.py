"""One row that a background job fails on leaves its neighbours unharmed, job by job."""

from datetime import timedelta

from common import clock
from common.contracts.order import OrderDue
from common.contracts.order_import import OrdersImported
from common.postgres.schedules import Every, set_schedule
from common.postgres.set_aside import MOST_FAILURES
from common.postgres.unit_of_work import unit_of_work
from order_importer.auditing.audit_orders import audit_next, plan_audits
from order_importer.erasure.erase_orders import erase_ended
from order_importer.importing.import_orders import import_next
from order_importer.importing.plan_imports import plan_imports
from order_importer.orders.deadline import USUAL_PREPARATION
from stack.testing.poison import failed_rows, poison, remove_poison

from ..orders_harness import MERCHANT, PATH, SHOP, Harness

TO_SEND = "WAIT_SELLER_SEND_GOODS"
LINES = [{"sku_code": code, "quantity": 1} for code in ("SHIRT-1", "SHIRT-2")]
OTHER = "other"
"""A second shop of the merchant's."""


async def imported(harness: Harness, count: int, status: str = TO_SEND) -> list[str]:
    await harness.stock("SHIRT-1", "SHIRT-2")
    ids = await harness.place(count, lines=LINES, status=status)
    await harness.import_now()
    return sorted(ids)


async def spoil(harness: Harness, order_id: str) -> None:
    """What is stored of the order is no order any more."""
    await harness.pool.execute(
        """UPDATE marketplace_order SET content = '{"x": 1}' WHERE order_id = $1""", order_id
    )


async def add_poisoned_shop(harness: Harness) -> None:
    """A further merchant's shop, like the one that is known."""
    await harness.pool.execute(
        """
        INSERT INTO shop SELECT known.* FROM shop,
            json_populate_record(shop, '{"merchant_id": "a-poisoned", "shop_id": "gone"}') AS known
        """
    )


async def schedule(harness: Harness, kind: str) -> None:
    """Due in both shops, the poisoned one's first; its zone does not exist."""
    now = clock.now()
    async with unit_of_work(harness.pool) as connection:
        for shop, due_at in ((OTHER, now - timedelta(hours=2)), (SHOP, now)):
            rhythm = Every(timedelta(hours=1))
            await set_schedule(connection, kind, MERCHANT, shop, rhythm, first_due_at=due_at)
            await connection.execute(
                """
                UPDATE schedule SET next_due_at = $3, is_paused = false
                WHERE kind = $1 AND subject = $2
                """,
                kind,
                shop,
                due_at,
            )
        await connection.execute(
            """
            UPDATE schedule SET every_seconds = NULL, daily_at = '03:00', zone = 'Mars/Base'
            WHERE subject = $1
            """,
            OTHER,
        )


async def test_plan_imports(harness: Harness) -> None:
    await schedule(harness, "order-import")

    while await plan_imports(harness.pool):
        pass

    planned = await harness.pool.fetch("SELECT shop_id FROM order_import")
    assert {shop for (shop,) in planned} == {SHOP}
    assert ("schedule:order-import", MERCHANT, OTHER) in await failed_rows(harness.pool)


async def test_plan_audits(harness: Harness) -> None:
    await schedule(harness, "order-audit")

    while await plan_audits(harness.pool):
        pass

    planned = await harness.pool.fetch("SELECT shop_id FROM order_audit")
    assert {shop for (shop,) in planned} == {SHOP}
    assert ("schedule:order-audit", MERCHANT, OTHER) in await failed_rows(harness.pool)


async def test_audit_orders(harness: Harness) -> None:
    await imported(harness, 1)
    await add_poisoned_shop(harness)
    await poison(harness.pool, "order_audit", "UPDATE", "NEW.merchant_id = 'a-poisoned'")
    await harness.pool.execute(
        """
        INSERT INTO order_audit (merchant_id, shop_id, cause, state, requested_at, next_try_at)
        VALUES ('a-poisoned', 'gone', 'request', 'due', $1, $1), ($2, $3, 'request', 'due', $4, $4)
        """,
        clock.now() - timedelta(hours=1),
        MERCHANT,
        SHOP,
        clock.now(),
    )

    while await audit_next(harness.pool, harness.access, "test"):
        pass

    states = await harness.pool.fetch("SELECT merchant_id, state FROM order_audit ORDER BY 1")
    assert [tuple(row) for row in states] == [("a-poisoned", "due"), (MERCHANT, "done")]
    [(job, merchant, _)] = await failed_rows(harness.pool)
    assert (job, merchant) == ("audit-orders", "a-poisoned")


async def test_imports(harness: Harness) -> None:
    """An import that cannot be written at all does not hold up another shop's."""
    await harness.stock("SHIRT-1", "SHIRT-2")
    [order_id] = await harness.place(1, lines=LINES, status=TO_SEND)
    await add_poisoned_shop(harness)
    await harness.pool.execute(
        """
        INSERT INTO order_import (merchant_id, shop_id, cause, state, requested_at, next_try_at)
        VALUES ('a-poisoned', 'gone', 'schedule', 'due', $1, $1)
        """,
        clock.now() - timedelta(hours=1),
    )
    await poison(harness.pool, "order_import", "UPDATE", "NEW.merchant_id = 'a-poisoned'")

    await harness.import_now()

    assert (await harness.order(order_id))["status"] == "waiting_shipment"
    [(job, merchant, _)] = await failed_rows(harness.pool)
    assert (job, merchant) == ("imports", "a-poisoned")


async def test_an_import_that_fails_again_and_again_is_ended_and_told(harness: Harness) -> None:
    await imported(harness, 1)
    await poison(harness.pool, "shop", "UPDATE", "NEW.covered_until > OLD.covered_until")
    asked = await harness.call("POST", f"{PATH}/order-imports")
    assert asked.status_code == 202, asked.text
    for _ in range(MOST_FAILURES):
        await import_next(harness.pool, harness.access, "test", harness.options)
        await harness.move_clock(advance_seconds=660)

    newest, first = (await harness.imports())["items"]
    assert (newest["state"], first["state"]) == ("failed", "done")
    assert "DataError" in newest["problem"]
    told = await harness.events(OrdersImported)
    assert [one.outcome for one in told] == ["done", "failed"]
    [(job, _, _)] = await failed_rows(harness.pool)
    assert job == "imports"

    await remove_poison(harness.pool, "shop")
    await harness.import_now()
    assert (await harness.imports())["items"][0]["state"] == "done"


async def test_an_order_that_cannot_be_written_is_kept_as_unreadable_alone(
    harness: Harness,
) -> None:
    await harness.stock("SHIRT-1", "SHIRT-2")
    first, bad, last = sorted(await harness.place(3, lines=LINES, status=TO_SEND))
    when = f"NEW.order_id = '{bad}' AND NEW.content IS NOT NULL"
    await poison(harness.pool, "marketplace_order", "INSERT OR UPDATE", when)

    await harness.import_now()

    assert {(await harness.order(one))["order_id"] for one in (first, last)} == {first, last}
    [done] = (await harness.imports())["items"]
    assert (done["state"], done["orders_received"], done["orders_unreadable"]) == ("done", 2, 1)
    await remove_poison(harness.pool, "marketplace_order")
    await harness.import_now()
    assert (await harness.order(bad))["status"] == "waiting_shipment"


async def test_send_shipments(harness: Harness) -> None:
    ids = await imported(harness, 3)
    bad = ids[0]
    for number, order_id in enumerate(ids):
        key = f"key-{number}"
        asked = await harness.ship(order_id, key, tracking_number=f"LP0001234{number}")
        assert asked.status_code == 202, asked.text
    await spoil(harness, bad)

    await harness.send_all()

    states = await harness.pool.fetch("SELECT order_id, state FROM shipment ORDER BY 1")
    assert [state for _, state in states] == ["pending", "confirmed", "confirmed"]
    [(job, merchant, subject)] = await failed_rows(harness.pool)
    assert (job, merchant) == ("send-shipments", MERCHANT)
    assert subject.startswith(f"{SHOP}/{bad}/")


async def test_send_corrections(harness: Harness) -> None:
    ids = await imported(harness, 2)
    for number, order_id in enumerate(ids):
        shipped = await harness.ship(
            order_id, f"key-{number}", tracking_number=f"LP0001234{number}"
        )
        await harness.send_all()
        shipment_id = shipped.json()["shipment_id"]
        asked = await harness.correct_tracking(
            order_id, shipment_id, f"right-{number}", tracking_number=f"LP0009999{number}"
        )
        assert asked.status_code == 202, asked.text
    await spoil(harness, ids[0])

    await harness.correct_all()

    states = await harness.pool.fetch("SELECT state FROM tracking_correction ORDER BY order_id")
    assert [state for (state,) in states] == ["pending", "confirmed"]
    assert ("send-corrections", MERCHANT) in {row[:2] for row in await failed_rows(harness.pool)}


async def test_erase_buyers(harness: Harness) -> None:
    first, bad, last = await imported(harness, 3, "FINISH")
    await spoil(harness, bad)
    await harness.move_clock(advance_seconds=int(timedelta(days=200).total_seconds()))

    await erase_ended(harness.pool, timedelta(days=180))

    erased = await harness.pool.fetch(
        "SELECT order_id FROM marketplace_order WHERE erased_at IS NOT NULL ORDER BY 1"
    )
    assert [order_id for (order_id,) in erased] == [first, last]
    assert await failed_rows(harness.pool) == [("erase-buyers", MERCHANT, f"{SHOP}/{bad}")]


async def test_publish_due(harness: Harness) -> None:
    first, bad, last = await imported(harness, 3)
    await spoil(harness, bad)
    await harness.move_clock(
        advance_seconds=int((USUAL_PREPARATION - timedelta(hours=3)).total_seconds())
    )

    await harness.publish_due()

    due = sorted(event.order.order_id for event in await harness.events(OrderDue))
    assert due == [first, last]
    assert await failed_rows(harness.pool) == [("publish-due", MERCHANT, f"{SHOP}/{bad}")]
    assert (await harness.call("GET", f"{PATH}/orders/{first}")).status_code == 200
