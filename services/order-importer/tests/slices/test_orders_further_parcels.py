"""Several parcels and numbers for the lines of an order."""

from ..orders_harness import Harness
from .test_orders_shipping import shipped_parcels, state_of, to_send

STANDARD = "CAINIAO_STANDARD"


async def lines_of(harness: Harness, order_id: str) -> list[str]:
    return [line["line_id"] for line in (await harness.order(order_id))["lines"]]


async def test_the_pieces_of_a_line_go_in_several_parcels(harness: Harness) -> None:
    order_id = await to_send(harness)
    for number in ("LP1", "LP2"):
        answer = await harness.ship(order_id, number, tracking_number=number, more_follow=True)
        assert answer.status_code == 202, answer.text
        await harness.send_all(3)
        await harness.import_orders()
    last = await harness.ship(order_id, "LP3", tracking_number="LP3")
    assert last.status_code == 202, last.text
    await harness.send_all(3)

    assert await shipped_parcels(harness) == [
        (STANDARD, "LP1", "part"),
        (STANDARD, "LP2", "part"),
        (STANDARD, "LP3", "all"),
    ]
    parcels = (await harness.order(order_id))["parcels"]
    assert [parcel["sent_as"] for parcel in parcels] == ["part", "part", "all"]
    assert {line for parcel in parcels for line in parcel["line_ids"]} == set(
        await lines_of(harness, order_id)
    )


async def test_a_further_parcel_asked_for_later_goes_before_the_last(harness: Harness) -> None:
    order_id = await to_send(harness, "SHIRT-1", "SHIRT-2")
    first, _ = await lines_of(harness, order_id)
    await harness.ship(order_id, "whole", tracking_number="LP1")
    unnamed = await harness.ship(order_id, "more", tracking_number="LP2", further=True)
    assert unnamed.json()["type"].endswith(":lines-not-named")
    taken = await harness.ship(order_id, "more", tracking_number="LP2", lines=[first])
    assert taken.json()["type"].endswith(":lines-shipped")
    further = await harness.ship(
        order_id, "more", tracking_number="LP2", lines=[first], further=True
    )
    assert further.status_code == 202, further.text
    await harness.send_all(4)

    assert await shipped_parcels(harness) == [(STANDARD, "LP2", "part"), (STANDARD, "LP1", "all")]
    assert await state_of(harness, order_id) == ["confirmed", "confirmed"]


async def test_after_the_last_parcel_a_further_number_is_refused_with_what_to_do(
    harness: Harness,
) -> None:
    order_id = await to_send(harness)
    lines = await lines_of(harness, order_id)
    await harness.ship(order_id, "whole", tracking_number="LP1")
    await harness.send_all(2)

    late = await harness.ship(order_id, "more", tracking_number="LP2", lines=lines, further=True)
    assert late.status_code == 409
    problem = late.json()
    assert problem["type"].endswith(":order-complete")
    assert (problem["field"], problem["rule"]) == ("further", "M8.4")
    assert "correct the tracking number" in problem["remedy"]
    await harness.import_orders()
    later = await harness.ship(order_id, "more", tracking_number="LP2", lines=lines, further=True)
    assert later.json()["type"].endswith(":order-not-shippable")
    assert "no further parcel" in later.json()["remedy"]
    await harness.send_all(2)
    assert len(await shipped_parcels(harness)) == 1


async def test_a_further_parcel_overtaken_by_the_last_one_is_refused(harness: Harness) -> None:
    """The seller centre completed the order between the request and the call."""
    order_id = await to_send(harness, "SHIRT-1", "SHIRT-2")
    first, _ = await lines_of(harness, order_id)
    await harness.ship(order_id, "one", tracking_number="LP1", lines=[first])
    await harness.send_all(2)
    await harness.ship(order_id, "more", tracking_number="LP2", lines=[first], further=True)
    await harness.set_status(order_id, "WAIT_BUYER_ACCEPT_GOODS")
    await harness.send_all(3)

    assert await state_of(harness, order_id) == ["confirmed", "refused"]
    assert [number for _, number, _ in await shipped_parcels(harness)] == ["LP1"]


async def test_the_last_parcel_leaves_out_a_cancelled_line(harness: Harness) -> None:
    order_id = await to_send(harness, "SHIRT-1", "SHIRT-2")
    await harness.control(
        f"orders/{order_id}/cancel", sku_codes=["SHIRT-2"], reason="buyer_cancel_order"
    )
    await harness.import_now()
    answer = await harness.ship(order_id, "rest", tracking_number="LP1")
    assert answer.status_code == 202, answer.text
    await harness.send_all(2)

    assert await shipped_parcels(harness) == [(STANDARD, "LP1", "all")]


async def test_one_request_repeated_with_another_intent_is_another_request(
    harness: Harness,
) -> None:
    order_id = await to_send(harness)
    await harness.ship(order_id, "one", tracking_number="LP1")
    changed = await harness.ship(order_id, "one", tracking_number="LP1", more_follow=True)
    assert changed.json()["type"].endswith(":idempotency-key-used")
