"""No parcel is sent for an order that is to be cancelled, frozen, disputed or over."""

from typing import Any

import msgspec
import pytest

from aliexpress.logistics import Shipment as WireShipment
from aliexpress.logistics import fulfil_order
from aliexpress.orders import OrderDetails, load_order
from common.contracts.order import OrderShipped, OrderUpdated
from common.failpoints import FailpointError, arm
from order_importer.shipping import send_shipment

from ..orders_harness import MERCHANT, PATH, SHOP, Harness
from .test_orders_shipping import TO_SEND, shipped_parcels, to_send

CANCELLING = "IN_CANCEL"
STATES = [
    pytest.param(CANCELLING, "cancel", "refuse the cancellation", id="cancelled"),
    pytest.param("IN_FROZEN", "frozen", "release", id="frozen"),
    pytest.param("IN_ISSUE", "dispute", "Answer the dispute", id="disputed"),
    pytest.param("FINISH", "closed", "Ship nothing", id="closed"),
    pytest.param("WAIT_BUYER_ACCEPT_GOODS", "already", "parcels", id="shipped-by-hand"),
    pytest.param("PLACE_ORDER_SUCCESS", "paid", "Wait", id="unpaid"),
    pytest.param("RISK_CONTROL", "check", "Wait", id="in-risk-control"),
]


async def calls_to_ship(harness: Harness) -> int:
    counts = (await harness.sandbox.get("/control/calls")).json()
    calls: int = counts["calls"].get("aliexpress.solution.order.fulfill", 0)
    return calls


async def only_shipment(harness: Harness, order_id: str) -> dict[str, Any]:
    answer = await harness.call("GET", f"{PATH}/orders/{order_id}/shipments")
    [shipment] = answer.json()["items"]
    found: dict[str, Any] = shipment
    return found


async def assert_refused(harness: Harness, order_id: str, state: str, word: str = "") -> None:
    """The parcel was never sent, and its refusal names the state and what to do."""
    refused = await only_shipment(harness, order_id)
    assert refused["state"] == "refused"
    assert refused["problem_code"] == "order-not-shippable"
    assert state in refused["problem_message"]
    assert state in refused["explanation"]
    assert word in refused["explanation"]
    assert refused["remedy"]
    assert await shipped_parcels(harness) == []
    shipped = [event.shipment_id for event in await harness.events(OrderShipped)]
    assert refused["shipment_id"] not in shipped


@pytest.mark.parametrize(("state", "word", "advice"), STATES)
async def test_a_state_known_at_acceptance_is_answered_with_what_to_do(
    harness: Harness, state: str, word: str, advice: str
) -> None:
    order_id = await to_send(harness)
    await harness.set_status(order_id, state)
    await harness.import_now()

    answer = await harness.ship(order_id)

    assert answer.status_code == 409
    problem = answer.json()
    assert problem["rule"] == "M8.4"
    assert problem["type"].endswith(":order-not-shippable")
    assert state in problem["title"]
    assert word in problem["title"]
    assert advice in problem["remedy"]
    await harness.send_all(2)
    assert await calls_to_ship(harness) == 0


@pytest.mark.parametrize("is_imported", [False, True], ids=["not-imported", "imported"])
@pytest.mark.parametrize("is_accepted_first", [False, True], ids=["before", "after-acceptance"])
@pytest.mark.parametrize(("state", "word", "advice"), STATES)
async def test_a_state_that_came_before_the_call_stops_the_parcel(
    harness: Harness,
    *,
    state: str,
    word: str,
    advice: str,
    is_accepted_first: bool,
    is_imported: bool,
) -> None:
    order_id = await to_send(harness)
    if not is_accepted_first:
        await harness.set_status(order_id, state)
    assert (await harness.ship(order_id)).status_code == 202
    if is_accepted_first:
        await harness.set_status(order_id, state)
    if is_imported:
        await harness.import_now()

    await harness.send_all(3)

    await assert_refused(harness, order_id, state, word)
    assert advice in (await only_shipment(harness, order_id))["remedy"]
    assert await calls_to_ship(harness) == 0
    await harness.import_orders()
    order = await harness.order(order_id)
    assert (order["marketplace_status"], order["parcels"][0]["state"]) == (state, "refused")
    seen = [
        (event.order.marketplace_status, event.order.parcels[0].state)
        for event in await harness.events(OrderUpdated)
    ]
    middle = (state, "pending") if is_imported else (TO_SEND, "refused")
    assert seen == [(TO_SEND, "pending"), middle, (state, "refused")]


async def test_a_cancellation_withdrawn_before_the_call_stops_nothing(harness: Harness) -> None:
    order_id = await to_send(harness)
    await harness.ship(order_id)
    await harness.set_status(order_id, CANCELLING)
    await harness.import_now()
    await harness.set_status(order_id, TO_SEND)
    await harness.send()
    assert (await only_shipment(harness, order_id))["state"] == "confirmed"


async def test_a_cancellation_after_a_failed_call_stops_the_next(harness: Harness) -> None:
    order_id = await to_send(harness)
    await harness.control("faults", kind="http_error", operation="*order.fulfill", count=1)
    await harness.ship(order_id)
    await harness.send_all(3)
    assert (await only_shipment(harness, order_id))["state"] != "confirmed"

    await harness.set_status(order_id, CANCELLING)
    await harness.move_clock(advance_seconds=600)
    await harness.send_all()
    await assert_refused(harness, order_id, CANCELLING, "cancel")


async def test_a_cancellation_after_the_intent_of_a_dead_sender_stops_the_parcel(
    harness: Harness,
) -> None:
    order_id = await to_send(harness)
    await harness.ship(order_id)
    arm("shipping.after-intent=error")
    try:
        with pytest.raises(FailpointError):
            await harness.send()
    finally:
        arm("")
    await harness.set_status(order_id, CANCELLING)
    await harness.send_all()
    await assert_refused(harness, order_id, CANCELLING, "cancel")
    assert await calls_to_ship(harness) == 0


