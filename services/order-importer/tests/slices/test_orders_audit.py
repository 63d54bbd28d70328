"""Orders are read deeply every night, audited every month, and an import says how it ended."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from common import clock
from common.contracts.order import OrderUpdated
from common.contracts.order_import import OrdersImported
from common.postgres.unit_of_work import unit_of_work
from order_importer.auditing.audit_orders import audit_next, plan_audits
from order_importer.importing.import_orders import import_next
from order_importer.importing.plan_imports import plan_imports
from order_importer.imports import store as imports
from order_importer.imports.store import Import

from ..orders_harness import MERCHANT, PATH, SHOP, Harness

DAY = 86_400


async def audit(harness: Harness) -> dict[str, Any]:
    """An audit that was asked for, as it ended."""
    asked = await harness.call("POST", f"{PATH}/order-audits")
    assert asked.status_code == 202, asked.text
    while await audit_next(harness.pool, harness.access, "test"):
        pass
    answer = await harness.call("GET", f"{PATH}/order-audits/{asked.json()['audit_id']}")
    found: dict[str, Any] = answer.json()
    return found


async def differences(harness: Harness, audit_id: int) -> list[dict[str, Any]]:
    answer = await harness.call(
        "GET", f"{PATH}/order-audits/{audit_id}/differences", params={"limit": 1}
    )
    found: list[dict[str, Any]] = answer.json()["items"]
    while cursor := answer.json()["next_cursor"]:
        answer = await harness.call(
            "GET",
            f"{PATH}/order-audits/{audit_id}/differences",
            params={"limit": 1, "cursor": cursor},
        )
        found += answer.json()["items"]
    return found


async def some_orders(harness: Harness) -> list[str]:
    await harness.stock("A")
    waiting = await harness.place(3, seed=1, status="WAIT_SELLER_SEND_GOODS")
    ended = await harness.place(2, seed=2, status="FINISH")
    await harness.move_clock(advance_seconds=3_600)
    await harness.import_now()
    return [*waiting, *ended]


async def test_one_to_one_is_said_to_be_one_to_one(harness: Harness) -> None:
    orders = await some_orders(harness)
    found = await audit(harness)
    assert (found["state"], found["compared"]) == ("done", len(orders))
    assert (found["pending"], found["differences"]) == (0, 0)
    listed = (await harness.call("GET", f"{PATH}/order-audits")).json()["items"]
    assert listed == [found]


async def test_each_difference_is_named_and_what_can_be_is_read_again(harness: Harness) -> None:
    lost, other_status, other_total, *_ = await some_orders(harness)
    await harness.pool.execute("DELETE FROM marketplace_order WHERE order_id = $1", lost)
    await harness.pool.execute(
        "UPDATE marketplace_order SET marketplace_status = 'IN_CANCEL' WHERE order_id = $1",
        other_status,
    )
    await harness.pool.execute(
        """
        UPDATE marketplace_order SET content = jsonb_set(content::jsonb, '{total,amount}', '"0.01"')
        WHERE order_id = $1
        """,
        other_total,
    )
    await harness.pool.execute(
        """
        INSERT INTO marketplace_order (merchant_id, shop_id, order_id, revision, content, status,
            marketplace_status, placed_at, modified_at, received_at, updated_at)
        SELECT merchant_id, shop_id, '99', revision, content, status, marketplace_status,
            placed_at, modified_at, received_at, updated_at
        FROM marketplace_order WHERE order_id = $1
        """,
        other_status,
    )

    found = await audit(harness)

    assert (found["state"], found["compared"], found["differences"]) == ("done", 6, 4)
    named = {one["order_id"]: one for one in await differences(harness, found["audit_id"])}
    assert {order_id: one["kind"] for order_id, one in named.items()} == {
        lost: "missing-here",
        other_status: "status",
        other_total: "total",
        "99": "missing-there",
    }
    assert all(one["remedy"] for one in named.values())
    assert named[other_status]["ours"] == "IN_CANCEL"
    assert named[other_total]["ours"].startswith("0.01")

    await harness.import_orders()
    again = await audit(harness)

    assert [one["order_id"] for one in await differences(harness, again["audit_id"])] == ["99"]


async def test_what_changed_after_the_last_import_is_no_difference(harness: Harness) -> None:
    orders = await some_orders(harness)
    await harness.move_clock(advance_seconds=60)
    await harness.set_status(orders[0], "IN_CANCEL")
    found = await audit(harness)
    assert (found["pending"], found["differences"]) == (1, 0)


async def test_an_audit_waits_for_the_first_import(harness: Harness) -> None:
    found = await audit(harness)
    assert found["state"] == "due"
    assert "no import" in found["problem"]
    await harness.import_now()
    await harness.move_clock(advance_seconds=120)
    assert (await audit(harness))["state"] == "done"


async def test_an_audit_is_due_every_month(harness: Harness) -> None:
    await some_orders(harness)
    assert not await plan_audits(harness.pool)
    await harness.move_clock(advance_seconds=30 * DAY)
    assert await plan_audits(harness.pool)
    assert not await plan_audits(harness.pool)
    [due] = (await harness.call("GET", f"{PATH}/order-audits")).json()["items"]
    assert (due["cause"], due["state"]) == ("schedule", "due")


async def test_the_nightly_reading_finds_what_the_list_does_not_show(harness: Harness) -> None:
    order_id, *_ = await some_orders(harness)
    await harness.pool.execute(
        """
        UPDATE marketplace_order SET fingerprint = '', content =
            jsonb_set(content::jsonb, '{memo}', '"as it was before"')
        WHERE order_id = $1
        """,
        order_id,
    )
    told = len(await harness.events(OrderUpdated))
    await harness.import_now()
    assert (await harness.order(order_id))["memo"] == "as it was before"

    await harness.let_a_night_be_due()
    assert await plan_imports(harness.pool)
    await harness.import_orders()

    assert (await harness.order(order_id))["memo"] != "as it was before"
    assert len(await harness.events(OrderUpdated)) == told + 1
    causes = {one["cause"] for one in (await harness.imports())["items"]}
    assert "nightly" in causes


async def test_a_deep_reading_that_is_asked_for_while_an_import_begins_is_deep(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is added to the import that is due, which another process has listed by then."""
    await some_orders(harness)
    await harness.move_clock(advance_seconds=DAY)
    await harness.import_now()
    asked_from = clock.now() - timedelta(days=10)
    await harness.call("POST", f"{PATH}/order-imports")
    listed = imports.list_open

    async def list_open(*args: Any, **options: Any) -> list[Import]:
        found = await listed(*args, **options)
        async with unit_of_work(harness.pool) as connection:
            await imports.request_import(
                connection, MERCHANT, SHOP, "audit", at=clock.now(), reads_from=asked_from
            )
        return found

    monkeypatch.setattr(imports, "list_open", list_open)
    assert await import_next(harness.pool, harness.access, "test", harness.options)

    newest = (await harness.imports())["items"][0]
    assert newest["orders_seen"] >= 5
    assert datetime.fromisoformat(newest["window_from"]) <= asked_from


