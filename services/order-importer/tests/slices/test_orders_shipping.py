import asyncio

import pytest

from auth_service.expiry.watch_tokens import watch_tokens
from common.contracts.order import OrderShipped, OrderUpdated
from common.failpoints import FailpointError, arm
from order_importer.shipping.send_shipment import send_next
from stack.testing import eventually

from ..orders_harness import MERCHANT, PATH, SELLER, Harness

TO_SEND = "WAIT_SELLER_SEND_GOODS"


async def to_send(harness: Harness, *sku_codes: str, status: str = TO_SEND) -> str:
    """An imported order of these SKUs that waits for its shipment."""
    codes = sku_codes or ("SHIRT-1",)
    await harness.stock(*codes)
    [order_id] = await harness.place(
        lines=[{"sku_code": code, "quantity": 1} for code in codes], status=status
    )
    await harness.import_orders()
    return order_id


async def shipped_parcels(
    harness: Harness, outcome: str = "accepted"
) -> list[tuple[str, str, str]]:
    """The parcels at AliExpress: carrier, number, part or all."""
    return [
        (line["detail"]["carrier"], line["detail"]["tracking_number"], line["detail"]["send_type"])
        for line in await harness.ledger("order.ship", outcome)
    ]


async def state_of(harness: Harness, order_id: str) -> list[str]:
    answer = await harness.call("GET", f"{PATH}/orders/{order_id}/shipments")
    return [shipment["state"] for shipment in answer.json()["items"]]


async def test_an_order_is_shipped_and_its_new_state_is_read(harness: Harness) -> None:
    order_id = await to_send(harness)

    asked = await harness.ship(order_id)
    assert asked.status_code == 202
    assert asked.json()["state"] == "pending"
    assert (await harness.order(order_id))["parcels"][0]["state"] == "pending"
    again = await harness.ship(order_id)  # the same request, and no second row
    assert again.json()["shipment_id"] == asked.json()["shipment_id"]
    audited = await harness.pool.fetch("SELECT action, subject, actor FROM audit")
    assert [tuple(row) for row in audited] == [("order.shipment-asked", order_id, "test")]
    await harness.send_all()
    await harness.import_orders()

    assert await shipped_parcels(harness) == [("CAINIAO_STANDARD", "LP00012345", "all")]
    [shipped] = await harness.events(OrderShipped)
    assert shipped.shipment_id == asked.json()["shipment_id"]
    assert shipped.order.parcels[0].state == "confirmed"
    order = await harness.order(order_id)
    assert (order["status"], order["parcels"][0]["state"]) == ("shipped", "confirmed")
    found = await harness.call(
        "GET", f"/v1/merchants/{MERCHANT}/orders", params={"tracking": "LP00012345"}
    )
    assert [each["order_id"] for each in found.json()["items"]] == [order_id]
    other = {"tracking": "LP0001234"}
    found = await harness.call("GET", f"/v1/merchants/{MERCHANT}/orders", params=other)
    assert found.json()["items"] == []
    states = [
        (event.previous_status, event.order.status, event.order.parcels[0].state)
        for event in await harness.events(OrderUpdated)
    ]
    assert states == [
        ("waiting_shipment", "waiting_shipment", "pending"),
        ("waiting_shipment", "waiting_shipment", "confirmed"),
        ("waiting_shipment", "shipped", "confirmed"),
    ]
    revisions = [event.revision for event in await harness.events(OrderUpdated)]
    assert revisions == sorted(set(revisions))


async def test_several_parcels_go_as_part_and_the_last_as_all(harness: Harness) -> None:
    order_id = await to_send(harness, "SHIRT-1", "SHIRT-2")
    lines = [line["line_id"] for line in (await harness.order(order_id))["lines"]]

    await harness.ship(order_id, "one", lines=[lines[1]], tracking_number="LP1")
    await harness.ship(order_id, "two", tracking_number="LP2")
    await harness.send_all()
    await harness.import_orders()

    assert [(number, kind) for _, number, kind in await shipped_parcels(harness)] == [
        ("LP1", "part"),
        ("LP2", "all"),
    ]
    parcels = (await harness.order(order_id))["parcels"]
    assert [parcel["line_ids"] for parcel in parcels] == [[lines[1]], [lines[0]]]
    assert len(await harness.events(OrderShipped)) == 2


