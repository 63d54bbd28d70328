"""Orders whole: every fact AliExpress gives, as it changes, in rows, events and REST (M8.3)."""

import dataclasses
from typing import Any

import msgspec
import pytest

from common.contracts.order import OrderReceived, OrderUpdated
from order_importer.importing.import_orders import ImportOptions
from order_importer.importing.interpret import fingerprint
from order_importer.importing.read_receipt import BuyerDataOptions

from ..orders_harness import SELLER, Harness

TO_SEND = "WAIT_SELLER_SEND_GOODS"
PASSPORT = {
    "number": "X1234567",
    "first_name": "Ada",
    "last_name": "Lindqvist",
    "birthday": "1990-01-01",
    "issue_authority": "Oslo",
    "issue_date": "2020-01-01",
}


def importing_with(harness: Harness, **buyer_data: bool) -> Harness:
    """The same, set to ask more or less of buyers."""
    options = ImportOptions(buyer_data=BuyerDataOptions(**buyer_data))
    return dataclasses.replace(harness, options=options)


async def place_two_lines(harness: Harness, status: str) -> str:
    await harness.stock("SHIRT-1", "SHIRT-2")
    lines = [{"sku_code": code, "quantity": 2} for code in ("SHIRT-1", "SHIRT-2")]
    [order_id] = await harness.place(lines=lines, status=status)
    return order_id


async def do(harness: Harness, order_id: str, what: str, **body: Any) -> Any:
    return await harness.control(f"orders/{order_id}/{what}", **body)


async def last_update(harness: Harness) -> OrderUpdated:
    return (await harness.events(OrderUpdated))[-1]


async def test_a_line_shows_variant_and_picture(harness: Harness) -> None:
    await harness.control("products", seller_id=SELLER, sku_codes=["SHIRT-1"], has_variants=True)
    [order_id] = await harness.place(status=TO_SEND)
    await harness.import_orders()
    [line] = (await harness.order(order_id))["lines"]
    [shown] = (await harness.sandbox.get("/control/orders")).json()
    attributes = msgspec.json.decode(shown["lines"][0]["attributes"])["sku"]
    assert [(one["name"], one["value"]) for one in line["variant"]] == [
        (one["pName"], one["pValue"]) for one in attributes
    ]
    assert line["variant"][0]["custom_value"] == "own SHIRT-1"
    assert line["attributes"].startswith(f"{attributes[0]['pName']}: own SHIRT-1")
    assert line["image_url"] == shown["lines"][0]["image"]


async def test_cancellations_and_refunds_of_lines_are_published_as_they_come(
    harness: Harness,
) -> None:
    order_id = await place_two_lines(harness, TO_SEND)
    await harness.import_orders()

    await do(harness, order_id, "refund", sku_code="SHIRT-1", amount="1.50", reason="damaged")
    await harness.import_now()
    first, second = (await harness.order(order_id))["lines"]
    assert (first["refund"]["amount"]["amount"], first["refund"]["reason"]) == ("1.50", "damaged")
    assert (first["cancellation"], second["refund"], second["cancellation"]) == (None, None, None)

    await do(harness, order_id, "cancel", sku_codes=["SHIRT-2"])
    await harness.import_now()
    updated = (await last_update(harness)).order
    first_line, second_line = updated.lines
    assert second_line.cancellation is not None
    assert (second_line.cancellation.quantity, second_line.cancellation.reason) == (
        2,
        "buyer_cancel_order",
    )
    assert (first_line.cancellation, updated.marketplace_status) == (None, TO_SEND)
    assert second_line.refund is not None
    assert second_line.refund.amount == second_line.total
    assert updated.refund is not None
    assert updated.totals_differ is None, "amounts of an order stay as they were stated"

    await do(harness, order_id, "status", status="FINISH", reason="buyer_confirm_goods")
    await harness.import_now()
    ended = (await harness.order(order_id))["lines"]
    assert [line["cancellation"] is not None for line in ended] == [False, True]
    assert len(await harness.events(OrderUpdated)) == 3
    await harness.import_now()
    assert len(await harness.events(OrderUpdated)) == 3


