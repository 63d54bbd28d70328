"""Tracking numbers that were wrong are corrected, at AliExpress too."""

import asyncio
from typing import Any

import pytest

from aliexpress.logistics import Shipment as WireShipment
from aliexpress.logistics import modify_shipment
from common.contracts.order import OrderShipped, OrderUpdated
from common.failpoints import FailpointError, arm
from common.postgres.unit_of_work import reading
from order_importer.corrections.send_correction import correct_next
from order_importer.parcels.store import list_own_numbers
from stack.testing import eventually

from ..orders_harness import MERCHANT, PATH, SHOP, Harness
from .test_orders_shipping import shipped_parcels, state_of, to_send

OLD, NEW = "LP00012345", "LP00099999"
MODIFY = "*sellermodifiedshipmentfortop"


async def shipped(harness: Harness, *sku_codes: str, **body: Any) -> tuple[str, str]:
    """An order with a parcel that AliExpress has: its number and the shipment's id."""
    order_id = await to_send(harness, *sku_codes)
    answer = await harness.ship(order_id, **body)
    await harness.send_all(3)
    assert await state_of(harness, order_id) == ["confirmed"]
    return order_id, answer.json()["shipment_id"]


async def corrections_of(harness: Harness, order_id: str, shipment_id: str) -> list[dict[str, Any]]:
    answer = await harness.call("GET", f"{PATH}/orders/{order_id}/shipments/{shipment_id}/tracking")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def states(harness: Harness, order_id: str, shipment_id: str) -> list[str]:
    return [one["state"] for one in await corrections_of(harness, order_id, shipment_id)]


async def changed_parcels(
    harness: Harness, outcome: str = "accepted"
) -> list[tuple[str, str, str]]:
    """The changes at AliExpress: carrier, number, part or all."""
    return [
        (line["detail"]["carrier"], line["detail"]["tracking_number"], line["detail"]["send_type"])
        for line in await harness.ledger("order.reship", outcome)
    ]


async def number_at_aliexpress(harness: Harness, order_id: str) -> list[str]:
    orders = (await harness.sandbox.get("/control/orders")).json()
    [found] = [order for order in orders if str(order["order_id"]) == order_id]
    return [one["tracking_number"] for one in found["shipments"]]


async def test_a_number_is_corrected_and_published_once(harness: Harness) -> None:
    order_id, shipment_id = await shipped(harness)
    before = len(await harness.events(OrderUpdated))

    asked = await harness.correct_tracking(
        order_id, shipment_id, tracking_number="lp 0009-9999\u200b"
    )
    again = await harness.correct_tracking(order_id, shipment_id)
    assert (asked.status_code, asked.json()["state"]) == (202, "pending")
    assert again.json() == asked.json()
    await harness.correct_all(2)

    [correction] = await corrections_of(harness, order_id, shipment_id)
    assert correction["state"] == "confirmed"
    assert (correction["former_number"], correction["tracking_number"]) == (OLD, NEW)
    assert await changed_parcels(harness) == [("CAINIAO_STANDARD", NEW, "all")]
    assert await number_at_aliexpress(harness, order_id) == [NEW]
    [parcel] = (await harness.order(order_id))["parcels"]
    assert (parcel["tracking_number"], parcel["former_numbers"]) == (NEW, [OLD])
    [updated] = (await harness.events(OrderUpdated))[before:]
    assert updated.order.parcels[0].tracking_number == NEW
    assert updated.previous_status == updated.order.status
    assert len(await harness.events(OrderShipped)) == 1
    async with reading(harness.pool) as connection:
        own = await list_own_numbers(connection, MERCHANT, SHOP, [order_id])
    assert own == {order_id: {OLD, NEW}}


async def test_a_parcel_that_was_never_sent_is_changed_before_it_is(harness: Harness) -> None:
    order_id = await to_send(harness)
    shipment_id = (await harness.ship(order_id)).json()["shipment_id"]
    asked = await harness.correct_tracking(order_id, shipment_id)
    assert (asked.status_code, asked.json()["state"]) == (202, "confirmed")

    await harness.send_all(3)
    assert [number for _, number, _ in await shipped_parcels(harness)] == [NEW]
    assert await changed_parcels(harness) == []
    repeated = await harness.ship(order_id)
    assert (repeated.status_code, repeated.json()["tracking_number"]) == (202, NEW)


async def test_a_correction_between_reading_and_sending_wins(harness: Harness) -> None:
    """The sender read the order before the number was corrected: it takes the number as it is."""
    order_id = await to_send(harness)
    shipment_id = (await harness.ship(order_id)).json()["shipment_id"]
    await harness.control("faults", kind="latency", operation="*order.info.get", seconds=1.0)

    async def is_reading() -> bool:
        [fault] = (await harness.sandbox.get("/control/faults")).json()
        return bool(fault["struck"])

    sending = asyncio.create_task(harness.send())
    await eventually(is_reading, within=10)
    asked = await harness.correct_tracking(order_id, shipment_id)
    assert asked.status_code == 202, asked.text
    await sending
    await harness.send_all(3)
    await harness.correct_all(2)

    assert await number_at_aliexpress(harness, order_id) == [NEW]
    assert len(await shipped_parcels(harness)) == 1


