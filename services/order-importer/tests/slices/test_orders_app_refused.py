"""AliExpress refuses our app: orders and shipments wait, show why, and go on by themselves."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.contracts.order import OrderShipped

from ..orders_harness import PATH, Harness
from .test_orders_importing import received
from .test_orders_shipping import shipped_parcels, state_of, to_send

CODES = ["11", "12", "29", "isv.permission-ip-whitelist-limit", "AppWhiteIpLimit"]
"""A few; the table of them all is libs/aliexpress's."""
LISTED, DETAILS, RECEIPT = "*order.get", "*order.info.get", "*order.receiptinfo.get"
DECRYPT = "*order.decrypt"
CARRIERS = "*listlogisticsservice"
WITHIN_MINUTES = 120


async def refuse(harness: Harness, code: str, operation: str = "*", **fault: Any) -> None:
    await harness.control("faults", kind="error", code=code, operation=operation, **fault)


async def accept(harness: Harness) -> None:
    await harness.sandbox.delete("/control/faults")


async def pass_time(
    harness: Harness, act: Callable[[], Awaitable[object]], *, minutes: int = 90
) -> None:
    """Let time go by, acting every five minutes."""
    for _ in range(minutes // 5):
        await harness.move_clock(advance_seconds=300)
        await act()


async def only_shipment(harness: Harness, order_id: str) -> dict[str, Any]:
    answer = await harness.call("GET", f"{PATH}/orders/{order_id}/shipments")
    [shipment] = answer.json()["items"]
    found: dict[str, Any] = shipment
    return found


def shows_refusal(text: str | None, code: str) -> bool:
    return text is not None and all(
        part in text
        for part in ("AliExpress refuses our app (", code, "operator was told", "nothing is lost")
    )


@pytest.mark.parametrize("code", CODES)
async def test_a_shipment_waits_with_its_reason_and_is_sent_once(
    harness: Harness, code: str
) -> None:
    order_id = await to_send(harness)
    await harness.call("GET", f"{PATH}/carriers")
    await refuse(harness, code)
    await harness.ship(order_id)
    await harness.send()
    await pass_time(harness, harness.send)

    waiting = await only_shipment(harness, order_id)
    assert (waiting["state"], waiting["attempts"]) == ("pending", 0)
    assert code in f"{waiting['problem_code']} {waiting['explanation']}"
    assert shows_refusal(waiting["explanation"], code)
    assert waiting["remedy"].startswith("Nothing")
    again = await harness.ship(order_id)
    assert (again.status_code, again.json()["state"]) == (202, "pending")

    await accept(harness)
    await harness.move_clock(advance_seconds=WITHIN_MINUTES)
    await harness.send_all(2)
    shipped = await only_shipment(harness, order_id)
    assert (shipped["state"], shipped["attempts"]) == ("confirmed", 1)
    assert [shipped[name] for name in ("problem_message", "explanation", "remedy")] == [None] * 3
    assert len(await shipped_parcels(harness)) == 1
    assert len(await harness.events(OrderShipped)) == 1


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("系统异常，请稍候重试", "confirmed"),
        ("该交易订单已填写发货通知，无需重复操作。", "refused"),
    ],
)
async def test_a_lost_answer_is_settled_after_the_refusal_by_what_was_known_before(
    harness: Harness, message: str, outcome: str
) -> None:
    order_id = await to_send(harness)
    await harness.control(
        "faults", kind="business_error", operation="*order.fulfill", count=1, message=message
    )
    await harness.ship(order_id)
    await harness.send()
    await refuse(harness, "isv.permission-api-package-empty", DETAILS)
    await harness.send()
    await pass_time(harness, harness.send)

    waiting = await only_shipment(harness, order_id)
    assert (waiting["state"], waiting["problem_message"]) == ("sent", message)
    assert shows_refusal(waiting["explanation"], "isv.permission-api-package-empty")

    await accept(harness)
    await harness.move_clock(advance_seconds=WITHIN_MINUTES)
    await harness.send_all(6)
    assert await state_of(harness, order_id) == [outcome]
    settled = await only_shipment(harness, order_id)
    assert not shows_refusal(settled["explanation"] or "", "isv.permission")


@pytest.mark.parametrize(
    ("code", "operation"),
    [
        ("isv.permission-ip-whitelist-limit", "*"),
        ("11", LISTED),
        ("InsufficientPermission", DETAILS),
        ("13", RECEIPT),
        ("isv.permission-api-package-not-allowed", DECRYPT),
    ],
)
async def test_an_import_waits_with_its_reason_and_misses_nothing(
    harness: Harness, code: str, operation: str
) -> None:
    await harness.stock("SHIRT-1")
    ids = await harness.place(2)
    await harness.control("quirks", masked_addresses=True)
    await refuse(harness, code, operation)
    await harness.import_orders()
    await pass_time(harness, harness.import_orders)

    view = await harness.imports()
    assert view["items"]
    for waiting in view["items"]:
        assert (waiting["state"], waiting["attempts"]) == ("due", 0)
        assert shows_refusal(waiting["problem"], code)
        assert waiting["explanation"]
        assert waiting["remedy"].startswith("Nothing")
    assert view["problems"] == []
    assert view["covered_until"] is None

    await accept(harness)
    await harness.move_clock(advance_seconds=WITHIN_MINUTES)
    await harness.import_orders()
    view = await harness.imports()
    assert {one["state"] for one in view["items"]} == {"done"}
    assert await received(harness) == sorted(ids)


async def test_the_carriers_known_serve_on_and_unknown_ones_are_asked_for_later(
    harness: Harness,
) -> None:
    order_id = await to_send(harness)
    known = (await harness.call("GET", f"{PATH}/carriers")).json()
    await harness.move_clock(advance_seconds=2 * 86_400)
    await refuse(harness, "isv.permission-api-package-limit")
    assert (await harness.call("GET", f"{PATH}/carriers")).json() == known
    later = await harness.ship(order_id, "unlisted", carrier="DHL", tracking_number="JD01")
    assert later.status_code == 503
    assert "AliExpress refuses our app" in later.json()["title"]
    assert later.json()["remedy"].startswith("Repeat the request")
    assert (await harness.ship(order_id)).json()["state"] == "pending"

    await accept(harness)
    await harness.send_all(2)
    assert await state_of(harness, order_id) == ["confirmed"]


async def test_without_carriers_a_shipment_is_not_refused_but_asked_for_later(
    harness: Harness,
) -> None:
    await refuse(harness, "12", CARRIERS)  # an import reads them else
    order_id = await to_send(harness)
    await refuse(harness, "12")
    for path in ("carriers", f"orders/{order_id}/shipments"):
        answer = (
            await harness.call("GET", f"{PATH}/carriers")
            if path == "carriers"
            else await harness.ship(order_id)
        )
        assert answer.status_code == 503, answer.text
        assert "AliExpress refuses our app (12)" in answer.json()["title"]
    await accept(harness)
    assert (await harness.ship(order_id)).status_code == 202