async def test_the_same_key_answers_the_same_shipment(harness: Harness) -> None:
    order_id = await to_send(harness)
    first = await harness.ship(order_id)
    again = await harness.ship(order_id)
    await harness.send_all()
    later = await harness.ship(order_id)

    assert first.json() == again.json()
    assert later.json()["shipment_id"] == first.json()["shipment_id"]
    assert later.json()["state"] == "confirmed"
    assert len(await shipped_parcels(harness)) == 1


async def test_many_requests_at_once_under_one_key_are_one_parcel(harness: Harness) -> None:
    order_id = await to_send(harness)
    await harness.call("GET", f"{PATH}/carriers")
    answers = await asyncio.gather(*(harness.ship(order_id) for _ in range(8)))
    await harness.send_all()

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["shipment_id"] for answer in answers}) == 1
    assert len(await shipped_parcels(harness)) == 1


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
async def test_a_wrong_request_is_refused_with_what_is_wrong_and_ships_nothing(
    harness: Harness, change: dict[str, object], status: int, slug: str, field: str | None
) -> None:
    order_id = await to_send(harness)
    answer = await harness.ship(order_id, **change)  # type: ignore[arg-type]
    await harness.send_all(2)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith(slug)
    assert answer.json()["remedy"]
    if field:
        assert answer.json()["field"] == field
    assert await shipped_parcels(harness) == []


async def test_another_request_under_a_used_key_is_refused(harness: Harness) -> None:
    order_id = await to_send(harness)
    await harness.ship(order_id)
    other = await harness.ship(order_id, tracking_number="LP99999")
    await harness.send_all()

    assert other.status_code == 422
    assert other.json()["type"].endswith("idempotency-key-used")
    assert [number for _, number, _ in await shipped_parcels(harness)] == ["LP00012345"]


async def test_requests_repeated_at_once_are_one_shipment(harness: Harness) -> None:
    order_id = await to_send(harness)
    answers = await asyncio.gather(*(harness.ship(order_id) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["shipment_id"] for answer in answers}) == 1


async def test_a_shipped_order_ships_no_more(harness: Harness) -> None:
    order_id = await to_send(harness)
    await harness.ship(order_id)
    assert (await harness.ship(order_id, "key-2")).status_code == 409
    await harness.send_all()
    await harness.import_orders()

    late = await harness.ship(order_id, "key-3", tracking_number="LP2")
    assert late.status_code == 409
    assert "WAIT_BUYER_ACCEPT_GOODS" in late.json()["title"]


@pytest.mark.parametrize("status", ["RISK_CONTROL", "PLACE_ORDER_SUCCESS"])
async def test_an_order_in_another_state_is_refused_by_its_name(
    harness: Harness, status: str
) -> None:
    await harness.stock("SHIRT-1")
    [order_id] = await harness.place()
    await harness.set_status(order_id, status)
    await harness.import_orders()
    answer = await harness.ship(order_id)
    assert answer.status_code == 409
    assert status in answer.json()["title"]


async def test_a_foreign_merchants_order_cannot_be_shipped(harness: Harness) -> None:
    order_id = await to_send(harness)
    body = {"carrier": "CAINIAO_STANDARD", "tracking_number": "LP1"}
    for path in (f"{PATH}/orders/{order_id}", f"/v1/merchants/other/shops/main/orders/{order_id}"):
        answer = await harness.call(
            "POST",
            f"{path}/shipments",
            merchant_id="other",
            json=body,
            headers={"Idempotency-Key": "k"},
        )
        assert answer.status_code == 404
    await harness.send_all(2)
    assert await shipped_parcels(harness) == []