async def test_a_parcel_whose_outcome_is_open_is_corrected_once_it_is_settled(
    harness: Harness,
) -> None:
    order_id = await to_send(harness)
    shipment_id = (await harness.ship(order_id)).json()["shipment_id"]
    await harness.control("faults", kind="answer_lost", operation="*order.fulfill", count=1)
    await harness.send()
    assert await state_of(harness, order_id) == ["sent"]

    asked = await harness.correct_tracking(order_id, shipment_id)
    assert asked.json()["state"] == "pending"
    await harness.correct_all(2)
    assert await states(harness, order_id, shipment_id) == ["pending"]
    await harness.send_all(3)
    await harness.correct_all(2)

    assert await states(harness, order_id, shipment_id) == ["confirmed"]
    assert await number_at_aliexpress(harness, order_id) == [NEW]
    assert len(await shipped_parcels(harness)) == 1


async def test_a_parcel_that_is_refused_after_all_has_its_correction_refused(
    harness: Harness,
) -> None:
    order_id = await to_send(harness)
    shipment_id = (await harness.ship(order_id)).json()["shipment_id"]
    arm("shipping.after-intent=error")
    try:
        with pytest.raises(FailpointError):
            await harness.send()
    finally:
        arm("")
    await harness.correct_tracking(order_id, shipment_id)
    await harness.set_status(order_id, "IN_CANCEL")
    await harness.send_all(6)
    await harness.correct_all(2)

    assert await state_of(harness, order_id) == ["refused"]
    [refused] = await corrections_of(harness, order_id, shipment_id)
    assert (refused["state"], refused["problem_code"]) == ("refused", "shipment-refused")
    assert refused["remedy"]
    assert (await harness.correct_tracking(order_id, shipment_id, "k2")).status_code == 409


# -- answers lost, processes killed -----------------------------------------------------------


async def test_an_answer_lost_after_its_effect_is_settled_by_reading(harness: Harness) -> None:
    order_id, shipment_id = await shipped(harness)
    await harness.control("faults", kind="answer_lost", operation=MODIFY, count=1)
    await harness.correct_tracking(order_id, shipment_id)
    await harness.correct()
    assert await states(harness, order_id, shipment_id) == ["sent"]
    await harness.correct_all()

    assert await states(harness, order_id, shipment_id) == ["confirmed"]
    assert len(await changed_parcels(harness)) == 1
    assert await changed_parcels(harness, "refused") == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "refused"},
        {"kind": "html"},
        {"kind": "http_error"},
        {"kind": "error", "code": "IncompleteSignature"},
        {"kind": "error", "code": "InvalidAppKey"},
    ],
    ids=lambda fault: fault.get("code", fault["kind"]),
)
async def test_a_call_that_had_no_effect_is_made_again(
    harness: Harness, fault: dict[str, str]
) -> None:
    order_id, shipment_id = await shipped(harness)
    await harness.control("faults", **fault, operation=MODIFY, count=1)
    await harness.correct_tracking(order_id, shipment_id)
    await harness.correct_all(8)

    assert await states(harness, order_id, shipment_id) == ["confirmed"]
    assert len(await changed_parcels(harness)) == 1
    assert await number_at_aliexpress(harness, order_id) == [NEW]


@pytest.mark.parametrize("place", ["correction.after-intent", "correction.after-call"])
async def test_a_sender_that_dies_corrects_once(harness: Harness, place: str) -> None:
    order_id, shipment_id = await shipped(harness)
    await harness.correct_tracking(order_id, shipment_id)
    arm(f"{place}=error")
    try:
        with pytest.raises(FailpointError):
            await harness.correct()
    finally:
        arm("")
    assert await states(harness, order_id, shipment_id) == ["sent"]
    await harness.correct_all()

    assert await states(harness, order_id, shipment_id) == ["confirmed"]
    assert len(await changed_parcels(harness)) == 1
    assert await number_at_aliexpress(harness, order_id) == [NEW]


async def test_replicas_correct_a_parcel_once(harness: Harness) -> None:
    order_id, shipment_id = await shipped(harness)
    await harness.correct_tracking(order_id, shipment_id)
    for _ in range(3):
        await asyncio.gather(
            *(correct_next(harness.pool, harness.access, f"replica-{n}") for n in range(4))
        )

    assert await states(harness, order_id, shipment_id) == ["confirmed"]
    assert len(await changed_parcels(harness)) == 1
    assert await changed_parcels(harness, "refused") == []


