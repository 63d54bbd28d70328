"""Sale prices with dates: read whole or not at all, sent while they hold (M3.9, M7.1).

`sale_dates.jsonl` holds the forms catalogues write, each with its instant in UTC, or null for an
issue.
"""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from catalog_service.normalizing.normalize import Normalized
from catalog_service.normalizing.sale_dates import DateInvalid, SaleWindow, read_instant

from ..catalog_families import NOW, errors, evaluated, feed, member

EPOCH = datetime(1971, 1, 1)  # noqa: DTZ001 - Hypothesis adds the zone
FORMS = Path(__file__).with_name("sale_dates.jsonl")
HOURS = st.integers(-72, 72).map(lambda hours: NOW + timedelta(hours=hours))
SALES = st.tuples(st.none() | HOURS, st.none() | HOURS)


def discounts(result: Normalized) -> dict[str, str | None]:
    return {offer.sku_code: offer.discount_price for offer in result.offers or ()}


def read(form: dict[str, Any]) -> str | None:
    try:
        found = read_instant(form["written"], ZoneInfo(form["zone"]), is_end=form["is_end"])
    except DateInvalid:
        return None
    assert found.tzinfo == UTC
    return found.replace(tzinfo=None).isoformat()


def test_every_written_form_has_its_instant_or_is_an_issue() -> None:
    forms = [json.loads(line) for line in FORMS.read_text().splitlines()]
    assert len(forms) >= 200
    assert [(form, found) for form in forms if (found := read(form)) != form["instant"]] == []


@given(st.text(max_size=70), st.booleans())
@example("９９９９-12-31", True)
@example("9999999999999", False)
def test_any_text_has_an_instant_or_a_reason(text: str, is_end: bool) -> None:
    try:
        found = read_instant(text, ZoneInfo("Europe/Berlin"), is_end=is_end)
    except DateInvalid:
        return
    assert found.tzinfo == UTC
    assert any(sign.isdigit() for sign in text)


INSTANTS = st.datetimes(EPOCH, EPOCH + timedelta(days=36_500)).map(lambda t: t.replace(tzinfo=UTC))


@given(INSTANTS, st.sampled_from([0, 60, -330, 840]))
def test_what_is_written_with_its_offset_is_that_instant(instant: datetime, minutes: int) -> None:
    written = instant.astimezone(timezone(timedelta(minutes=minutes))).isoformat()
    assert read_instant(written, ZoneInfo("Asia/Tokyo")) == instant
    assert read_instant(written.replace("T", " "), ZoneInfo("Asia/Tokyo"), is_end=True) == instant


@given(SALES, HOURS)
def test_nothing_changes_between_one_due_instant_and_the_next(
    sale: tuple[datetime | None, datetime | None], at: datetime
) -> None:
    window = SaleWindow(*sale)
    due = window.next_change(at)
    assert due is None or due > at
    last = NOW + timedelta(hours=100) if due is None else due - timedelta(microseconds=1)
    for later in (at, at + (last - at) / 2, last):
        assert window.is_open(later) == window.is_open(at)


@settings(deadline=None, max_examples=40)
@given(st.lists(SALES, min_size=1, max_size=3))
def test_evaluating_at_the_due_instants_is_all_that_is_needed(
    sales: list[tuple[datetime | None, datetime | None]],
) -> None:
    sizes = ("S", "M", "L")
    children = [
        member(
            f"c{at}",
            "p",
            size=sizes[at],
            sale="8",
            discount_from=None if begins is None else begins.isoformat(),
            discount_until=None if ends is None else ends.isoformat(),
        )
        for at, (begins, ends) in enumerate(sales)
    ]
    first = NOW - timedelta(hours=80)
    known = evaluated(member("p"), *children, at=first)
    at = first
    while at <= NOW + timedelta(hours=80):
        while known.due_at is not None and known.due_at <= at:
            known = evaluated(member("p"), *children, at=known.due_at)
        assert discounts(known) == discounts(evaluated(member("p"), *children, at=at))
        at += timedelta(hours=16)


