import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from orders_bed import MERCHANT, PATH, SELLER, Bed

from aliexpress.orders import OrderPage, UnreadableOrder
from auth_service.expiry.watch_tokens import watch_tokens
from common.contracts.order import OrderReceived, OrderUpdated
from common.contracts.shop import ShopState
from common.failpoints import FailpointError, arm
from order_importer.importing import import_orders
from order_importer.importing.fetch_orders import read_orders
from order_importer.importing.import_orders import import_next

TO_SEND = "WAIT_SELLER_SEND_GOODS"


async def received(bed: Bed) -> list[str]:
    return sorted(event.order.order_id for event in await bed.events(OrderReceived))


async def list_calls(bed: Bed) -> int:
    counts = (await bed.control.get("/control/calls")).json()
    calls: int = counts["calls"].get("aliexpress.solution.order.get", 0)
    return calls


async def test_every_order_is_received_once_with_all_that_is_told_of_it(bed: Bed) -> None:
    await bed.stock("SHIRT-1", "SHIRT-2")
    ids = await bed.place(3, status=TO_SEND)
    await bed.import_orders()
    await bed.import_now()

    assert await received(bed) == sorted(ids)
    assert await bed.events(OrderUpdated) == []
    order = await bed.order(ids[0])
    assert (order["status"], order["marketplace_status"]) == ("waiting_shipment", TO_SEND)
    assert order["lines"][0]["sku_code"] in {"SHIRT-1", "SHIRT-2"}
    assert order["address"]["country"]
    assert order["shipping_cost"]["currency"] == "USD"
    assert order["ship_before"] > order["placed_at"]
    raw = await bed.pool.fetchrow("SELECT listed, details, receipt FROM marketplace_order")
    assert raw is not None
    assert all(raw.values())


async def test_a_change_is_told_once_and_raises_the_revision(bed: Bed) -> None:
    await bed.stock("SHIRT-1")
    [order_id] = await bed.place(status="RISK_CONTROL")
    await bed.import_orders()
    await bed.set_status(order_id, TO_SEND)
    await bed.import_now()
    await bed.import_now()

    [first] = await bed.events(OrderReceived)
    [second] = await bed.events(OrderUpdated)
    assert (first.order.status, second.order.status) == ("new", "waiting_shipment")
    assert second.revision > first.revision
    assert (await bed.order(order_id))["revision"] == second.revision


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("FINISH", "closed"),
        ("IN_CANCEL", "other"),
        ("IN_FROZEN", "other"),
        ("ARCHIVE", "other"),
        ("RISK_CONTROL_HOLD", "other"),
        ("WAIT_BUYER_ACCEPT_GOODS", "shipped"),
    ],
)
async def test_orders_of_every_state_are_imported_and_shown(
    bed: Bed, told: str, status: str
) -> None:
    await bed.stock("SHIRT-1")
    [order_id] = await bed.place()
    await bed.set_status(order_id, told)
    await bed.import_orders()

    found = await bed.order(order_id)
    assert (found["status"], found["marketplace_status"]) == (status, told)
    listed = await bed.call("GET", f"/v1/merchants/{MERCHANT}/orders?status={told}")
    assert [order["order_id"] for order in listed.json()["items"]] == [order_id]


async def test_all_pages_are_read_and_listed(bed: Bed) -> None:
    await bed.tell("products", seller_id=SELLER, count=40)
    ids = await bed.place(120)
    await bed.import_orders()

    assert await received(bed) == sorted(ids)
    seen: list[str] = []
    cursor = ""
    while True:
        page = await bed.call("GET", f"/v1/merchants/{MERCHANT}/orders?limit=50{cursor}")
        seen += [order["order_id"] for order in page.json()["items"]]
        if page.json()["next_cursor"] is None:
            break
        cursor = f"&cursor={page.json()['next_cursor']}"
    assert sorted(seen) == sorted(ids)


async def test_a_page_repeated_by_aliexpress_loses_nothing(bed: Bed) -> None:
    await bed.tell("products", seller_id=SELLER, count=40)
    ids = await bed.place(60)
    await bed.tell("faults", kind="repeated_page", operation="*order.get", count=1, skip=1)
    await bed.import_orders()
    assert await received(bed) == sorted(ids)


