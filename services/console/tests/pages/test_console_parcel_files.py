"""Parcels shipped by a file: its rows are read whole or not at all, and counted as parcels."""

import re
from typing import Any

import httpx2
import pytest

from order_importer.shipment_files.read_file import COLUMNS

from .conftest import Opened
from .test_console_shipping import post, sent, token_of

HEADER = "order_id,carrier,tracking_number\r\n"


@pytest.mark.parametrize(
    "content",
    [
        HEADER.encode("utf-16-le"),  # without the mark that tells it
        HEADER.encode() + b"81,Correos,LP1\x00\r\n",
        b"PK\x03\x04\x00\x00\x08\x00",
        ("\ufeff" + HEADER).encode("utf-16-le")[:-1],
    ],
)
async def test_what_is_no_text_is_neither_sent_nor_shown(opened: Opened, content: bytes) -> None:
    opened.services.instead["/merchants/acme/shops"] = shops("first", "second")
    answer = await choose(opened, content, shop="second", rows="pasted")
    assert answer.status_code == 422
    assert not sent(opened)
    assert "\x00" not in answer.text
    assert "<option selected>second</option>" in answer.text
    assert ">pasted</textarea>" in answer.text


async def test_a_file_that_is_too_long_keeps_the_shop(opened: Opened) -> None:
    opened.services.instead["/merchants/acme/shops"] = shops("first", "second")
    answer = await choose(opened, b"x" * 1_000_001, shop="second")
    assert answer.status_code == 413
    assert "<option selected>second</option>" in answer.text


@pytest.mark.parametrize("last", ["81,Correos,--", "81,Correos,LP1\r\n", "81,Correos,LP1\r\n--x"])
async def test_a_file_is_sent_to_its_last_letter(opened: Opened, last: str) -> None:
    await choose(opened, (HEADER + last).encode())
    assert [each.content.decode() for each in sent(opened)] == [HEADER + last]


async def test_rows_of_one_parcel_are_counted_as_one_parcel(opened: Opened) -> None:
    rows = [("81", "LP1"), ("82", "LP2"), ("82", "LP2"), ("83", "LP2")]
    opened.services.instead["/shipments/file"] = planned(rows)
    answer = await post(opened, "/orders-file", {"shop": "main", "rows": HEADER})
    assert "Ship 3 parcels" in answer.text
    assert "Rows: 4 accepted" in answer.text
    assert "The accepted rows are 3 parcels." in answer.text


async def test_rows_that_are_a_parcel_each_are_not_counted_twice(opened: Opened) -> None:
    opened.services.instead["/shipments/file"] = planned([("81", "LP1")])
    answer = await post(opened, "/orders-file", {"shop": "main", "rows": HEADER})
    assert "Ship 1 parcel<" in answer.text
    assert "The accepted rows" not in answer.text


async def test_the_hint_names_columns_that_are_taken(opened: Opened) -> None:
    page = await opened.http.get("/orders-file")
    [hint] = re.findall(r'<small class="hint">(.*?)</small>', page.text)
    named = re.findall(r"[a-z]+_[a-z]+", hint)
    assert {"order_id", "tracking_number"} <= set(named) <= set(COLUMNS)


async def choose(opened: Opened, content: bytes, **fields: str) -> httpx2.Response:
    return await opened.http.post(
        "/orders-file",
        data={"csrf": await token_of(opened), "shop": "main", **fields},
        files={"file": ("parcels.csv", content, "text/csv")},
    )


def planned(rows: list[tuple[str, str]]) -> dict[str, Any]:
    """What would become of rows of these orders and numbers: all are accepted, one is refused."""
    items: list[dict[str, Any]] = [
        {"line": line, "outcome": "accepted", "order_id": order_id, "tracking_number": number}
        for line, (order_id, number) in enumerate(rows, 2)
    ]
    items.append({"line": 99, "outcome": "refused", "order_id": "81", "tracking_number": "LP9"})
    counts = {"accepted": len(rows), "already_there": 0, "refused": 1}
    return {"dry_run": True, **counts, "items": items}


def shops(*shop_ids: str) -> dict[str, Any]:
    usual = {
        "merchant_id": "acme",
        "is_eligible": True,
        "connection": "connected",
        "generation": 1,
        "seller_id": None,
        "seller_name": None,
        "connected_at": None,
        "expires_at": None,
        "refreshes_itself": False,
        "next_refresh_at": None,
        "refresh_refused": None,
    }
    items = [usual | {"shop_id": shop_id} for shop_id in shop_ids]
    return {"items": items, "next_cursor": None}