async def test_an_import_tells_what_it_did(harness: Harness) -> None:
    await some_orders(harness)
    told = (await harness.events(OrdersImported))[-1]
    assert (told.outcome, told.found, told.received) == ("done", 5, 5)
    assert told.key() == f"{MERCHANT}/{SHOP}"
    assert told.covered_until is not None
    imports = await harness.imports()
    assert imports["covered_until"] == told.covered_until.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("is_app_fault", [True, False])
async def test_an_import_that_does_not_succeed_for_an_hour_tells_that_it_is_late_once(
    harness: Harness, is_app_fault: bool
) -> None:
    await harness.import_now()
    code = "AppWhiteIpLimit" if is_app_fault else "ServiceTimeout"
    await harness.control(
        "faults", kind="error", code=code, operation="aliexpress.solution.order.get"
    )
    await harness.call("POST", f"{PATH}/order-imports")
    for _ in range(5):
        await harness.import_orders()
        await harness.move_clock(advance_seconds=timedelta(minutes=40).total_seconds())

    late = [one for one in await harness.events(OrdersImported) if one.outcome == "late"]

    assert len(late) == 1
    assert late[0].problem
    await harness.sandbox.delete("/control/faults")
    await harness.import_orders()
    assert (await harness.events(OrdersImported))[-1].outcome == "done"
    assert clock.now() - late[0].covered_until > timedelta(hours=1) if late[0].covered_until else 0
