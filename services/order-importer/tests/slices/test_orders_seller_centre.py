"""Parcels of AliExpress's seller centre: shown, published once, and never confused with ours."""

from typing import Any

from common.contracts.order import OrderReceived, OrderShipped, OrderUpdated
from common.failpoints import FailpointError, arm

from ..orders_harness import Harness

TO_SEND = "WAIT_SELLER_SEND_GOODS"
NUMBER, FURTHER = "LA888877770CN", "LA888877771CN"


async def place(harness: Harness) -> str:
    await harness.stock("SHIRT-1")
    [order_id] = await harness.place(status=TO_SEND)
    return order_id


async def make_parcel(harness: Harness, order_id: str, number: str, kind: str = "part") -> None:
    parcel = {"service_name": "EMS", "logistics_no": number, "send_type": kind}
    await harness.control(f"orders/{order_id}/parcels", **parcel)


async def parcels(harness: Harness, order_id: str) -> list[tuple[Any, ...]]:
    return [
        (one["origin"], one["tracking_number"], one["gone_at"] is not None)
        for one in (await harness.order(order_id))["parcels"]
    ]


async def shipped_parcels(harness: Harness) -> list[tuple[str, str]]:
    """Each `order.shipped`: the number of its parcel, and where that was made."""
    found: list[tuple[str, str]] = []
    for event in await harness.events(OrderShipped):
        [parcel] = [one for one in event.order.parcels if one.shipment_id == event.shipment_id]
        found.append((parcel.tracking_number, parcel.origin))
    return found


async def test_a_parcel_of_the_seller_centre_is_shown_and_published_once(harness: Harness) -> None:
    order_id = await place(harness)
    await harness.import_orders()
    await make_parcel(harness, order_id, NUMBER)
    await harness.import_now()
    await harness.import_now()

    [parcel] = (await harness.order(order_id))["parcels"]
    assert (parcel["origin"], parcel["tracking_number"]) == ("marketplace", NUMBER)
    assert (parcel["carrier"], parcel["state"], parcel["line_ids"]) == ("EMS", "confirmed", [])
    assert parcel["shipped_at"]
    assert await shipped_parcels(harness) == [(NUMBER, "marketplace")]
    [updated] = await harness.events(OrderUpdated)
    assert (updated.order.marketplace_status, len(updated.order.parcels)) == (
        "SELLER_PART_SEND_GOODS",
        1,
    )
    [shipped] = await harness.events(OrderShipped)
    assert shipped.revision == updated.revision == (await harness.order(order_id))["revision"]

    await make_parcel(harness, order_id, FURTHER, "all")
    await harness.import_now()
    assert await shipped_parcels(harness) == [(NUMBER, "marketplace"), (FURTHER, "marketplace")]


async def test_parcels_made_before_the_first_import_are_published_once(harness: Harness) -> None:
    order_id = await place(harness)
    await make_parcel(harness, order_id, NUMBER, "all")
    await harness.import_orders()
    [received] = await harness.events(OrderReceived)
    assert [one.tracking_number for one in received.order.parcels] == [NUMBER]
    assert await shipped_parcels(harness) == [(NUMBER, "marketplace")]


async def test_a_parcel_whose_import_died_is_published_once(harness: Harness) -> None:
    order_id = await place(harness)
    await harness.import_orders()
    await make_parcel(harness, order_id, NUMBER)
    arm("importer.before-commit=error")
    try:
        await harness.import_now()
    except FailpointError:
        pass
    finally:
        arm("")
    assert await shipped_parcels(harness) == []
    await harness.import_orders()
    await harness.import_now()
    assert await shipped_parcels(harness) == [(NUMBER, "marketplace")]


async def test_a_parcel_of_ours_is_never_the_seller_centres(harness: Harness) -> None:
    order_id = await place(harness)
    await harness.import_orders()
    answer = await harness.ship(order_id, carrier="EMS", tracking_number=" la 888877770-cn")
    assert answer.status_code == 202, answer.text
    arm("shipping.after-call=error")
    try:
        await harness.send()
    except FailpointError:
        pass
    finally:
        arm("")
    await harness.import_now()
    assert [one[0] for one in await parcels(harness, order_id)] == ["channel"]
    assert await shipped_parcels(harness) == [], (
        "AliExpress has it, but its outcome is not known here"
    )

    await harness.send_all()
    await harness.import_now()
    assert await parcels(harness, order_id) == [("channel", NUMBER, False)]
    assert await shipped_parcels(harness) == [(NUMBER, "channel")]