async def test_an_unlisted_carrier_goes_as_the_platforms_other(harness: Harness) -> None:
    order_id = await to_send(harness)
    answer = await harness.ship(
        order_id, carrier="Correos", tracking_website="www.correos.es", note="leave at the door"
    )
    await harness.send_all()

    assert answer.status_code == 202, answer.text
    [(name, _, _)] = await shipped_parcels(harness)
    assert name.startswith(("OTHER_", "Other"))
    assert answer.json()["carrier"] == "Correos"
    assert answer.json()["note"] == "Carrier: Correos leave at the door"


async def test_the_shops_carriers_are_listed(harness: Harness) -> None:
    answer = await harness.call("GET", f"{PATH}/carriers")
    names = [carrier["service_name"] for carrier in answer.json()["items"]]
    assert "CAINIAO_STANDARD" in names


# -- answers lost, processes killed -----------------------------------------------------------


async def test_an_answer_lost_after_its_effect_is_settled_by_reading(harness: Harness) -> None:
    order_id = await to_send(harness)
    await harness.control("faults", kind="answer_lost", operation="*order.fulfill", count=1)
    await harness.ship(order_id)
    await harness.send()
    assert await state_of(harness, order_id) == ["sent"]
    await harness.send_all()

    assert await state_of(harness, order_id) == ["confirmed"]
    assert len(await shipped_parcels(harness)) == 1
    assert await shipped_parcels(harness, "refused") == []
    assert len(await harness.events(OrderShipped)) == 1


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
    order_id = await to_send(harness)
    await harness.control("faults", **fault, operation="*order.fulfill", count=1)
    await harness.ship(order_id)
    await harness.send_all(3)
    await harness.move_clock(advance_seconds=600)
    await harness.send_all()

    assert await state_of(harness, order_id) == ["confirmed"]
    assert len(await shipped_parcels(harness)) == 1


@pytest.mark.parametrize("place", ["shipping.after-intent", "shipping.after-call"])
async def test_a_sender_that_dies_ships_once(harness: Harness, place: str) -> None:
    order_id = await to_send(harness)
    await harness.ship(order_id)
    arm(f"{place}=error")
    try:
        with pytest.raises(FailpointError):
            await harness.send()
    finally:
        arm("")
    assert await state_of(harness, order_id) == ["sent"]

    await harness.send_all()

    assert await state_of(harness, order_id) == ["confirmed"]
    assert len(await shipped_parcels(harness)) == 1
    assert await shipped_parcels(harness, "refused") == []
    assert len(await harness.events(OrderShipped)) == 1


async def test_other_parcels_are_sent_while_one_is_looked_for(harness: Harness) -> None:
    lost = await to_send(harness)
    await harness.ship(lost, "lost", tracking_number="LOST")
    arm("shipping.after-intent=error")
    try:
        with pytest.raises(FailpointError):
            await harness.send()
    finally:
        arm("")
    [other] = await harness.place(
        lines=[{"sku_code": "SHIRT-1", "quantity": 1}], status=TO_SEND, seed=2
    )
    await harness.import_now()
    await harness.ship(other, "other", tracking_number="OTHER")
    await harness.move_clock(is_frozen=True)
    while await harness.send():
        pass

    assert await state_of(harness, lost) == ["sent"]
    assert await state_of(harness, other) == ["confirmed"]


async def test_a_refusal_is_explained_and_frees_the_lines(harness: Harness) -> None:
    order_id = await to_send(harness)
    await harness.control(
        "faults",
        kind="business_error",
        operation="*order.fulfill",
        count=1,
        code="-999",
        message="该交易订单缺少履约信息，请联系客服处理。",
    )
    await harness.ship(order_id)
    await harness.send_all()

    answer = await harness.call("GET", f"{PATH}/orders/{order_id}/shipments")
    [refused] = answer.json()["items"]
    assert (refused["state"], refused["problem_code"]) == ("refused", "-999")
    assert "state it is in" in refused["explanation"]
    assert refused["remedy"]
    assert (await harness.ship(order_id, "again")).status_code == 202
    await harness.send_all()
    assert await state_of(harness, order_id) == ["refused", "confirmed"]