@pytest.mark.parametrize("place", ["importer.after-fetch", "importer.before-commit"])
async def test_an_import_that_dies_is_continued_and_doubles_nothing(bed: Bed, place: str) -> None:
    await bed.stock("SHIRT-1")
    ids = await bed.place(3)
    arm(f"{place}=error")
    try:
        with pytest.raises(FailpointError):
            await bed.import_orders()
    finally:
        arm("")
    assert await received(bed) == []
    assert (await bed.imports())["covered_until"] is None

    await bed.import_orders()

    assert await received(bed) == sorted(ids)
    [done] = (await bed.imports())["items"]
    assert (done["state"], done["attempts"], done["orders_received"]) == ("done", 2, 3)


async def test_while_the_token_is_lapsed_nothing_is_called_and_renewal_catches_up(
    bed: Bed,
) -> None:
    await bed.stock("SHIRT-1")
    first = await bed.place(seed=1)
    await bed.import_orders()
    await bed.move_clock(advance_seconds=31 * 86_400)
    while await watch_tokens(bed.auth_pool):
        pass
    await bed.hear_of_shop()
    missed = await bed.place(2, seed=2)
    before = await list_calls(bed)

    asked = await bed.call("POST", f"{PATH}/order-imports")
    await bed.import_orders()

    assert asked.status_code == 409
    assert asked.json()["rule"] == "M1.3"
    assert before > 0
    assert await list_calls(bed) == before

    await bed.connect()
    await bed.import_orders()
    assert await received(bed) == sorted(first + missed)


async def test_a_token_called_dead_ends_the_connection_and_the_import_waits(bed: Bed) -> None:
    await bed.stock("SHIRT-1")
    await bed.import_orders()
    ids = await bed.place(2)
    await bed.tell("tokens/expire", seller_id=SELLER)

    await bed.import_now()

    [failed, _] = (await bed.imports())["items"]
    assert failed["state"] == "failed"
    assert "renew" in failed["problem"]
    connection = await bed.auth_pool.fetchval("SELECT connection FROM shop")
    assert connection == "disconnected"
    await bed.hear_of_shop()
    await bed.connect()
    await bed.import_orders()
    assert await received(bed) == sorted(ids)


async def test_the_schedule_imports_hourly_and_can_be_paused(bed: Bed) -> None:
    await bed.stock("SHIRT-1")
    await bed.import_orders()
    [first] = await bed.place()
    await bed.move_clock(advance_seconds=3_700)
    await bed.import_orders()
    assert await received(bed) == [first]

    paused = await bed.call("POST", f"{PATH}/order-imports/pause", json={"reason": "stocktaking"})
    assert paused.status_code == 204
    [second] = await bed.place(seed=2)
    await bed.move_clock(advance_seconds=3_700)
    await bed.import_orders()
    assert await received(bed) == [first]
    shown = await bed.imports()
    assert (shown["is_paused"], shown["pause_reason"]) == (True, "stocktaking")

    assert (await bed.call("POST", f"{PATH}/order-imports/resume")).status_code == 204
    await bed.import_orders()
    assert await received(bed) == sorted([first, second])


async def test_both_hours_of_the_november_night_are_imported(bed: Bed) -> None:
    """01:30 comes twice in Los Angeles on 7 November 2027: 08:30 and 09:30 UTC."""
    await bed.stock("SHIRT-1")
    await bed.move_clock(set="2027-11-07T07:50:00+00:00", is_frozen=True)
    await bed.connect()
    await bed.import_orders()
    ids = []
    for minutes in range(20, 200, 20):
        at = datetime.fromisoformat("2027-11-07T07:50:00+00:00") + timedelta(minutes=minutes)
        await bed.move_clock(set=at.isoformat())
        ids += await bed.place(seed=minutes)
        await bed.import_now()

    assert await received(bed) == sorted(ids)
    [seen] = {event.order.placed_at.utcoffset() for event in await bed.events(OrderReceived)}
    assert seen == timedelta(0)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "http_error", "status": 503}, id="503"),
        pytest.param({"kind": "html"}, id="html"),
        pytest.param({"kind": "truncated"}, id="truncated"),
        pytest.param({"kind": "refused"}, id="broken-connection"),
        pytest.param({"kind": "dead_token"}, id="token-called-dead-by-mistake"),
    ],
)
async def test_an_outage_postpones_the_import_and_it_goes_on_by_itself(
    bed: Bed, fault: dict[str, object]
) -> None:
    await bed.stock("SHIRT-1")
    ids = await bed.place(2)
    await bed.tell("faults", operation="*order.get", count=1, **fault)
    await bed.import_orders()
    [waiting] = (await bed.imports())["items"]
    assert waiting["state"] == "running"
    assert waiting["problem"]

    await bed.move_clock(advance_seconds=600)
    await bed.import_orders()
    assert await received(bed) == sorted(ids)
    assert await bed.auth_pool.fetchval("SELECT connection FROM shop") == "connected"