async def test_one_of_each_stand_side_by_side(harness: Harness) -> None:
    await harness.stock("SHIRT-1", "SHIRT-2")
    lines = [{"sku_code": code, "quantity": 1} for code in ("SHIRT-1", "SHIRT-2")]
    [order_id] = await harness.place(lines=lines, status=TO_SEND)
    await make_parcel(harness, order_id, NUMBER)
    await harness.import_orders()
    line = (await harness.order(order_id))["lines"][0]["line_id"]
    taken = await harness.ship(order_id, "k-1", carrier="EMS", tracking_number=NUMBER, lines=[line])
    assert (taken.status_code, taken.json()["type"].rpartition(":")[2]) == (409, "parcel-known")
    sent = await harness.ship(order_id, "k-2", carrier="EMS", tracking_number=FURTHER, lines=[line])
    assert sent.status_code == 202, sent.text
    await harness.send_all()
    await harness.import_orders()
    assert await parcels(harness, order_id) == [
        ("channel", FURTHER, False),
        ("marketplace", NUMBER, False),
    ]
    assert await shipped_parcels(harness) == [(NUMBER, "marketplace"), (FURTHER, "channel")]


async def test_a_parcel_that_is_taken_back_is_marked_as_gone(harness: Harness) -> None:
    order_id = await place(harness)
    await make_parcel(harness, order_id, NUMBER)
    await harness.import_orders()
    await harness.control(f"orders/{order_id}/withdraw", logistics_no=NUMBER)
    for _ in range(2):
        await harness.import_now()
    assert await parcels(harness, order_id) == [("marketplace", NUMBER, True)]
    [updated] = await harness.events(OrderUpdated)
    assert updated.order.parcels[0].gone_at is not None

    await make_parcel(harness, order_id, NUMBER)
    for _ in range(2):
        await harness.import_now()
    assert await parcels(harness, order_id) == [("marketplace", NUMBER, False)]
    assert len(await harness.events(OrderUpdated)) == 2
    assert await shipped_parcels(harness) == [(NUMBER, "marketplace")], (
        "published when it was first seen, once"
    )


async def test_the_number_of_a_parcel_that_is_gone_is_free(harness: Harness) -> None:
    order_id = await place(harness)
    await make_parcel(harness, order_id, NUMBER)
    await harness.import_orders()
    await harness.control(f"orders/{order_id}/withdraw", logistics_no=NUMBER)
    await harness.import_now()
    answer = await harness.ship(order_id, carrier="EMS", tracking_number=NUMBER)
    assert answer.status_code == 202, answer.text
    await harness.send_all()
    await harness.import_now()
    assert await parcels(harness, order_id) == [
        ("channel", NUMBER, False),
        ("marketplace", NUMBER, True),
    ]
    assert await shipped_parcels(harness) == [(NUMBER, "marketplace"), (NUMBER, "channel")]


async def test_a_corrected_number_is_ours_while_and_after_it_is_corrected(harness: Harness) -> None:
    order_id = await place(harness)
    await harness.import_orders()
    shipment_id = (await harness.ship(order_id)).json()["shipment_id"]
    await harness.send_all(3)
    await harness.correct_tracking(order_id, shipment_id, tracking_number="LP00077777")
    await harness.control(
        "faults", kind="answer_lost", operation="*sellermodifiedshipmentfortop", count=1
    )
    await harness.correct_all(1)
    await harness.import_now()
    assert [one["origin"] for one in (await harness.order(order_id))["parcels"]] == ["channel"]

    await harness.correct_all(6)
    await harness.import_now()

    [parcel] = (await harness.order(order_id))["parcels"]
    assert (parcel["origin"], parcel["tracking_number"]) == ("channel", "LP00077777")
    assert [origin for _, origin in await shipped_parcels(harness)] == ["channel"]