@pytest.mark.parametrize(
    ("sale", "discount", "due"),
    [
        pytest.param({}, "8.00", None, id="without dates"),
        pytest.param({"discount_until": "2026-01-31"}, None, None, id="over"),
        pytest.param({"discount_from": "2030-12-01T00:00+0000"}, None, "2030-12-01", id="to come"),
        pytest.param(
            {"discount_from": "2026-01-01T00:00+0000", "discount_until": "2030-12-31T00:00+0000"},
            "8.00",
            "2030-12-31",
            id="on",
        ),
        pytest.param({"discount_until": "2026-11-26"}, "8.00", "2026-11-27", id="its last day"),
        pytest.param({"discount_until": "2026-11-26T12:00Z"}, None, None, id="ends now"),
        pytest.param({"discount_from": "2026-11-26T12:00Z"}, "8.00", None, id="begins now"),
        pytest.param({"discount_from": 1764158400}, "8.00", None, id="seconds since 1970"),
        pytest.param({"sale": "", "discount_until": "2030-01-01"}, None, None, id="no sale price"),
        pytest.param(
            {"sale": "n/a", "discount_until": "2026-01-01"}, None, None, id="bad but over"
        ),
        pytest.param({"sale": "", "discount_until": "soon"}, None, None, id="a date of nothing"),
    ],
)
def test_a_sale_price_is_sent_while_it_holds(
    sale: dict[str, Any], discount: str | None, due: str | None
) -> None:
    result = evaluated(member("a", **({"sale": "8"} | sale)))
    assert errors(result) == []
    assert discounts(result) == {"a": discount}
    expected = None if due is None else datetime.fromisoformat(due).replace(tzinfo=UTC)
    assert result.due_at == expected


@pytest.mark.parametrize(
    ("sale", "field_name", "shown"),
    [
        ({"discount_until": "soon"}, "discount_until", "soon"),
        ({"discount_from": "01/02/2026"}, "discount_from", "01/02/2026"),
        ({"discount_from": "2026-02-30"}, "discount_from", "2026-02-30"),
        (
            {"discount_from": "2026-12-02", "discount_until": "2026-11-30"},
            "discount_until",
            "2026-12-02T00:00:00+00:00/2026-12-01T00:00:00+00:00",
        ),
    ],
)
def test_a_date_that_cannot_be_used_is_an_issue_and_no_discount(
    sale: dict[str, str], field_name: str, shown: str
) -> None:
    match = {"price": {"field": "price_es"}, "discount_price": {"field": "sale_es"}}
    result = evaluated(
        member("a", sale="8", price_es="9", sale_es="7", **sale), country_prices={"ES": match}
    )
    (issue,) = [issue for issue in result.issues if issue.severity == "error"]
    assert (issue.rule, issue.field) == ("M3.9", f"sku_info_list > {field_name}")
    assert (issue.value, issue.sku) == (shown, "a")
    assert result.offers is not None
    assert (result.offers[0].price, discounts(result)) == ("10.00", {"a": None})
    assert result.offers[0].country_prices[0].discount_price is None


def test_a_countrys_sale_price_has_the_same_dates() -> None:
    match = {"price": {"field": "price_es"}, "discount_price": {"field": "sale_es"}}
    fields = {"price_es": "9", "sale_es": "7", "discount_until": "2026-12-01T00:00Z"}
    for at, discount in ((NOW, "7.00"), (NOW + timedelta(days=10), None)):
        result = evaluated(member("a", **fields), country_prices={"ES": match}, at=at)
        assert result.offers is not None
        assert result.offers[0].country_prices[0].discount_price == discount
    assert evaluated(member("a", **fields), country_prices={"ES": match}).due_at is not None


def test_dates_are_matched_as_anything_else_and_read_in_the_feeds_time_zone() -> None:
    result = evaluated(
        member("a", sale="8", sale_end="27.11.2026"),
        attributes={"discount_until": {"field": "sale_end"}},
        units={"time_zone": "America/New_York"},
    )
    assert result.due_at == datetime(2026, 11, 28, 5, tzinfo=UTC)
    assert discounts(result) == {"a": "8.00"}


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "../../etc/passwd", "", "utc+1", "/etc/localtime"]
)
def test_a_time_zone_is_one_of_the_iana_database(name: str) -> None:
    with pytest.raises(ValidationError, match="time_zone"):
        feed(units={"time_zone": name})