# -- refusals ---------------------------------------------------------------------------------


async def test_another_carrier_with_its_own_pattern(harness: Harness) -> None:
    order_id, shipment_id = await shipped(harness)
    wrong = await harness.correct_tracking(order_id, shipment_id, carrier="UPS")
    assert (wrong.status_code, wrong.json()["rule"]) == (422, "M8.4")
    assert wrong.json()["type"].endswith(":tracking-number-malformed")

    right = await harness.correct_tracking(
        order_id, shipment_id, carrier="UPS", tracking_number="1z 999 aa1 01 2345 6784"
    )
    assert right.status_code == 202, right.text
    await harness.correct_all(2)
    assert await changed_parcels(harness) == [("UPS", "1Z999AA10123456784", "all")]
    [parcel] = (await harness.order(order_id))["parcels"]
    assert parcel["carrier"] == "UPS"


async def test_what_cannot_be_corrected_is_refused_at_once(harness: Harness) -> None:
    order_id = await to_send(harness, "SHIRT-1", "SHIRT-2")
    first, second = [line["line_id"] for line in (await harness.order(order_id))["lines"]]
    one = (await harness.ship(order_id, "one", lines=[first])).json()["shipment_id"]
    await harness.ship(order_id, "two", lines=[second], tracking_number="LP2")
    await harness.send_all(4)
    refused = {
        "tracking-unchanged": await harness.correct_tracking(
            order_id, one, tracking_number="lp-0001 2345"
        ),
        "parcel-known": await harness.correct_tracking(order_id, one, tracking_number="lp 2"),
        "not-found": await harness.correct_tracking(order_id, "nothing"),
        "idempotency-key-missing": await harness.correct_tracking(order_id, one, ""),
    }
    for slug, answer in refused.items():
        assert answer.json()["type"].endswith(f":{slug}"), answer.text
        assert answer.json()["remedy"]
    await harness.correct_tracking(order_id, one, "three")
    changed = await harness.correct_tracking(order_id, one, "three", tracking_number="LP3")
    assert changed.json()["type"].endswith(":idempotency-key-used")
    meanwhile = await harness.correct_tracking(order_id, one, "four", tracking_number="LP3")
    assert meanwhile.json()["type"].endswith(":correction-open")


async def test_a_number_that_a_correction_brings_is_no_other_parcels(harness: Harness) -> None:
    order_id = await to_send(harness, "SHIRT-1", "SHIRT-2")
    first, second = [line["line_id"] for line in (await harness.order(order_id))["lines"]]
    one = (await harness.ship(order_id, "one", lines=[first])).json()["shipment_id"]
    await harness.send_all(2)
    await harness.correct_tracking(order_id, one)
    taken = await harness.ship(order_id, "two", lines=[second], tracking_number=NEW)
    assert taken.json()["type"].endswith(":parcel-known")

    await harness.correct_all(2)
    freed = await harness.ship(order_id, "two", lines=[second], tracking_number=OLD)
    assert freed.status_code == 202, freed.text
    await harness.send_all(3)
    assert await number_at_aliexpress(harness, order_id) == [NEW, OLD]
    assert await state_of(harness, order_id) == ["confirmed", "confirmed"]


async def test_the_parcels_of_an_order_that_ended_stay_as_they_are(harness: Harness) -> None:
    order_id, shipment_id = await shipped(harness)
    await harness.correct_tracking(order_id, shipment_id)
    await harness.set_status(order_id, "FINISH")
    await harness.correct_all(2)
    [refused] = await corrections_of(harness, order_id, shipment_id)
    assert refused["state"] == "refused"
    assert refused["problem_code"] in {"order-not-correctable", "parcel-delivered"}
    assert refused["remedy"]
    assert await changed_parcels(harness) == []

    await harness.import_now()
    late = await harness.correct_tracking(order_id, shipment_id, "late")
    assert (late.status_code, late.json()["rule"]) == (409, "M8.4")
    assert "FINISH" in late.json()["title"]


async def test_a_refusal_of_aliexpress_is_explained_and_the_parcel_keeps_its_number(
    harness: Harness,
) -> None:
    order_id, shipment_id = await shipped(harness)
    await harness.control(
        "faults",
        kind="business_error",
        operation=MODIFY,
        count=1,
        code="-999",
        message="该货运跟踪号未通过物流风控审核，请更换货运跟踪号后重试。",
    )
    await harness.correct_tracking(order_id, shipment_id)
    await harness.correct_all(2)
    [refused] = await corrections_of(harness, order_id, shipment_id)
    assert (refused["state"], refused["problem_code"]) == ("refused", "-999")
    assert "keeps the number it had" in refused["explanation"]
    assert refused["remedy"]
    assert (await harness.order(order_id))["parcels"][0]["tracking_number"] == OLD