async def test_an_order_whose_details_are_refused_does_not_hold_up_its_neighbours(
    bed: Bed,
) -> None:
    await bed.stock("SHIRT-1")
    ids = await bed.place(3)
    await bed.tell(
        "faults",
        kind="business_error",
        operation="*order.info.get",
        count=1,
        code="F00-10-10000-001",
        message="account not found",
    )
    await bed.import_orders()

    assert len(await received(bed)) == 2
    [problem] = (await bed.imports())["problems"]
    assert "account not found" in problem["problem"]

    await bed.import_now()
    assert await received(bed) == sorted(ids)
    assert (await bed.imports())["problems"] == []


async def test_a_run_asked_for_twice_is_one(bed: Bed) -> None:
    await bed.import_orders()
    first = await bed.call("POST", f"{PATH}/order-imports")
    second = await bed.call("POST", f"{PATH}/order-imports")
    assert first.json() == second.json()


async def test_a_foreign_merchants_orders_do_not_exist(bed: Bed) -> None:
    await bed.stock("SHIRT-1")
    [order_id] = await bed.place()
    await bed.import_orders()

    for method, path in (
        ("GET", f"/v1/merchants/{MERCHANT}/orders"),
        ("GET", f"{PATH}/orders/{order_id}"),
        ("GET", f"{PATH}/orders/{order_id}/shipments"),
        ("GET", f"{PATH}/order-imports"),
        ("POST", f"{PATH}/order-imports"),
        ("GET", f"{PATH}/carriers"),
    ):
        theirs = await bed.call(method, path, merchant="other")
        missing = await bed.call(method, path.replace(MERCHANT, "nobody"), merchant="other")
        assert theirs.status_code == missing.status_code == 404
        assert theirs.json() == missing.json()
    assert (await bed.call("GET", f"{PATH}/orders/0")).status_code == 404


async def test_republishing_tells_of_orders_again_at_the_same_revision(bed: Bed) -> None:
    await bed.stock("SHIRT-1")
    await bed.place()
    await bed.import_orders()
    answer = await bed.http.post(
        "/v1/republish", json={}, headers=bed.bearer("operator", merchant=None)
    )
    assert answer.json() == {"records": 1}
    [first], [again] = await bed.events(OrderReceived), await bed.events(OrderUpdated)
    assert again.revision == first.revision


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJhIl0", "WyJhIiwiYiIsImMiXQ"])
async def test_a_cursor_of_nobody_is_refused(bed: Bed, cursor: str) -> None:
    answer = await bed.call("GET", f"/v1/merchants/{MERCHANT}/orders?cursor={cursor}")
    assert answer.status_code == 422


async def test_two_replicas_import_a_shop_once(bed: Bed) -> None:
    await bed.stock("SHIRT-1")
    ids = await bed.place(5)
    await asyncio.gather(
        *(import_next(bed.pool, bed.access, f"replica-{n}", bed.first_import) for n in range(4))
    )
    await bed.import_orders()

    assert await received(bed) == sorted(ids)
    [done] = (await bed.imports())["items"]
    assert (done["state"], done["attempts"]) == ("done", 1)


async def test_a_row_that_is_no_order_is_kept_and_its_neighbours_are_imported(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bed.stock("SHIRT-1")
    ids = await bed.place(2)

    async def with_garbage(*query: Any) -> AsyncIterator[OrderPage]:
        async for page in read_orders(*query):
            garbage = (UnreadableOrder("order_id: an id is expected", '{"order_status":"X"}'),)
            yield msgspec.structs.replace(page, unreadable=garbage)

    monkeypatch.setattr(import_orders, "read_orders", with_garbage)
    await bed.import_orders()
    await bed.import_now()

    assert await received(bed) == sorted(ids)
    [kept] = (await bed.imports())["unreadable"]
    assert kept["reason"] == "order_id: an id is expected"


async def test_an_older_state_of_the_shop_changes_nothing(bed: Bed) -> None:
    await bed.import_orders()
    await bed.hear(
        ShopState(
            merchant_id=MERCHANT,
            shop_id="main",
            revision=1,
            is_eligible=False,
            connection="lapsed",
            generation=0,
        )
    )
    assert (await bed.call("POST", f"{PATH}/order-imports")).status_code == 202
