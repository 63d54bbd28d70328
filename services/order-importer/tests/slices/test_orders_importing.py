import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from aliexpress.orders import OrderDetails, OrderPage, UnreadableOrder, load_order
from auth_service.expiry.watch_tokens import watch_tokens
from common.contracts.order import OrderReceived, OrderUpdated
from common.contracts.shop import ShopState
from common.failpoints import FailpointError, arm
from order_importer.importing import import_orders
from order_importer.importing.fetch_orders import read_orders
from order_importer.importing.import_orders import import_next
from stack.sandbox import Sandbox
from stack.testing import eventually, running_parts

from ..orders_harness import MERCHANT, PATH, SELLER, Harness

TO_SEND = "WAIT_SELLER_SEND_GOODS"


async def received(harness: Harness) -> list[str]:
    return sorted(event.order.order_id for event in await harness.events(OrderReceived))


async def list_calls(harness: Harness) -> int:
    counts = (await harness.sandbox.get("/control/calls")).json()
    calls: int = counts["calls"].get("aliexpress.solution.order.get", 0)
    return calls


async def test_every_order_is_received_once_with_all_its_fields(harness: Harness) -> None:
    await harness.stock("SHIRT-1", "SHIRT-2")
    ids = await harness.place(3, status=TO_SEND)
    await harness.import_orders()
    await harness.import_now()

    assert await received(harness) == sorted(ids)
    assert await harness.events(OrderUpdated) == []
    order = await harness.order(ids[0])
    assert (order["status"], order["marketplace_status"]) == ("waiting_shipment", TO_SEND)
    assert order["lines"][0]["sku_code"] in {"SHIRT-1", "SHIRT-2"}
    assert order["address"]["country"]
    assert order["shipping_cost"]["currency"] == "USD"
    assert order["ship_before"] > order["placed_at"]
    raw = await harness.pool.fetchrow("SELECT listed, details, receipt FROM marketplace_order")
    assert raw is not None
    assert all(raw.values())


async def test_a_masked_address_is_imported_in_clear(harness: Harness) -> None:
    await harness.stock("SHIRT-1")
    [order_id] = await harness.place(status=TO_SEND)
    await harness.control("quirks", masked_addresses=True)
    await harness.import_orders()
    address = (await harness.order(order_id))["address"]
    assert "*" not in str(address)
    await harness.control("quirks")
    await harness.control(f"orders/{order_id}/refund", sku_code="SHIRT-1", amount="0.01")
    await harness.import_now()
    assert (await harness.order(order_id))["address"] == address, "as it is without masks"
    [refunded] = await harness.events(OrderUpdated)
    assert refunded.order.refund is not None


async def test_an_order_whose_address_stays_masked_waits_for_it(harness: Harness) -> None:
    await harness.stock("SHIRT-1")
    [order_id] = await harness.place(status=TO_SEND)
    await harness.control("quirks", masked_addresses=True)
    refused = {"code": "isv.invalid-parameter", "message": "no decryption today"}
    await harness.control("faults", kind="error", operation="*.decrypt", count=1, **refused)
    await harness.import_orders()
    assert await received(harness) == []
    await harness.import_now()
    assert await received(harness) == [order_id]
    assert "*" not in str((await harness.order(order_id))["address"])


async def test_a_change_is_published_once_and_raises_the_revision(harness: Harness) -> None:
    await harness.stock("SHIRT-1")
    [order_id] = await harness.place(status="RISK_CONTROL")
    await harness.import_orders()
    await harness.set_status(order_id, TO_SEND)
    await harness.import_now()
    await harness.import_now()

    [first] = await harness.events(OrderReceived)
    [second] = await harness.events(OrderUpdated)
    assert (first.order.status, second.order.status) == ("new", "waiting_shipment")
    assert second.previous_status == "new"
    assert second.revision > first.revision
    assert (await harness.order(order_id))["revision"] == second.revision