async def test_an_unpaid_line_that_was_cancelled_stays_so_after_the_order_has_ended(
    harness: Harness,
) -> None:
    """No money went back that could say so: only what was known before does."""
    order_id = await place_two_lines(harness, "PLACE_ORDER_SUCCESS")
    await do(harness, order_id, "cancel", sku_codes=["SHIRT-2"])
    await harness.import_orders()
    for status in (TO_SEND, "WAIT_BUYER_ACCEPT_GOODS", "FINISH"):
        await harness.set_status(order_id, status)
        await harness.import_now()
    lines = (await harness.order(order_id))["lines"]
    assert [line["cancellation"] for line in lines] == [None, {"quantity": 2, "reason": None}]


async def test_discounts_settlement_pick_up_and_funds_are_shown(harness: Harness) -> None:
    order_id = await place_two_lines(harness, "PLACE_ORDER_SUCCESS")
    for owner, amount in (("PLATFORM", "1.20"), ("SELLER", "0.30")):
        await do(harness, order_id, "discount", sku_code="SHIRT-1", amount=amount, owner=owner)
    await do(
        harness,
        order_id,
        "delivery",
        pickup={"type": "SELF_PICK_UP", "code": "P-7"},
        settlement={"currency": "EUR", "rate": "0.9"},
    )
    await harness.import_orders()
    order = await harness.order(order_id)
    assert [
        (one["paid_by"], one["amount"]["amount"]) for one in order["lines"][0]["discounts"]
    ] == [("platform", "1.20"), ("seller", "0.30")]
    assert order["discount"]["amount"] == "1.50"
    assert order["totals_differ"] is None
    assert order["pickup_point"] == {"kind": "SELF_PICK_UP", "code": "P-7"}
    assert (order["total"]["currency"], order["settlement_total"]["currency"]) == ("USD", "EUR")
    assert order["fund_status"] == "NOT_PAY"
    await harness.set_status(order_id, TO_SEND)
    await harness.import_now()
    assert (await last_update(harness)).order.fund_status == "PAY_SUCCESS"


async def test_amounts_whose_text_is_zero_are_read_from_their_cents(harness: Harness) -> None:
    order_id = await place_two_lines(harness, TO_SEND)
    await do(harness, order_id, "refund", sku_code="SHIRT-1", amount="1.50")
    await harness.control("quirks", zero_amounts=True)
    await harness.import_orders()
    order = await harness.order(order_id)
    assert order["lines"][0]["refund"]["amount"]["amount"] == "1.50"
    assert order["totals_differ"] is None
    await harness.control("quirks")
    await do(harness, order_id, "address", city="Lyon")
    await harness.import_now()
    [updated] = await harness.events(OrderUpdated)
    assert updated.order.total.amount == order["total"]["amount"]


async def test_the_passport_is_read_where_that_is_set(harness: Harness) -> None:
    order_id = await place_two_lines(harness, TO_SEND)
    await do(harness, order_id, "delivery", passport=PASSPORT)
    await harness.import_orders()
    assert (await harness.order(order_id))["passport"] is None

    asking = dataclasses.replace(
        harness, options=ImportOptions(buyer_data=BuyerDataOptions(reads_customs_data=True))
    )
    await do(harness, order_id, "address", city="Lyon")
    await asking.import_now()
    passport = (await harness.order(order_id))["passport"]
    assert (passport["number"], passport["last_name"]) == ("X1234567", "Lindqvist")

    await do(harness, order_id, "address", city="Nice")
    await harness.import_now()
    assert (await harness.order(order_id))["passport"] == passport, "not asked for is not gone"


async def brazilian(harness: Harness) -> str:
    """An order whose buyer has a tax number."""
    await harness.stock("SHIRT-1")
    for seed in range(1, 60):
        [order_id] = await harness.place(seed=seed, status=TO_SEND)
        view = await do(harness, order_id, "address", name="Bruno Alves")
        if view["buyer"]["tax_number"]:
            return order_id
    pytest.fail("no buyer of these seeds has a tax number")


