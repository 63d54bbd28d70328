"""Parcels shipped from a CSV file."""

import asyncio
from typing import Any

import httpx2

from ..orders_harness import MERCHANT, PATH, Harness
from .test_orders_shipping import TO_SEND, shipped_parcels, state_of, to_send

HEADER = "order_id,line_ids,carrier,tracking_number"
STANDARD = "CAINIAO_STANDARD"


async def upload(harness: Harness, *rows: str, header: str = HEADER, **query: Any) -> Any:
    answer = await post(harness, "\n".join([header, *rows]), **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post(
    harness: Harness, content: str | bytes, media_type: str = "text/csv", **query: Any
) -> httpx2.Response:
    return await harness.call(
        "POST",
        f"{PATH}/shipments/file",
        content=content,
        params=query,
        headers={"content-type": media_type},
    )


def outcomes(result: Any) -> list[tuple[int, str, str]]:
    """Line, outcome, and the last part of the problem's type."""
    return [
        (
            item["line"],
            item["outcome"],
            (item["problem"] or {"type": ""})["type"].rpartition(":")[2],
        )
        for item in result["items"]
    ]


async def orders_to_send(harness: Harness, count: int) -> list[str]:
    await harness.stock("SHIRT-1")
    order_ids = await harness.place(
        count, lines=[{"sku_code": "SHIRT-1", "quantity": 1}], status=TO_SEND
    )
    await harness.import_orders()
    return order_ids


async def lines_of(harness: Harness, order_id: str) -> list[str]:
    return [line["line_id"] for line in (await harness.order(order_id))["lines"]]


async def test_a_file_ships_and_ships_nothing_when_it_is_sent_again(harness: Harness) -> None:
    one, two, three = await orders_to_send(harness, 3)
    rows = [
        f"{one},,{STANDARD},LP 1",
        f"{two},,UPS,no-number-of-ups",
        f"{three},,{STANDARD},LP3",
        f"404,,{STANDARD},LP4",
    ]
    first = await upload(harness, *rows)
    assert outcomes(first) == [
        (2, "accepted", ""),
        (3, "refused", "tracking-number-malformed"),
        (4, "accepted", ""),
        (5, "refused", "not-found"),
    ]
    assert (first["accepted"], first["already_there"], first["refused"]) == (2, 0, 2)
    for item in first["items"]:
        if item["outcome"] == "refused":
            assert item["problem"]["rule"] == "M8.4"
            assert item["problem"]["remedy"]
        else:
            assert (item["state"], bool(item["shipment_id"])) == ("pending", True)

    await harness.send_all(4)
    again = await upload(harness, *rows)
    assert [outcome for _, outcome, _ in outcomes(again)] == [
        "already_there",
        "refused",
        "already_there",
        "refused",
    ]
    assert again["items"][0]["state"] == "confirmed"
    assert again["items"][0]["shipment_id"] == first["items"][0]["shipment_id"]
    await harness.send_all(4)
    assert sorted(await shipped_parcels(harness)) == [
        (STANDARD, "LP1", "all"),
        (STANDARD, "LP3", "all"),
    ]


async def test_two_uploads_at_once_ship_each_parcel_once(harness: Harness) -> None:
    order_ids = await orders_to_send(harness, 4)
    rows = [f"{order_id},,{STANDARD},LP{n}" for n, order_id in enumerate(order_ids)]
    results = await asyncio.gather(*(upload(harness, *rows) for _ in range(4)))
    assert {item["outcome"] for result in results for item in result["items"]} <= {
        "accepted",
        "already_there",
    }
    await harness.send_all(8)
    assert len(await shipped_parcels(harness)) == 4
    assert await shipped_parcels(harness, "refused") == []


async def test_rows_of_the_lines_of_one_parcel_are_one_parcel(harness: Harness) -> None:
    order_id = await to_send(harness, "SHIRT-1", "SHIRT-2", "SHIRT-3")
    first, second, third = await lines_of(harness, order_id)
    rows = [
        f"{order_id},{first},{STANDARD},LP1",
        f"{order_id},{second},{STANDARD},lp-1",
        f",{third},{STANDARD},LP2",
    ]
    result = await upload(harness, *rows)
    assert [outcome for _, outcome, _ in outcomes(result)] == ["accepted"] * 3
    one, two, three = [item["shipment_id"] for item in result["items"]]
    assert one == two != three
    assert result["items"][2]["order_id"] == order_id
    await harness.send_all(4)
    assert await shipped_parcels(harness) == [(STANDARD, "LP1", "part"), (STANDARD, "LP2", "all")]
    again = await upload(harness, *rows)
    assert again["already_there"] == 3


async def test_rows_that_contradict_each_other_are_refused(harness: Harness) -> None:
    order_id = await to_send(harness, "SHIRT-1", "SHIRT-2")
    first, second = await lines_of(harness, order_id)
    [other] = await harness.place(
        lines=[{"sku_code": "SHIRT-1", "quantity": 1}], status=TO_SEND, seed=2
    )
    await harness.import_now()
    [foreign] = await lines_of(harness, other)
    result = await upload(
        harness,
        f"{order_id},{first},{STANDARD},LP1",
        f"{order_id},{second},EMS,LP1",
        f",{first} {foreign},{STANDARD},LP2",
        f",404,{STANDARD},LP3",
    )
    assert outcomes(result) == [(n, "refused", "row-invalid") for n in (2, 3, 4, 5)]
    assert result["items"][0]["problem"]["title"].startswith("lines 2, 3 of the file")
    await harness.send_all(2)
    assert await shipped_parcels(harness) == []


async def test_a_dry_run_says_what_would_be_and_ships_nothing(harness: Harness) -> None:
    order_id = await to_send(harness, "SHIRT-1", "SHIRT-2")
    first, _ = await lines_of(harness, order_id)
    rows = [
        f"{order_id},{first},{STANDARD},lp 1",
        f"{order_id},,{STANDARD},LP2",
        f"{order_id},,{STANDARD},LP3",
    ]
    planned = await upload(harness, *rows, dry_run="true")
    assert planned["dry_run"] is True
    assert outcomes(planned) == [
        (2, "accepted", ""),
        (3, "accepted", ""),
        (4, "refused", "lines-shipped"),
    ]
    assert planned["items"][0]["tracking_number"] == "LP1"
    await harness.send_all(2)
    assert await shipped_parcels(harness) == []
    assert await state_of(harness, order_id) == []

    done = await upload(harness, *rows)
    assert outcomes(done) == outcomes(planned)


async def test_a_parcel_shipped_alone_is_there_and_another_carrier_is_a_correction(
    harness: Harness,
) -> None:
    order_id = await to_send(harness)
    shipment_id = (await harness.ship(order_id)).json()["shipment_id"]
    there = await upload(harness, f"{order_id},,{STANDARD},LP00012345")
    assert there["items"][0]["shipment_id"] == shipment_id
    assert there["already_there"] == 1
    other = await upload(
        harness,
        f"{order_id},,Other,LP00012345,www.17track.net",
        header=HEADER + ",tracking_website",
    )
    assert outcomes(other) == [(2, "refused", "parcel-differs")]
    assert f"{shipment_id}/tracking" in other["items"][0]["problem"]["remedy"]


async def test_a_parcel_made_in_the_seller_centre_is_there(harness: Harness) -> None:
    order_id = await to_send(harness)
    await harness.set_status(order_id, "WAIT_BUYER_ACCEPT_GOODS")
    await harness.import_now()
    [parcel] = (await harness.order(order_id))["parcels"]
    result = await upload(harness, f"{order_id},,EMS,{parcel['tracking_number']}")
    assert outcomes(result) == [(2, "already_there", "")]


async def test_a_corrected_parcel_is_there_by_its_former_number(harness: Harness) -> None:
    order_id = await to_send(harness)
    row = f"{order_id},,{STANDARD},LP00012345"
    first = await upload(harness, row)
    await harness.send_all(2)
    await harness.correct_tracking(order_id, first["items"][0]["shipment_id"])
    await harness.correct_all(2)
    again = await upload(harness, row)
    assert outcomes(again) == [(2, "already_there", "")]
    assert again["items"][0]["tracking_number"] == "LP00099999"


async def test_a_row_that_aliexpress_refused_is_tried_again_by_the_next_upload(
    harness: Harness,
) -> None:
    order_id = await to_send(harness)
    await harness.control(
        "faults",
        kind="business_error",
        operation="*order.fulfill",
        count=1,
        code="-999",
        message="该交易订单缺少履约信息，请联系客服处理。",
    )
    row = f"{order_id},,{STANDARD},LP1"
    await upload(harness, row)
    await harness.send_all(2)
    assert await state_of(harness, order_id) == ["refused"]
    assert (await upload(harness, row))["accepted"] == 1
    assert (await upload(harness, row))["already_there"] == 1
    await harness.send_all(2)
    assert await state_of(harness, order_id) == ["refused", "confirmed"]
    assert len(await shipped_parcels(harness)) == 1


async def test_what_is_no_file_is_refused_whole(harness: Harness) -> None:
    order_id = await to_send(harness)
    refused = {
        "unsupported-media-type": await post(harness, "{}", "application/json"),
        "file-malformed": await post(harness, f"order_id\n{order_id}\n"),
        "file-too-large": await post(harness, b"x" * 1_000_001),
    }
    for slug, answer in refused.items():
        problem = answer.json()
        assert problem["type"].endswith(f":{slug}"), answer.text
        assert (problem["rule"], bool(problem["remedy"])) == ("M8.4", True)
    assert [answer.status_code for answer in refused.values()] == [415, 422, 413]
    elsewhere = await harness.call(
        "POST", f"/v1/merchants/{MERCHANT}/shops/nowhere/shipments/file", content=HEADER
    )
    assert elsewhere.status_code == 404


async def test_the_template_is_filled_in_and_sent(harness: Harness) -> None:
    order_id = await to_send(harness)
    template = await harness.call("GET", f"{PATH}/shipments/template")
    assert template.headers["content-type"].startswith("text/csv")
    assert "attachment" in template.headers["content-disposition"]
    result = await upload(harness, f"{order_id},,{STANDARD},LP1", header=template.text.strip())
    assert result["accepted"] == 1


async def test_the_shipments_of_a_shop_are_listed_by_state(harness: Harness) -> None:
    order_ids = await orders_to_send(harness, 3)
    await upload(harness, *(f"{one},,{STANDARD},LP{one}" for one in order_ids))
    await harness.send()
    listed: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (
            await harness.call(
                "GET", f"{PATH}/shipments?limit=2" + (cursor and f"&cursor={cursor}")
            )
        ).json()
        listed += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = page["next_cursor"]
    assert [one["order_id"] for one in listed] == sorted(order_ids)
    confirmed = await harness.call("GET", f"{PATH}/shipments?state=confirmed")
    assert len(confirmed.json()["items"]) == 1
    assert (await harness.call("GET", f"{PATH}/shipments?state=lost")).status_code == 422
