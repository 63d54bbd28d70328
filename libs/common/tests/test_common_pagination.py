import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import product
from typing import Annotated, NamedTuple

import httpx2
import pytest
from fastapi import Depends
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from common.errors import Refusal
from common.web.pagination import Int32, Keyset, Limit, Page, cursor_of
from common.web.problem import ProblemApp

from .backbone_harness import Harness


class Place(NamedTuple):
    at: datetime
    name: str
    number: int


BY_TIME = Keyset(Place)
WHEN = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)


def raw(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


BAD = [
    pytest.param("", id="empty"),
    pytest.param("%%%", id="not base64"),
    pytest.param("ééé", id="not ASCII"),
    pytest.param(cursor_of(WHEN, "a", 1) + "!", id="something after it"),
    pytest.param(raw(b"\xff\xfe"), id="not text"),
    pytest.param(raw(b"[1"), id="cut off"),
    pytest.param(raw(b'{"a": 1}'), id="not a place"),
    pytest.param(raw(b"null"), id="nothing"),
    pytest.param(raw(b"[" * 10_000), id="deep"),
    pytest.param(cursor_of(WHEN, "a"), id="of a list with a shorter key"),
    pytest.param(cursor_of(WHEN, "a", 1, 2), id="of a list with a longer key"),
    pytest.param(cursor_of("a", "a", 1), id="a text for a time"),
    pytest.param(cursor_of(WHEN, 1, 1), id="a number for a text"),
    pytest.param(cursor_of(WHEN, "a", "1"), id="a text for a number"),
    pytest.param(cursor_of(WHEN, "a", 2**63), id="a number beyond 64 bits"),
    pytest.param(cursor_of(WHEN, "a", -(2**63) - 1), id="a number below 64 bits"),
    pytest.param(cursor_of(WHEN, "a", 10**400), id="a very long number"),
    pytest.param(raw(b'["2026-11-26T12:30:00Z","a",1.5]'), id="a fraction"),
    pytest.param(raw(b'["2026-11-26T12:30:00Z","a",true]'), id="true for a number"),
    pytest.param(cursor_of(WHEN, "a\x00b", 1), id="a NUL, which Postgres's texts cannot hold"),
    pytest.param(raw(b'["2026-11-26T12:30:00Z","\\ud800",1]'), id="half a character"),
    pytest.param(raw(b'["2026-11-26T12:30:00","a",1]'), id="a time without a zone"),
    pytest.param(raw(b'["0001-01-01T00:00:00+14:00","a",1]'), id="a time before all times"),
    pytest.param(raw(b'["9999-12-31T23:59:59-14:00","a",1]'), id="a time after all times"),
]


@dataclass(frozen=True)
class Row:
    at: datetime
    name: str
    number: int


class View(BaseModel):
    name: str


ROWS = [Row(WHEN + timedelta(minutes=n // 2), f"r{n}", n) for n in range(7)]


def place(row: Row) -> Place:
    return Place(row.at, row.name, row.number)


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    app = ProblemApp()

    @app.get("/rows")
    async def list_rows(
        after: Annotated[Place | None, Depends(BY_TIME)], limit: Limit = 3
    ) -> Page[View]:
        rows = [row for row in ROWS if after is None or place(row) > after][: limit + 1]
        page = Page.of(rows, limit, place)
        return page.with_items([View(name=row.name) for row in page.items])

    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://channel") as made:
        yield made


@pytest.mark.parametrize("cursor", [*BAD, "%%%", "", "x", "!!", "e30", "W10x", "a" * 500])
async def test_a_cursor_of_another_list_or_of_nobody_is_refused(
    client: httpx2.AsyncClient, cursor: str
) -> None:
    answer = await client.get("/rows", params={"cursor": cursor})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["field"] == "cursor"
    assert "without a cursor" in problem["remedy"]


@pytest.mark.parametrize("limit", [1, 3, 7, 200])
async def test_pages_show_every_row_once_in_order(client: httpx2.AsyncClient, limit: int) -> None:
    names: list[str] = []
    params: dict[str, str | int] = {"limit": limit}
    while True:
        answer = (await client.get("/rows", params=params)).json()
        assert 0 < len(answer["items"]) <= limit
        names += [item["name"] for item in answer["items"]]
        if answer["next_cursor"] is None:
            break
        params["cursor"] = answer["next_cursor"]
    assert names == [row.name for row in ROWS]


async def test_the_cursor_is_in_the_openapi_document(client: httpx2.AsyncClient) -> None:
    routes = (await client.get("/openapi.json")).json()["paths"]
    parameters = routes["/rows"]["get"]["parameters"]
    assert {(p["name"], p["in"], p["required"]) for p in parameters} == {
        ("cursor", "query", False),
        ("limit", "query", False),
    }


class ItemPlace(NamedTuple):
    item_no: Int32


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1])
def test_a_number_that_its_smaller_column_cannot_hold_is_refused(number: int) -> None:
    with pytest.raises(Refusal):
        Keyset(ItemPlace).decode(cursor_of(number))
    assert Keyset(ItemPlace).decode(cursor_of(2**31 - 1)) == (2**31 - 1,)


# -- properties -----------------------------------------------------------------------------

PARTS = st.tuples(
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))])),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20),
    st.integers(-(2**63), 2**63 - 1),
    st.decimals(allow_nan=False, allow_infinity=False),
)


class WidePlace(NamedTuple):
    at: datetime
    name: str
    number: int
    amount: Decimal


WIDE = Keyset(WidePlace)


@given(PARTS)
def test_a_place_comes_back_as_it_went(parts: tuple[datetime, str, int, Decimal]) -> None:
    try:
        parts[0].astimezone(UTC)
    except OverflowError:
        with pytest.raises(Refusal):
            WIDE.decode(cursor_of(*parts))
    else:
        assert WIDE.decode(cursor_of(*parts)) == parts


@given(st.text(max_size=60) | st.binary(max_size=60).map(raw))
def test_no_text_is_anything_but_a_place_or_refused(cursor: str) -> None:
    try:
        found = BY_TIME.decode(cursor)
    except Refusal:
        return
    assert found.at.tzinfo is not None
    assert isinstance(found.name, str)
    assert isinstance(found.number, int)


ZONES = [timezone(timedelta(hours=hours)) for hours in (-14, 0, 14)]
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
TIMES = [at.replace(tzinfo=zone) for at in (FIRST, LAST) for zone in ZONES] + [WHEN]
TEXTS = ["", "\x01", "\x7f\uffff\U0010ffff", "\x00"]
NUMBERS = [-(2**63) - 1, -(2**63), 2**63 - 1, 2**63]


async def test_a_place_that_is_not_refused_can_be_asked_of_postgres(harness: Harness) -> None:
    asked = 0
    for at, text, number in product(TIMES, TEXTS, NUMBERS):
        try:
            found = BY_TIME.decode(cursor_of(at, text, number))
        except Refusal:
            continue
        query = "SELECT ($1::timestamptz, $2::text, $3::bigint) IS NOT NULL"
        assert await harness.pool.fetchval(query, *found)
        asked += 1
    assert asked == 5 * 3 * 2
