import asyncio

import pytest
from orders_bed import MERCHANT, PATH, SELLER, Bed

from auth_service.expiry.watch_tokens import watch_tokens
from common.contracts.order import OrderShipped, OrderUpdated
from common.failpoints import FailpointError, arm
from order_importer.shipping.send_shipment import send_next

TO_SEND = "WAIT_SELLER_SEND_GOODS"


async def to_send(bed: Bed, *sku_codes: str, status: str = TO_SEND) -> str:
    """An imported order of these SKUs that waits for its shipment."""
    codes = sku_codes or ("SHIRT-1",)
    await bed.stock(*codes)
    [order_id] = await bed.place(
        lines=[{"sku_code": code, "quantity": 1} for code in codes], status=status
    )
    await bed.import_orders()
    return order_id


async def told(bed: Bed, outcome: str = "accepted") -> list[tuple[str, str, str]]:
    """The parcels at AliExpress: carrier, number, part or all."""
    return [
        (line["detail"]["carrier"], line["detail"]["tracking_number"], line["detail"]["send_type"])
        for line in await bed.ledger("order.ship", outcome)
    ]


async def state_of(bed: Bed, order_id: str) -> list[str]:
    answer = await bed.call("GET", f"{PATH}/orders/{order_id}/shipments")
    return [shipment["state"] for shipment in answer.json()["items"]]


async def test_an_order_is_shipped_and_its_new_state_is_read(bed: Bed) -> None:
    order_id = await to_send(bed)

    asked = await bed.ship(order_id)
    assert asked.status_code == 202
    assert asked.json()["state"] == "pending"
    assert (await bed.order(order_id))["parcels"][0]["state"] == "pending"
    await bed.send_all()
    await bed.import_orders()

    assert await told(bed) == [("CAINIAO_STANDARD", "LP00012345", "all")]
    [shipped] = await bed.events(OrderShipped)
    assert shipped.shipment_id == asked.json()["shipment_id"]
    assert shipped.order.parcels[0].state == "confirmed"
    order = await bed.order(order_id)
    assert (order["status"], order["parcels"][0]["state"]) == ("shipped", "confirmed")
    states = [
        (event.order.status, event.order.parcels[0].state)
        for event in await bed.events(OrderUpdated)
    ]
    assert states == [
        ("waiting_shipment", "pending"),
        ("waiting_shipment", "confirmed"),
        ("shipped", "confirmed"),
    ]
    revisions = [event.revision for event in await bed.events(OrderUpdated)]
    assert revisions == sorted(set(revisions))


async def test_several_parcels_go_as_part_and_the_last_as_all(bed: Bed) -> None:
    order_id = await to_send(bed, "SHIRT-1", "SHIRT-2")
    lines = [line["line_id"] for line in (await bed.order(order_id))["lines"]]

    await bed.ship(order_id, "one", lines=[lines[1]], tracking_number="LP1")
    await bed.ship(order_id, "two", tracking_number="LP2")
    await bed.send_all()
    await bed.import_orders()

    assert [(number, kind) for _, number, kind in await told(bed)] == [
        ("LP1", "part"),
        ("LP2", "all"),
    ]
    parcels = (await bed.order(order_id))["parcels"]
    assert [parcel["line_ids"] for parcel in parcels] == [[lines[1]], [lines[0]]]
    assert len(await bed.events(OrderShipped)) == 2


async def test_the_same_key_answers_the_same_shipment(bed: Bed) -> None:
    order_id = await to_send(bed)
    first = await bed.ship(order_id)
    again = await bed.ship(order_id)
    await bed.send_all()
    later = await bed.ship(order_id)

    assert first.json() == again.json()
    assert later.json()["shipment_id"] == first.json()["shipment_id"]
    assert later.json()["state"] == "confirmed"
    assert len(await told(bed)) == 1


async def test_many_requests_at_once_under_one_key_are_one_parcel(bed: Bed) -> None:
    order_id = await to_send(bed)
    answers = await asyncio.gather(*(bed.ship(order_id) for _ in range(8)))
    await bed.send_all()

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["shipment_id"] for answer in answers}) == 1
    assert len(await told(bed)) == 1