async def test_a_cancellation_imported_while_the_order_is_read_wins(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await to_send(harness)
    await harness.ship(order_id)

    async def load_order_slowly(*query: Any) -> OrderDetails:
        details = await load_order(*query)
        monkeypatch.setattr(send_shipment, "load_order", load_order)
        await harness.set_status(order_id, CANCELLING)
        await harness.import_now()
        return details

    monkeypatch.setattr(send_shipment, "load_order", load_order_slowly)
    await harness.send_all(3)
    await assert_refused(harness, order_id, CANCELLING, "cancel")
    assert await calls_to_ship(harness) == 0


@pytest.mark.parametrize(
    "change",
    [{"frozen_status": "IN_FROZEN"}, {"issue_status": "IN_ISSUE"}],
    ids=lambda change: next(iter(change)),
)
async def test_an_order_that_waits_and_is_frozen_or_disputed_is_not_shipped(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    order_id = await to_send(harness)
    await harness.ship(order_id)

    async def load_order_held(*query: Any) -> OrderDetails:
        return msgspec.structs.replace(await load_order(*query), **change)

    monkeypatch.setattr(send_shipment, "load_order", load_order_held)
    await harness.send_all(2)
    [state] = change.values()
    await assert_refused(harness, order_id, state)


async def test_the_next_parcel_of_a_cancelled_order_stays_and_the_first_is_kept(
    harness: Harness,
) -> None:
    order_id = await to_send(harness, "SHIRT-1", "SHIRT-2")
    first, second = [line["line_id"] for line in (await harness.order(order_id))["lines"]]
    await harness.ship(order_id, "one", lines=[first], tracking_number="LP1")
    await harness.ship(order_id, "two", lines=[second], tracking_number="LP2")
    await harness.send()
    await harness.set_status(order_id, CANCELLING)
    await harness.send_all(3)

    parcels = (await harness.order(order_id))["parcels"]
    assert [parcel["state"] for parcel in parcels] == ["confirmed", "refused"]
    assert [number for _, number, _ in await shipped_parcels(harness)] == ["LP1"]


@pytest.mark.parametrize("is_accepted_first", [False, True], ids=["before", "after-acceptance"])
async def test_a_line_its_buyer_cancelled_is_not_shipped_and_the_others_are(
    harness: Harness, *, is_accepted_first: bool
) -> None:
    order_id = await to_send(harness, "SHIRT-1", "SHIRT-2")
    lines = {line["sku_code"]: line["line_id"] for line in (await harness.order(order_id))["lines"]}
    both = sorted(lines.values())
    if is_accepted_first:
        assert (await harness.ship(order_id, "both", lines=both)).status_code == 202
    await harness.control(
        f"orders/{order_id}/cancel", sku_codes=["SHIRT-2"], reason="buyer_cancel_order"
    )
    if is_accepted_first:
        await harness.send_all(2)
        refused = await only_shipment(harness, order_id)
        assert (refused["state"], refused["problem_code"]) == ("refused", "lines-not-shippable")
        shown = f"{refused['explanation']} {refused['remedy']}"
        await harness.import_orders()
    else:
        await harness.import_now()
        answer = await harness.ship(order_id, "both", lines=both)
        assert answer.status_code == 409
        assert answer.json()["type"].endswith(":lines-not-shippable")
        shown = f"{answer.json()['title']} {answer.json()['remedy']}"
    assert lines["SHIRT-2"] in shown
    assert "FINISH" in shown
    assert await calls_to_ship(harness) == 0

    left = await harness.ship(order_id, "left", tracking_number="LP2")
    await harness.send_all(2)
    assert left.json()["line_ids"] == [lines["SHIRT-1"]]
    assert [sent for _, *sent in await shipped_parcels(harness)] == [["LP2", "all"]]
    await harness.import_orders()
    assert (await harness.order(order_id))["status"] == "shipped"


async def test_a_parcel_that_aliexpress_has_already_is_confirmed_without_a_call(
    harness: Harness,
) -> None:
    order_id = await to_send(harness)
    await harness.ship(order_id)
    async with harness.access.token_of(MERCHANT, SHOP) as token:
        by_hand = WireShipment(order_id, "CAINIAO_STANDARD", "LP00012345", "all")
        await fulfil_order(harness.access.client, token, by_hand)
    await harness.send_all(2)

    assert (await only_shipment(harness, order_id))["state"] == "confirmed"
    assert await calls_to_ship(harness) == 1
    assert len(await harness.events(OrderShipped)) == 1


async def test_a_parcel_waits_while_its_order_cannot_be_read(
    harness: Harness,
) -> None:
    order_id = await to_send(harness)
    await harness.ship(order_id)
    await harness.control(
        "faults",
        kind="business_error",
        operation="*order.info.get",
        code="F00-10-10000-001",
        message="account not found",
    )
    for _ in range(60):
        await harness.move_clock(advance_seconds=10)
        await harness.send()

    waiting = await only_shipment(harness, order_id)
    assert waiting["state"] == "pending"
    assert waiting["attempts"] <= 10
    assert "account not found" in waiting["explanation"]
    assert waiting["remedy"]
    assert await calls_to_ship(harness) == 0

    await harness.sandbox.delete("/control/faults")
    await harness.move_clock(advance_seconds=300)
    await harness.send()
    shipped = await only_shipment(harness, order_id)
    assert (shipped["state"], shipped["explanation"], shipped["remedy"]) == (
        "confirmed",
        None,
        None,
    )