@pytest.mark.parametrize(
    ("marketplace_status", "status"),
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
    harness: Harness, marketplace_status: str, status: str
) -> None:
    await harness.stock("SHIRT-1")
    [order_id] = await harness.place()
    await harness.set_status(order_id, marketplace_status)
    await harness.import_orders()

    found = await harness.order(order_id)
    assert (found["status"], found["marketplace_status"]) == (status, marketplace_status)
    listed = await harness.call(
        "GET", f"/v1/merchants/{MERCHANT}/orders?status={marketplace_status}"
    )
    assert [order["order_id"] for order in listed.json()["items"]] == [order_id]


async def test_all_pages_are_read_and_listed(harness: Harness) -> None:
    await harness.control("products", seller_id=SELLER, count=40)
    ids = await harness.place(120)
    await harness.import_orders()

    assert await received(harness) == sorted(ids)
    seen: list[str] = []
    cursor = ""
    while True:
        page = await harness.call("GET", f"/v1/merchants/{MERCHANT}/orders?limit=50{cursor}")
        seen += [order["order_id"] for order in page.json()["items"]]
        if page.json()["next_cursor"] is None:
            break
        cursor = f"&cursor={page.json()['next_cursor']}"
    assert sorted(seen) == sorted(ids)


async def test_a_page_repeated_by_aliexpress_loses_nothing(harness: Harness) -> None:
    await harness.control("products", seller_id=SELLER, count=40)
    ids = await harness.place(60)
    await harness.control("faults", kind="repeated_page", operation="*order.get", count=1, skip=1)
    await harness.import_orders()
    assert await received(harness) == sorted(ids)


@pytest.mark.parametrize("place", ["importer.after-fetch", "importer.before-commit"])
async def test_an_import_that_dies_is_continued_and_doubles_nothing(
    harness: Harness, place: str
) -> None:
    await harness.stock("SHIRT-1")
    ids = await harness.place(3)
    arm(f"{place}=error")
    try:
        with pytest.raises(FailpointError):
            await harness.import_orders()
    finally:
        arm("")
    assert await received(harness) == []
    assert (await harness.imports())["covered_until"] is None

    await harness.import_orders()

    assert await received(harness) == sorted(ids)
    [done] = (await harness.imports())["items"]
    assert (done["state"], done["attempts"], done["orders_received"]) == ("done", 2, 3)


async def test_while_the_token_is_lapsed_nothing_is_called_and_renewal_catches_up(
    harness: Harness,
) -> None:
    await harness.stock("SHIRT-1")
    first = await harness.place(seed=1)
    await harness.import_orders()
    await harness.move_clock(advance_seconds=31 * 86_400)
    while await watch_tokens(harness.auth_pool):
        pass
    await harness.take_latest_state()
    missed = await harness.place(2, seed=2)
    before = await list_calls(harness)

    asked = await harness.call("POST", f"{PATH}/order-imports")
    await harness.import_orders()

    assert asked.status_code == 409
    assert asked.json()["rule"] == "M1.3"
    assert before > 0
    assert await list_calls(harness) == before

    await harness.connect()
    await harness.import_orders()
    assert await received(harness) == sorted(first + missed)


async def test_a_token_called_dead_ends_the_connection_and_the_import_waits(
    harness: Harness,
) -> None:
    await harness.stock("SHIRT-1")
    await harness.import_orders()
    ids = await harness.place(2)
    await harness.control("tokens/expire", seller_id=SELLER)

    await harness.import_now()

    [failed, _] = (await harness.imports())["items"]
    assert failed["state"] == "failed"
    assert "renew" in failed["problem"]
    await eventually(lambda: harness.is_connection("disconnected"))
    await harness.take_latest_state()
    await harness.connect()
    await harness.import_orders()
    assert await received(harness) == sorted(ids)


async def test_the_schedule_imports_half_hourly_and_can_be_paused(harness: Harness) -> None:
    await harness.stock("SHIRT-1")
    await harness.import_orders()
    [first] = await harness.place()
    await harness.move_clock(advance_seconds=1_900)
    await harness.import_orders()
    assert await received(harness) == [first]

    paused = await harness.call(
        "POST", f"{PATH}/order-imports/pause", json={"reason": "stocktaking"}
    )
    assert paused.status_code == 204
    [second] = await harness.place(seed=2)
    await harness.move_clock(advance_seconds=1_900)
    await harness.import_orders()
    assert await received(harness) == [first]
    shown = await harness.imports()
    assert (shown["is_paused"], shown["pause_reason"]) == (True, "stocktaking")

    assert (await harness.call("POST", f"{PATH}/order-imports/resume")).status_code == 204
    await harness.import_orders()
    assert await received(harness) == sorted([first, second])