async def test_a_parcel_changed_in_the_seller_centre_is_not_changed_blindly(
    harness: Harness,
) -> None:
    order_id, shipment_id = await shipped(harness)
    await reship_by_hand(harness, order_id, OLD, "LP-ELSEWHERE")
    await harness.correct_tracking(order_id, shipment_id)
    await harness.correct_all(4)

    [refused] = await corrections_of(harness, order_id, shipment_id)
    assert (refused["state"], refused["problem_code"]) == ("refused", "parcel-not-there")
    assert await number_at_aliexpress(harness, order_id) == ["LP-ELSEWHERE"]


async def test_a_number_corrected_in_the_seller_centre_needs_no_call(harness: Harness) -> None:
    order_id, shipment_id = await shipped(harness)
    await harness.correct_tracking(order_id, shipment_id)
    await reship_by_hand(harness, order_id, OLD, NEW)
    await harness.correct_all(2)
    assert await states(harness, order_id, shipment_id) == ["confirmed"]
    assert len(await changed_parcels(harness)) == 1


# -- parcels of the seller centre -------------------------------------------------------------


async def test_an_import_between_call_and_outcome_takes_the_new_number_for_ours(
    harness: Harness,
) -> None:
    order_id, shipment_id = await shipped(harness)
    await harness.correct_tracking(order_id, shipment_id)
    arm("correction.after-call=error")
    try:
        with pytest.raises(FailpointError):
            await harness.correct()
    finally:
        arm("")
    await harness.import_now()
    await harness.correct_all()
    await harness.import_now()

    assert await states(harness, order_id, shipment_id) == ["confirmed"]
    parcels = (await harness.order(order_id))["parcels"]
    assert [(one["tracking_number"], one["origin"]) for one in parcels] == [(NEW, "channel")]
    assert len(await harness.events(OrderShipped)) == 1


async def test_a_number_that_the_seller_centre_gave_our_parcel_can_be_taken_over(
    harness: Harness,
) -> None:
    order_id, shipment_id = await shipped(harness)
    await reship_by_hand(harness, order_id, OLD, "LP5")
    await harness.import_now()
    asked = await harness.correct_tracking(order_id, shipment_id, tracking_number="LP5")
    assert asked.status_code == 202, asked.text
    await harness.correct_all(2)
    await harness.import_now()

    assert await states(harness, order_id, shipment_id) == ["confirmed"]
    assert len(await changed_parcels(harness)) == 1
    there = [one for one in (await harness.order(order_id))["parcels"] if not one["gone_at"]]
    assert [(one["tracking_number"], one["origin"]) for one in there] == [("LP5", "channel")]


async def test_the_number_of_another_parcel_of_the_seller_centre_is_not_taken_over(
    harness: Harness,
) -> None:
    order_id = await to_send(harness, "SHIRT-1", "SHIRT-2")
    first, _ = [line["line_id"] for line in (await harness.order(order_id))["lines"]]
    shipment_id = (await harness.ship(order_id, lines=[first])).json()["shipment_id"]
    await harness.send_all(2)
    await harness.control(
        f"orders/{order_id}/parcels",
        service_name="CAINIAO_STANDARD",
        logistics_no="LP5",
        send_type="all",
    )
    await harness.correct_tracking(order_id, shipment_id, tracking_number="LP5")
    await harness.correct_all(2)

    [refused] = await corrections_of(harness, order_id, shipment_id)
    assert (refused["state"], refused["problem_code"]) == ("refused", "parcel-known")
    assert refused["remedy"]
    assert await number_at_aliexpress(harness, order_id) == [OLD, "LP5"]
    assert await changed_parcels(harness) == []


async def test_a_parcel_made_in_the_seller_centre_is_corrected_there(harness: Harness) -> None:
    order_id = await to_send(harness)
    await harness.set_status(order_id, "WAIT_BUYER_ACCEPT_GOODS")
    await harness.import_now()
    [parcel] = (await harness.order(order_id))["parcels"]
    answer = await harness.correct_tracking(order_id, parcel["shipment_id"])
    assert (answer.status_code, answer.json()["rule"]) == (409, "M8.4")
    assert answer.json()["type"].endswith(":parcel-of-seller-centre")
    assert "seller centre" in answer.json()["remedy"]


async def reship_by_hand(harness: Harness, order_id: str, old: str, new: str) -> None:
    """Somebody changes a parcel in the seller centre."""
    async with harness.access.token_of(MERCHANT, SHOP) as token:
        await modify_shipment(
            harness.access.client,
            token,
            WireShipment(order_id, "CAINIAO_STANDARD", new, "all"),
            old_service_name="CAINIAO_STANDARD",
            old_tracking_number=old,
        )