async def test_stars_never_replace_what_is_known_in_clear(harness: Harness) -> None:
    order_id = await brazilian(harness)
    await harness.import_orders()
    clear = await harness.order(order_id)
    assert clear["tax_number"]
    assert (clear["address"]["is_masked"], clear["address"]["is_outdated"]) == (False, False)

    masked = dataclasses.replace(
        harness, options=ImportOptions(buyer_data=BuyerDataOptions(decrypts_addresses=False))
    )
    await harness.control("quirks", masked_addresses=True)
    await do(harness, order_id, "refund", sku_code="SHIRT-1", amount="0.01")
    await masked.import_now()
    seen = await harness.order(order_id)
    assert seen["refund"]["amount"]["amount"] == "0.01"
    assert (seen["address"], seen["tax_number"]) == (clear["address"], clear["tax_number"])

    await do(harness, order_id, "address", street="Avenida Nova 7")
    await masked.import_now()
    assert (await harness.order(order_id))["address"] == clear["address"] | {"is_outdated": True}

    await do(harness, order_id, "refund", sku_code="SHIRT-1", amount="0.01")
    await harness.import_now()
    address = (await harness.order(order_id))["address"]
    assert (address["street"], address["is_outdated"]) == ("Avenida Nova 7", False)


async def test_without_decryption_orders_come_masked_and_say_so(harness: Harness) -> None:
    await harness.stock("SHIRT-1")
    [order_id] = await harness.place(status=TO_SEND)
    await harness.control("quirks", masked_addresses=True)
    masked = dataclasses.replace(
        harness, options=ImportOptions(buyer_data=BuyerDataOptions(decrypts_addresses=False))
    )
    await masked.import_orders()
    address = (await harness.order(order_id))["address"]
    assert address["is_masked"] is True
    assert "*" in address["street"]
    calls = (await harness.sandbox.get("/control/calls")).json()["calls"]
    assert "aliexpress.trade.seller.order.decrypt" not in calls

    await do(harness, order_id, "refund", sku_code="SHIRT-1", amount="0.01")
    await harness.import_now()
    address = (await harness.order(order_id))["address"]
    assert (address["is_masked"], "*" in str(address)) == (False, False)


async def store_as_version_1(harness: Harness, order_id: str, **dropped: Any) -> None:
    """Leave the order's row as it was before these facts were read."""
    [event] = await harness.events(OrderReceived)
    lines = [
        msgspec.structs.replace(line, attributes=None, variant=[], image_url=None)
        for line in event.order.lines
    ]
    old = msgspec.structs.replace(
        event.order, lines=lines, fund_status=None, settlement_total=None, **dropped
    )
    await harness.pool.execute(
        "UPDATE marketplace_order SET content = $1, fingerprint = $2 WHERE order_id = $3",
        msgspec.json.encode(msgspec.structs.replace(old, ship_before=None)).decode(),
        fingerprint(old),
        order_id,
    )


async def test_after_an_upgrade_an_order_is_published_once_more_when_it_is_read_again(
    harness: Harness,
) -> None:
    await harness.control("products", seller_id=SELLER, sku_codes=["SHIRT-1"], has_variants=True)
    [order_id] = await harness.place(status=TO_SEND)
    await harness.import_orders()
    await harness.move_clock(advance_seconds=120)
    await harness.import_now()
    await store_as_version_1(harness, order_id)
    await harness.import_now()
    assert await harness.events(OrderUpdated) == [], "as listed before: it is not read again"
    await do(harness, order_id, "address", city=(await harness.order(order_id))["address"]["city"])
    for _ in range(2):
        await harness.import_now()
    [updated] = await harness.events(OrderUpdated)
    assert updated.order.lines[0].variant


async def test_changes_within_one_second_are_all_seen(harness: Harness) -> None:
    """The list counts in seconds: it shows the second change as it showed the first."""
    await harness.stock("SHIRT-1")
    await harness.move_clock(is_frozen=True)
    [order_id] = await harness.place(status=TO_SEND)
    await harness.import_orders()
    await do(harness, order_id, "address", city="Lyon")
    await harness.import_now()
    await do(harness, order_id, "address", city="Nice")
    await harness.import_now()
    cities = [
        one.order.address.city for one in await harness.events(OrderUpdated) if one.order.address
    ]
    assert cities == ["Lyon", "Nice"]


async def test_what_has_not_changed_for_a_while_is_not_read_again(harness: Harness) -> None:
    await harness.stock("SHIRT-1")
    await harness.place(3, status=TO_SEND)
    await harness.import_orders()
    await harness.move_clock(advance_seconds=120)
    await harness.import_now()
    before = await details_read(harness)
    await harness.import_now()
    assert before > 0
    assert await details_read(harness) == before


async def details_read(harness: Harness) -> int:
    counts = (await harness.sandbox.get("/control/calls")).json()
    calls: int = counts["calls"].get("aliexpress.solution.order.info.get", 0)
    return calls
