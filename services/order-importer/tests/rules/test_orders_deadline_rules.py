"""Deadlines: what counts as one, and when it is published."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from common.contracts.money import Money
from common.contracts.order import DueThreshold, Order, OrderLine, Parcel
from order_importer.deadlines.thresholds import (
    THRESHOLDS,
    TOLERANCE,
    Notice,
    is_to_be_shipped,
    next_moment,
    passed_threshold,
    threshold_to_publish,
)
from order_importer.orders.deadline import due_at
from order_importer.shipping.pauses import LONGEST, pause_of

DUE = datetime(2026, 11, 26, 12, tzinfo=UTC)
EURO = Money("1.00", "EUR")


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def line(number: int, status: str | None = None) -> OrderLine:
    return OrderLine(
        line_id=str(number),
        sku_code="S",
        marketplace_product_id="1",
        title="Shirt",
        quantity=1,
        unit_price=EURO,
        total=EURO,
        marketplace_status=status,
    )


WAITING = Order(
    order_id="7",
    status="waiting_shipment",
    marketplace_status="WAIT_SELLER_SEND_GOODS",
    placed_at=DUE - timedelta(days=4),
    modified_at=DUE - timedelta(days=4),
    lines=[line(1), line(2)],
    total=EURO,
)


def parcel(state: str, *line_ids: str) -> Parcel:
    return Parcel(
        shipment_id="s",
        carrier="C",
        tracking_number="T",
        line_ids=list(line_ids),
        state=state,  # type: ignore[arg-type]  # of the table
    )


@pytest.mark.parametrize(
    ("paid_at", "ship_before", "due"),
    [
        (None, None, DUE - timedelta(days=1)),
        (DUE - timedelta(days=3), None, DUE),
        (DUE - timedelta(days=3), DUE + hours(5), DUE + hours(5)),
    ],
    ids=["placed", "paid", "aliexpress"],
)
def test_aliexpress_deadline_goes_before_the_shops(
    paid_at: datetime | None, ship_before: datetime | None, due: datetime
) -> None:
    order = replace(WAITING, paid_at=paid_at)
    assert due_at(order, ship_before, timedelta(days=3)) == due


@pytest.mark.parametrize("status", ["new", "shipped", "closed", "other"])
def test_what_does_not_wait_for_shipment_has_no_deadline(status: str) -> None:
    order = replace(WAITING, status=status)
    assert due_at(order, DUE, timedelta(days=3)) is None


@pytest.mark.parametrize(
    ("left", "passed", "moment"),
    [
        (hours(24.01), None, DUE - hours(24)),
        (hours(24), "24h", DUE - hours(6)),
        (hours(6.01), "24h", DUE - hours(6)),
        (hours(6), "6h", DUE),
        (hours(0.01), "6h", DUE),
        (hours(0), "late", None),
        (hours(-50), "late", None),
    ],
)
def test_the_nearest_threshold_passed_and_the_next_moment(
    left: timedelta, passed: DueThreshold | None, moment: datetime | None
) -> None:
    assert passed_threshold(DUE, DUE - left) == passed
    assert next_moment(DUE, DUE - left) == moment


@pytest.mark.parametrize(
    ("left", "last", "published"),
    [
        pytest.param(23, None, "24h", id="first"),
        pytest.param(3, None, "6h", id="seen-late-nearest-only"),
        pytest.param(-3, None, "late", id="seen-when-late"),
        pytest.param(30, None, None, id="far"),
        pytest.param(23, ("24h", 24), None, id="once"),
        pytest.param(6, ("24h", 24), "6h", id="next"),
        pytest.param(0, ("6h", 3), "late", id="late"),
        pytest.param(-90, ("late", 0), None, id="late-once"),
        pytest.param(23, ("6h", 23.5), None, id="later-within-a-passed-threshold"),
        pytest.param(6, ("6h", 23.5), "6h", id="later-armed-again"),
        pytest.param(24, ("late", 40), "24h", id="much-later-all-armed"),
        pytest.param(4, ("24h", 24), "6h", id="earlier"),
        pytest.param(24, ("24h", 24.05), None, id="jitter"),
        pytest.param(-0.1, ("late", 0.05), None, id="jitter-late"),
    ],
)
def test_what_is_published_after_what(
    left: float, last: tuple[DueThreshold, float] | None, published: DueThreshold | None
) -> None:
    """`last` is a threshold and how long before the deadline, as it is now, it was published."""
    notice = None if last is None else Notice(last[0], DUE - hours(last[1]))
    assert threshold_to_publish(DUE, DUE - hours(left), notice) == published


@given(st.lists(st.integers(-3_000, 3_000), min_size=1, max_size=60))
def test_each_threshold_once_however_often_the_deadline_is_looked_at(minutes: list[int]) -> None:
    published: list[DueThreshold] = []
    last: Notice | None = None
    for minute in sorted(minutes):
        now = DUE + timedelta(minutes=minute)
        threshold = threshold_to_publish(DUE, now, last)
        if threshold is not None:
            published.append(threshold)
            last = Notice(threshold, now)
    assert published == [one for one in THRESHOLDS if one in published]
    assert published[-1:] == [one for one in [passed_threshold(DUE, now)] if one]


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(-2_000, 2_000)), min_size=1, max_size=60)
)
def test_what_is_published_is_new_of_its_deadline(steps: list[tuple[int, int]]) -> None:
    """The deadline moves to and fro; nothing as near is published twice after one moment, and what
    has passed is never left unpublished."""
    now, due, last = DUE - hours(48), DUE, None
    for minutes, moved in steps:
        now += timedelta(minutes=minutes)
        due += timedelta(minutes=moved)
        threshold = threshold_to_publish(due, now, last)
        passed = passed_threshold(due, now)
        if threshold is not None:
            assert threshold == passed
            moment = due - THRESHOLDS[threshold]
            assert moment <= now
            assert (
                last is None
                or last.notified_at < moment - TOLERANCE
                or THRESHOLDS[last.threshold] > THRESHOLDS[threshold]
            )
            last = Notice(threshold, now)
        elif passed is not None:
            assert last is not None
            assert THRESHOLDS[last.threshold] <= THRESHOLDS[passed]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, True, id="nothing-shipped"),
        pytest.param({"parcels": [parcel("pending", "1", "2")]}, False, id="all-pending"),
        pytest.param({"parcels": [parcel("sent", "1"), parcel("confirmed", "2")]}, False, id="all"),
        pytest.param({"parcels": [parcel("pending", "1")]}, True, id="one-left"),
        pytest.param({"parcels": [parcel("refused", "1", "2")]}, True, id="refused"),
        pytest.param(
            {"parcels": [parcel("pending", "1")], "lines": [line(1), line(2, "FINISH")]},
            False,
            id="the-other-cancelled",
        ),
        pytest.param({"frozen_status": "IN_FROZEN"}, False, id="frozen"),
        pytest.param({"issue_status": "IN_ISSUE"}, False, id="disputed"),
        pytest.param({"marketplace_status": "IN_CANCEL", "status": "other"}, False, id="cancel"),
    ],
)
def test_an_order_is_to_be_shipped_while_a_line_is_left(
    change: dict[str, object], expected: bool
) -> None:
    assert is_to_be_shipped(replace(WAITING, **change)) is expected


def test_a_shop_without_answers_is_tried_every_minute_at_least() -> None:
    assert [pause_of(failures).total_seconds() for failures in (1, 2, 3, 7, 8)] == [
        0.5, 1, 2, 32, 60,
    ]  # fmt: skip
    assert pause_of(10_000) == LONGEST