async def test_an_order_shipped_by_hand_meanwhile_is_refused_after_reading(
    harness: Harness,
) -> None:
    order_id = await to_send(harness)
    await harness.set_status(order_id, "WAIT_BUYER_ACCEPT_GOODS")
    await harness.ship(order_id)
    await harness.send_all()

    [refused] = (await harness.call("GET", f"{PATH}/orders/{order_id}/shipments")).json()["items"]
    assert refused["state"] == "refused"
    assert "already" in refused["explanation"]
    assert await shipped_parcels(harness) == []


async def test_a_failure_inside_aliexpress_is_read_back_and_tried_again(harness: Harness) -> None:
    order_id = await to_send(harness)
    await harness.control(
        "faults",
        kind="business_error",
        operation="*order.fulfill",
        count=1,
        code="-999",
        message="系统异常，请稍候重试",
    )
    await harness.ship(order_id)
    await harness.send_all()

    assert await state_of(harness, order_id) == ["confirmed"]
    assert len(await shipped_parcels(harness)) == 1


async def test_a_shipment_waits_while_the_shop_is_lapsed(harness: Harness) -> None:
    order_id = await to_send(harness)
    await harness.call("GET", f"{PATH}/carriers")
    await harness.ship(order_id)
    await harness.control("tokens/expire", seller_id=SELLER)
    await harness.send_all(3)
    assert await state_of(harness, order_id) == ["pending"]
    await eventually(lambda: harness.is_connection("disconnected"))
    await harness.take_latest_state()

    await harness.connect()
    await harness.move_clock(advance_seconds=60)
    while await watch_tokens(harness.auth_pool):
        pass
    await harness.send_all()

    assert await state_of(harness, order_id) == ["confirmed"]
    assert len(await shipped_parcels(harness)) == 1


async def test_a_parcel_is_asked_for_days_after_the_connection_ended(harness: Harness) -> None:
    order_id = await to_send(harness)  # the import knows the carriers
    await harness.control("tokens/expire", seller_id=SELLER)
    await harness.import_now()
    await eventually(lambda: harness.is_connection("disconnected"))
    await harness.take_latest_state()
    await harness.move_clock(advance_seconds=2 * 86_400)

    unlisted = await harness.ship(order_id, "unlisted", carrier="DHL", tracking_number="JD01")
    assert (unlisted.status_code, unlisted.json()["rule"]) == (409, "M1.3")
    assert (await harness.ship(order_id)).status_code == 202
    assert await state_of(harness, order_id) == ["pending"]


async def test_the_nearest_deadline_goes_first(harness: Harness) -> None:
    await harness.stock("SHIRT-1")
    line = [{"sku_code": "SHIRT-1", "quantity": 1}]
    [early] = await harness.place(lines=line, status=TO_SEND)
    await harness.move_clock(advance_seconds=86_400)
    [late] = await harness.place(lines=line, status=TO_SEND, seed=2)
    await harness.import_orders()
    await harness.ship(late, "late", tracking_number="LATE")
    await harness.ship(early, "early", tracking_number="EARLY")
    await harness.send_all()

    assert [number for _, number, _ in await shipped_parcels(harness)] == ["EARLY", "LATE"]


async def test_the_status_filter_finds_what_waits(harness: Harness) -> None:
    order_id = await to_send(harness)
    path = f"/v1/merchants/{MERCHANT}/orders"
    waiting = (await harness.call("GET", f"{path}?status=waiting_shipment&shop=main")).json()
    assert [order["order_id"] for order in waiting["items"]] == [order_id]
    assert (await harness.call("GET", f"{path}?status=closed")).json()["items"] == []


async def test_two_replicas_send_a_parcel_once(harness: Harness) -> None:
    order_id = await to_send(harness)
    await harness.ship(order_id)
    for _ in range(3):
        await asyncio.gather(
            *(send_next(harness.pool, harness.access, f"replica-{n}") for n in range(4))
        )

    assert await state_of(harness, order_id) == ["confirmed"]
    assert len(await shipped_parcels(harness)) == 1
    assert await shipped_parcels(harness, "refused") == []
