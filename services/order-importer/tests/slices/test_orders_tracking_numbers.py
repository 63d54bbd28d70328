"""Tracking numbers as people paste them."""

import pytest

from aliexpress.logistics import Shipment as WireShipment
from aliexpress.logistics import fulfil_order

from ..orders_harness import MERCHANT, PATH, SHOP, Harness
from .test_orders_shipping import shipped_parcels, state_of, to_send

STANDARD, UPS, POST = "AliExpress Standard Shipping", "UPS", "EMS"


@pytest.mark.parametrize(
    ("carrier", "written", "number"),
    [
        pytest.param(STANDARD, "LP 0012 3456 7890 13", "LP00123456789013", id="groups"),
        pytest.param(STANDARD, "LP00123456789013\u200b", "LP00123456789013", id="zero-width"),
        pytest.param(STANDARD, "LP-0012\u202f3456", "LP00123456", id="dash-and-narrow-blank"),
        pytest.param(UPS, "1z 999–aa1\u00a001—2345\u22126784", "1Z999AA10123456784", id="ups"),
        pytest.param(POST, "\ufeffrr 123456789\tcn\r\n", "RR123456789CN", id="post"),
    ],
)
async def test_a_number_is_sent_as_the_carrier_writes_it(
    harness: Harness, carrier: str, written: str, number: str
) -> None:
    order_id = await to_send(harness)
    answer = await harness.ship(order_id, carrier=carrier, tracking_number=written)
    await harness.send_all(2)

    assert answer.status_code == 202, answer.text
    assert answer.json()["tracking_number"] == number
    assert [sent for _, sent, _ in await shipped_parcels(harness)] == [number]
    assert (await harness.order(order_id))["parcels"][0]["tracking_number"] == number


async def test_a_number_written_in_another_way_is_the_same_parcel(harness: Harness) -> None:
    order_id = await to_send(harness, "SHIRT-1", "SHIRT-2")
    first, second = [line["line_id"] for line in (await harness.order(order_id))["lines"]]
    one = await harness.ship(order_id, "one", lines=[first], tracking_number="LP 0012 3456")
    again = await harness.ship(order_id, "one", lines=[first], tracking_number="lp00123456\u200b")
    other = await harness.ship(order_id, "two", lines=[second], tracking_number="LP-0012-3456")

    assert again.json() == one.json()
    assert other.status_code == 409
    assert other.json()["type"].endswith(":parcel-known")
    assert "LP00123456" in other.json()["title"]


async def test_a_parcel_that_aliexpress_has_in_another_writing_is_recognised(
    harness: Harness,
) -> None:
    order_id = await to_send(harness)
    async with harness.access.token_of(MERCHANT, SHOP) as token:
        by_hand = WireShipment(order_id, "CAINIAO_STANDARD", "lp-0012 3456", "all")
        await fulfil_order(harness.access.client, token, by_hand)
    await harness.ship(order_id, tracking_number="LP00123456")
    await harness.send_all(2)
    assert await state_of(harness, order_id) == ["confirmed"]
    assert len(await shipped_parcels(harness)) == 1


@pytest.mark.parametrize(
    ("carrier", "written", "words"),
    [
        pytest.param(UPS, "1Z 0123", "1Z, then 16 letters or digits", id="too-short"),
        pytest.param(POST, "123456789012", "2 letters, then 9 letters or digits", id="post"),
        pytest.param(STANDARD, "\u200b - \u2060", "letters and digits", id="nothing-left"),
        pytest.param(STANDARD, "LРО0123", "CYRILLIC CAPITAL LETTER ER", id="look-alike"),
        pytest.param(STANDARD, "9" * 65, "64", id="too-long"),
    ],
)
async def test_a_number_that_cannot_be_one_is_refused_in_words(
    harness: Harness, carrier: str, written: str, words: str
) -> None:
    order_id = await to_send(harness)
    answer = await harness.ship(order_id, carrier=carrier, tracking_number=written)

    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["type"].endswith(":tracking-number-malformed")
    assert (problem["rule"], problem["field"]) == ("M8.4", "tracking_number")
    assert words in f"{problem['title']} {problem['remedy']}"
    shipments = await harness.call("GET", f"{PATH}/orders/{order_id}/shipments")
    assert shipments.json()["items"] == []