async def test_both_hours_of_the_november_night_are_imported(harness: Harness) -> None:
    """01:30 comes twice in Los Angeles on 7 November 2027: 08:30 and 09:30 UTC."""
    await harness.stock("SHIRT-1")
    await harness.move_clock(set="2027-11-07T07:50:00+00:00", is_frozen=True)
    await harness.connect()
    await harness.import_orders()
    ids = []
    for minutes in range(20, 200, 20):
        at = datetime.fromisoformat("2027-11-07T07:50:00+00:00") + timedelta(minutes=minutes)
        await harness.move_clock(set=at.isoformat())
        ids += await harness.place(seed=minutes)
        await harness.import_now()

    assert await received(harness) == sorted(ids)
    [seen] = {event.order.placed_at.utcoffset() for event in await harness.events(OrderReceived)}
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
    harness: Harness, fault: dict[str, object]
) -> None:
    await harness.stock("SHIRT-1")
    ids = await harness.place(2)
    await harness.control("faults", operation="*order.get", count=1, **fault)
    await harness.import_orders()
    [waiting] = (await harness.imports())["items"]
    assert waiting["state"] == "due"
    assert waiting["problem"]

    await harness.move_clock(advance_seconds=600)
    await harness.import_orders()
    assert await received(harness) == sorted(ids)
    assert await harness.is_connection("connected")