@pytest.mark.parametrize(
    ("change", "status", "slug", "field"),
    [
        pytest.param({"key": ""}, 400, "idempotency-key-missing", "Idempotency-Key", id="no-key"),
        pytest.param(
            {"tracking_number": None}, 422, "invalid-request", "tracking_number", id="no-number"
        ),
        pytest.param({"carrier": None}, 422, "invalid-request", "carrier", id="no-carrier"),
        pytest.param(
            {"tracking_number": ""}, 422, "invalid-request", "tracking_number", id="empty"
        ),
        pytest.param(
            {"tracking_number": "a b\n"},
            422,
            "invalid-request",
            "tracking_number",
            id="blank-inside",
        ),
        pytest.param({"weight": 3}, 422, "invalid-request", "weight", id="unknown-field"),
        pytest.param({"carrier": "Correos"}, 422, "carrier-unknown", "carrier", id="carrier"),
        pytest.param({"carrier": "Other"}, 422, "tracking-website-missing", None, id="website"),
        pytest.param(
            {"carrier": "UPS"}, 422, "tracking-number-malformed", "tracking_number", id="number"
        ),
        pytest.param({"lines": ["1"]}, 422, "lines-unknown", "lines", id="line"),
        pytest.param({"lines": []}, 422, "lines-unknown", "lines", id="no-lines"),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong_and_ships_nothing(
    bed: Bed, change: dict[str, object], status: int, slug: str, field: str | None
) -> None:
    order_id = await to_send(bed)
    answer = await bed.ship(order_id, **change)  # type: ignore[arg-type]
    await bed.send_all(2)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith(slug)
    assert answer.json()["remedy"]
    if field:
        assert answer.json()["field"] == field
    assert await told(bed) == []


async def test_another_request_under_a_used_key_is_refused(bed: Bed) -> None:
    order_id = await to_send(bed)
    await bed.ship(order_id)
    other = await bed.ship(order_id, tracking_number="LP99999")
    await bed.send_all()

    assert other.status_code == 422
    assert other.json()["type"].endswith("idempotency-key-used")
    assert [number for _, number, _ in await told(bed)] == ["LP00012345"]


async def test_a_shipped_order_ships_no_more(bed: Bed) -> None:
    order_id = await to_send(bed)
    await bed.ship(order_id)
    assert (await bed.ship(order_id, "key-2")).status_code == 409
    await bed.send_all()
    await bed.import_orders()

    late = await bed.ship(order_id, "key-3", tracking_number="LP2")
    assert late.status_code == 409
    assert "WAIT_BUYER_ACCEPT_GOODS" in late.json()["title"]


@pytest.mark.parametrize("status", ["RISK_CONTROL", "PLACE_ORDER_SUCCESS"])
async def test_an_order_in_another_state_is_refused_by_its_name(bed: Bed, status: str) -> None:
    await bed.stock("SHIRT-1")
    [order_id] = await bed.place()
    await bed.set_status(order_id, status)
    await bed.import_orders()
    answer = await bed.ship(order_id)
    assert answer.status_code == 409
    assert status in answer.json()["title"]


async def test_a_foreign_merchants_order_cannot_be_shipped(bed: Bed) -> None:
    order_id = await to_send(bed)
    body = {"carrier": "CAINIAO_STANDARD", "tracking_number": "LP1"}
    for path in (f"{PATH}/orders/{order_id}", f"/v1/merchants/other/shops/main/orders/{order_id}"):
        answer = await bed.call(
            "POST",
            f"{path}/shipments",
            merchant="other",
            json=body,
            headers={"Idempotency-Key": "k"},
        )
        assert answer.status_code == 404
    await bed.send_all(2)
    assert await told(bed) == []


async def test_an_unlisted_carrier_goes_as_the_platforms_other(bed: Bed) -> None:
    order_id = await to_send(bed)
    answer = await bed.ship(
        order_id, carrier="Correos", tracking_website="www.correos.es", note="leave at the door"
    )
    await bed.send_all()

    assert answer.status_code == 202, answer.text
    [(name, _, _)] = await told(bed)
    assert name.startswith(("OTHER_", "Other"))
    assert answer.json()["carrier"] == "Correos"
    assert answer.json()["note"] == "Carrier: Correos leave at the door"


async def test_the_shops_carriers_are_listed(bed: Bed) -> None:
    answer = await bed.call("GET", f"{PATH}/carriers")
    names = [carrier["service_name"] for carrier in answer.json()["items"]]
    assert "CAINIAO_STANDARD" in names


# -- answers lost, processes killed -----------------------------------------------------------


async def test_an_answer_lost_after_its_effect_is_settled_by_reading(bed: Bed) -> None:
    order_id = await to_send(bed)
    await bed.tell("faults", kind="answer_lost", operation="*order.fulfill", count=1)
    await bed.ship(order_id)
    await bed.send()
    assert await state_of(bed, order_id) == ["sent"]
    await bed.send_all()

    assert await state_of(bed, order_id) == ["confirmed"]
    assert len(await told(bed)) == 1
    assert await told(bed, "refused") == []
    assert len(await bed.events(OrderShipped)) == 1


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
async def test_a_call_that_had_no_effect_is_made_again(bed: Bed, fault: dict[str, str]) -> None:
    order_id = await to_send(bed)
    await bed.tell("faults", **fault, operation="*order.fulfill", count=1)
    await bed.ship(order_id)
    await bed.send_all(3)
    await bed.move_clock(advance_seconds=600)
    await bed.send_all()

    assert await state_of(bed, order_id) == ["confirmed"]
    assert len(await told(bed)) == 1


@pytest.mark.parametrize("place", ["shipping.after-intent", "shipping.after-call"])
async def test_a_sender_that_dies_ships_once(bed: Bed, place: str) -> None:
    order_id = await to_send(bed)
    await bed.ship(order_id)
    arm(f"{place}=error")
    try:
        with pytest.raises(FailpointError):
            await bed.send()
    finally:
        arm("")
    assert await state_of(bed, order_id) == ["sent"]

    await bed.send_all()

    assert await state_of(bed, order_id) == ["confirmed"]
    assert len(await told(bed)) == 1
    assert await told(bed, "refused") == []
    assert len(await bed.events(OrderShipped)) == 1


async def test_a_refusal_is_told_in_plain_words_and_frees_the_lines(bed: Bed) -> None:
    order_id = await to_send(bed)
    await bed.set_status(order_id, "PLACE_ORDER_SUCCESS")
    await bed.ship(order_id)
    await bed.send_all()

    answer = await bed.call("GET", f"{PATH}/orders/{order_id}/shipments")
    [refused] = answer.json()["items"]
    assert (refused["state"], refused["problem_code"]) == ("refused", "-999")
    assert "state it is in" in refused["explanation"]
    assert refused["remedy"]
    await bed.set_status(order_id, TO_SEND)
    await bed.import_orders()
    assert (await bed.ship(order_id, "again")).status_code == 202
    await bed.send_all()
    assert await state_of(bed, order_id) == ["refused", "confirmed"]


async def test_an_order_shipped_by_hand_meanwhile_is_refused_after_reading(bed: Bed) -> None:
    order_id = await to_send(bed)
    await bed.set_status(order_id, "WAIT_BUYER_ACCEPT_GOODS")
    await bed.ship(order_id)
    await bed.send_all()

    [refused] = (await bed.call("GET", f"{PATH}/orders/{order_id}/shipments")).json()["items"]
    assert refused["state"] == "refused"
    assert "already" in refused["explanation"]
    assert await told(bed) == []


async def test_a_failure_inside_aliexpress_is_read_back_and_tried_again(bed: Bed) -> None:
    order_id = await to_send(bed)
    await bed.tell(
        "faults",
        kind="business_error",
        operation="*order.fulfill",
        count=1,
        code="-999",
        message="系统异常，请稍候重试",
    )
    await bed.ship(order_id)
    await bed.send_all()

    assert await state_of(bed, order_id) == ["confirmed"]
    assert len(await told(bed)) == 1


async def test_a_shipment_waits_while_the_shop_is_lapsed(bed: Bed) -> None:
    order_id = await to_send(bed)
    await bed.call("GET", f"{PATH}/carriers")
    await bed.ship(order_id)
    await bed.tell("tokens/expire", seller_id=SELLER)
    await bed.send_all(3)
    assert await state_of(bed, order_id) == ["pending"]
    assert await bed.auth_pool.fetchval("SELECT connection FROM shop") == "disconnected"
    await bed.hear_of_shop()

    await bed.connect()
    await bed.move_clock(advance_seconds=60)
    while await watch_tokens(bed.auth_pool):
        pass
    await bed.send_all()

    assert await state_of(bed, order_id) == ["confirmed"]
    assert len(await told(bed)) == 1


async def test_the_nearest_deadline_goes_first(bed: Bed) -> None:
    await bed.stock("SHIRT-1")
    line = [{"sku_code": "SHIRT-1", "quantity": 1}]
    [early] = await bed.place(lines=line, status=TO_SEND)
    await bed.move_clock(advance_seconds=86_400)
    [late] = await bed.place(lines=line, status=TO_SEND, seed=2)
    await bed.import_orders()
    await bed.ship(late, "late", tracking_number="LATE")
    await bed.ship(early, "early", tracking_number="EARLY")
    await bed.send_all()

    assert [number for _, number, _ in await told(bed)] == ["EARLY", "LATE"]


async def test_the_status_filter_finds_what_waits(bed: Bed) -> None:
    order_id = await to_send(bed)
    path = f"/v1/merchants/{MERCHANT}/orders"
    waiting = (await bed.call("GET", f"{path}?status=waiting_shipment&shop=main")).json()
    assert [order["order_id"] for order in waiting["items"]] == [order_id]
    assert (await bed.call("GET", f"{path}?status=closed")).json()["items"] == []


async def test_two_replicas_tell_of_a_parcel_once(bed: Bed) -> None:
    order_id = await to_send(bed)
    await bed.ship(order_id)
    for _ in range(3):
        await asyncio.gather(*(send_next(bed.pool, bed.access, f"replica-{n}") for n in range(4)))

    assert await state_of(bed, order_id) == ["confirmed"]
    assert len(await told(bed)) == 1
    assert await told(bed, "refused") == []