async def test_how_long_a_postponed_import_waits_is_set_by_the_installation(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    # an hour is cut to the longest pause, five minutes
    monkeypatch.setattr(harness.access, "first_pause", timedelta(hours=1))
    await harness.stock("SHIRT-1")
    [order_id] = await harness.place()
    await harness.control("faults", operation="*order.get", count=1, kind="refused")
    await harness.import_orders()
    await harness.move_clock(advance_seconds=200)
    await harness.import_orders()
    assert await received(harness) == []

    await harness.move_clock(advance_seconds=101)
    await harness.import_orders()
    assert await received(harness) == [order_id]


async def test_an_order_whose_details_are_refused_does_not_hold_up_its_neighbours(
    harness: Harness,
) -> None:
    await harness.stock("SHIRT-1")
    ids = await harness.place(3)
    await harness.control(
        "faults",
        kind="business_error",
        operation="*order.info.get",
        count=1,
        code="F00-10-10000-001",
        message="account not found",
    )
    await harness.import_orders()

    assert len(await received(harness)) == 2
    [problem] = (await harness.imports())["problems"]
    assert "account not found" in problem["problem"]

    await harness.import_now()
    assert await received(harness) == sorted(ids)
    assert (await harness.imports())["problems"] == []


async def test_a_run_asked_for_twice_is_one(harness: Harness) -> None:
    await harness.import_orders()
    first = await harness.call("POST", f"{PATH}/order-imports")
    second = await harness.call("POST", f"{PATH}/order-imports")
    assert first.json() == second.json()


async def test_a_foreign_merchants_orders_do_not_exist(harness: Harness) -> None:
    await harness.stock("SHIRT-1")
    [order_id] = await harness.place()
    await harness.import_orders()

    for method, path in (
        ("GET", f"/v1/merchants/{MERCHANT}/orders"),
        ("GET", f"{PATH}/orders/{order_id}"),
        ("GET", f"{PATH}/orders/{order_id}/shipments"),
        ("GET", f"{PATH}/order-imports"),
        ("POST", f"{PATH}/order-imports"),
        ("GET", f"{PATH}/carriers"),
    ):
        theirs = await harness.call(method, path, merchant_id="other")
        missing = await harness.call(method, path.replace(MERCHANT, "nobody"), merchant_id="other")
        assert theirs.status_code == missing.status_code == 404
        assert theirs.json() == missing.json()
    assert (await harness.call("GET", f"{PATH}/orders/0")).status_code == 404


async def test_republishing_publishes_orders_at_the_same_revision(harness: Harness) -> None:
    await harness.stock("SHIRT-1")
    await harness.place()
    await harness.import_orders()
    answer = await harness.http.post(
        "/v1/republish", json={}, headers=harness.bearer("operator", merchant_id=None)
    )
    assert answer.json() == {"records": 1}
    [first], [again] = await harness.events(OrderReceived), await harness.events(OrderUpdated)
    assert (again.revision, again.previous_status) == (first.revision, None)


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJhIl0", "WyJhIiwiYiIsImMiXQ"])
async def test_a_cursor_of_nobody_is_refused(harness: Harness, cursor: str) -> None:
    answer = await harness.call("GET", f"/v1/merchants/{MERCHANT}/orders?cursor={cursor}")
    assert answer.status_code == 422


async def test_two_replicas_import_a_shop_once(harness: Harness) -> None:
    await harness.stock("SHIRT-1")
    ids = await harness.place(5)
    await asyncio.gather(
        *(
            import_next(harness.pool, harness.access, f"replica-{n}", harness.options)
            for n in range(4)
        )
    )
    await harness.import_orders()

    assert await received(harness) == sorted(ids)
    [done] = (await harness.imports())["items"]
    assert (done["state"], done["attempts"]) == ("done", 1)


async def test_a_row_that_is_no_order_is_kept_and_its_neighbours_are_imported(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.stock("SHIRT-1")
    ids = await harness.place(2)

    async def with_garbage(*query: Any) -> AsyncIterator[OrderPage]:
        async for page in read_orders(*query):
            garbage = (UnreadableOrder("order_id: an id is expected", '{"order_status":"X"}'),)
            yield msgspec.structs.replace(page, unreadable=garbage)

    monkeypatch.setattr(import_orders, "read_orders", with_garbage)
    await harness.import_orders()
    await harness.import_now()

    assert await received(harness) == sorted(ids)
    [unreadable] = (await harness.imports())["unreadable"]
    assert unreadable["reason"] == "order_id: an id is expected"


async def test_details_that_lag_behind_the_list_are_read_again(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.stock("SHIRT-1")
    [order_id] = await harness.place(status=TO_SEND)
    readings: list[OrderDetails] = []

    async def load_order_as_first_read(*query: Any) -> OrderDetails:
        readings.append(await load_order(*query))
        return readings[0]

    monkeypatch.setattr(import_orders, "load_order", load_order_as_first_read)
    await harness.import_orders()
    await harness.set_status(order_id, "IN_CANCEL")
    await harness.import_now()
    assert len(readings) == 2
    assert await harness.events(OrderUpdated) == []

    monkeypatch.setattr(import_orders, "load_order", load_order)
    await harness.import_now()
    await harness.import_now()
    [cancelled] = await harness.events(OrderUpdated)
    assert cancelled.order.marketplace_status == "IN_CANCEL"


async def test_an_older_state_of_the_shop_changes_nothing(harness: Harness) -> None:
    await harness.import_orders()
    await harness.take_states(
        ShopState(
            merchant_id=MERCHANT,
            shop_id="main",
            revision=1,
            is_eligible=False,
            connection="lapsed",
            generation=0,
        )
    )
    assert (await harness.call("POST", f"{PATH}/order-imports")).status_code == 202


async def test_nothing_is_fetched_before_the_states_of_shops_were_read(
    harness: Harness, sandbox: Sandbox
) -> None:
    """And then at once: a shop that lapsed while the service was down must not be called (M1.3)."""
    await harness.stock("SHIRT-1")
    placed = await harness.place(status=TO_SEND)
    calls = await list_calls(harness)
    parts = harness.parts(sandbox, poll=timedelta(hours=1))
    [shops] = parts.consumers

    async def is_received() -> bool:
        return await received(harness) == placed

    async with running_parts(replace(parts, consumers=())):
        with pytest.raises(pytest.fail.Exception):
            await eventually(is_received, within=0.5)
        assert await list_calls(harness) == calls
        shops.caught_up.set()
        await eventually(is_received, within=20)
