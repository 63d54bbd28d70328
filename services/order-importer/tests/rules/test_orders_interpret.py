from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliexpress import orders as wire
from aliexpress.wire import Money
from common.contracts.order import Order
from order_importer.importing.given import Uninterpretable
from order_importer.importing.interpret import (
    RawOrder,
    fingerprint,
    interpret,
    is_settled,
    listed_fingerprint,
    ship_before,
)

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def made(struct: type[Any], **fields: object) -> Any:
    """A wire struct of which only this was sent."""
    return struct(**{**dict.fromkeys(struct.__struct_fields__), "raw": "{}", **fields})


def line(struct: type[Any], **fields: object) -> Any:
    return struct(**{**dict.fromkeys(struct.__struct_fields__), "line_id": "7", **fields})


DETAILS = made(
    wire.OrderDetails,
    order_id="1",
    status="WAIT_SELLER_SEND_GOODS",
    created_at=AT,
    modified_at=AT,
    total=Money("25.98", "USD"),
    shipping=Money("1.99", "USD"),
    buyer_login="es1",
    lines=(
        line(
            wire.OrderDetailLine,
            product_id="10",
            sku_code="SHIRT",
            name="Shirt",
            quantity=2,
            price=Money("11.995", "USD"),
        ),
    ),
    parcels=(),
)
LISTED = made(
    wire.Order,
    order_id="1",
    status="WAIT_SELLER_SEND_GOODS",
    created_at=AT,
    modified_at=AT + timedelta(minutes=1),
    timeout_left=timedelta(days=3, seconds=10),
    escrow_fee=Money("0.50", "USD"),
    total=Money("25.98", "USD"),
    lines=(
        line(wire.OrderLine, total=Money("23.99", "USD"), carrier="CAINIAO_STANDARD", name="Other"),
    ),
)
RECEIPT = made(
    wire.Receipt,
    name="Ada",
    country="ES",
    detail_address="Calle 1",
    phone_country="+34",
    mobile="6",
)


def raw(**changes: object) -> RawOrder:
    parts: dict[str, Any] = {"listed": LISTED, "details": DETAILS, "receipt": RECEIPT, **changes}
    return RawOrder(**parts)


def but(struct: Any, **changes: object) -> Any:
    return msgspec.structs.replace(struct, **changes)


def test_the_order_is_read_from_details_list_and_receipt_together() -> None:
    order = interpret(raw())

    assert order.status == "waiting_shipment"
    assert order.modified_at == AT + timedelta(minutes=1)
    assert (order.fee, order.shipping_cost) == (
        msgspec.convert({"amount": "0.50", "currency": "USD"}, type(order.total)),
        msgspec.convert({"amount": "1.99", "currency": "USD"}, type(order.total)),
    )
    [only] = order.lines
    assert (only.unit_price.amount, only.total.amount, only.title) == ("11.995", "23.99", "Shirt")
    assert order.shipping_choice == "CAINIAO_STANDARD"
    assert order.address is not None
    assert order.address.phone == "+34 6"


def test_without_the_list_the_details_suffice_and_the_total_is_exact() -> None:
    [only] = interpret(raw(listed=None)).lines
    assert only.total.amount == "23.990"


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        pytest.param(
            {"details": but(DETAILS, created_at=None), "listed": but(LISTED, created_at=None)},
            "gmt_create",
            id="no-time",
        ),
        pytest.param(
            {"details": but(DETAILS, total=None), "listed": but(LISTED, total=None)},
            "order_amount",
            id="no-total",
        ),
        pytest.param(
            {"details": but(DETAILS, lines=()), "listed": None}, "no lines", id="no-lines"
        ),
        pytest.param(
            {"details": but(DETAILS, lines=(but(DETAILS.lines[0], quantity=None),))},
            "product_count",
            id="no-quantity",
        ),
        pytest.param(
            {"details": but(DETAILS, total=Money("1e9", "USD"))}, "amount", id="odd-money"
        ),
        pytest.param(
            {"details": but(DETAILS, total=Money("1.00", "dollars"))}, "currency", id="odd-currency"
        ),
    ],
)
def test_an_order_that_lacks_what_it_must_have_says_so(
    changes: dict[str, Any], missing: str
) -> None:
    with pytest.raises(Uninterpretable, match=missing):
        interpret(raw(**changes))


@pytest.mark.parametrize(
    ("change", "is_change"),
    [
        pytest.param({"modified_at": AT + timedelta(days=1)}, False, id="time-of-change"),
        pytest.param({"raw": "other"}, False, id="raw-text"),
        pytest.param({"status": "IN_CANCEL"}, True, id="status"),
        pytest.param({"memo": "call first"}, True, id="memo"),
        pytest.param({"total": Money("1.00", "USD")}, True, id="total"),
        pytest.param({"issue_status": "IN_ISSUE"}, True, id="issue"),
    ],
)
def test_the_fingerprint_changes_with_what_is_published(
    change: dict[str, Any], is_change: bool
) -> None:
    before = fingerprint(interpret(raw()))
    after = fingerprint(interpret(raw(details=but(DETAILS, **change))))
    assert (before != after) is is_change


def test_a_running_deadline_does_not_make_a_listed_order_another() -> None:
    later = but(LISTED, timeout_left=timedelta(days=2), raw="later")
    assert listed_fingerprint(later) == listed_fingerprint(LISTED)
    assert listed_fingerprint(but(LISTED, status="FINISH")) != listed_fingerprint(LISTED)


@pytest.mark.parametrize(
    ("age", "changes", "is_expected"),
    [
        pytest.param(timedelta(seconds=0), {}, False, id="just-now"),
        pytest.param(timedelta(seconds=60), {}, False, id="within-the-minute"),
        pytest.param(timedelta(seconds=-90), {}, False, id="their-clock-ahead"),
        pytest.param(timedelta(minutes=2), {}, True, id="a-while-ago"),
        pytest.param(timedelta(hours=5), {"status": "FINISH"}, False, id="one-answer-lags"),
        pytest.param(timedelta(hours=5), {"modified_at": None}, False, id="no-time"),
    ],
)
def test_whether_the_list_would_show_the_next_change(
    age: timedelta, changes: dict[str, Any], is_expected: bool
) -> None:
    listed = but(LISTED, **{"modified_at": AT, **changes})
    assert is_settled(listed, DETAILS, AT + age) is is_expected


@pytest.mark.parametrize(("minutes", "is_expected"), [(2, False), (60, False), (62, True)])
def test_in_the_repeated_hour_the_same_second_comes_again(minutes: int, is_expected: bool) -> None:
    """01:20 in Los Angeles is 08:20 and 09:20 UTC on 7 November 2027."""
    first = datetime(2027, 11, 7, 8, 20, tzinfo=UTC)
    listed = but(LISTED, modified_at=first)
    assert is_settled(listed, DETAILS, first + timedelta(minutes=minutes)) is is_expected


def test_the_deadline_is_what_is_left_to_the_minute_while_it_waits() -> None:
    order = interpret(raw())
    assert ship_before(LISTED, DETAILS, order, AT) == AT + timedelta(days=3)
    late = but(LISTED, timeout_left=timedelta(hours=-2))
    assert ship_before(late, DETAILS, order, AT) == AT - timedelta(hours=2)
    shipped = interpret(raw(details=but(DETAILS, status="WAIT_BUYER_ACCEPT_GOODS")))
    assert ship_before(LISTED, DETAILS, shipped, AT) is None


def test_where_the_list_does_not_say_the_deadline_the_details_do() -> None:
    order = interpret(raw())
    details = but(DETAILS, deadline_at=AT + timedelta(days=2))
    for listed in (None, but(LISTED, timeout_left=None)):
        assert ship_before(listed, details, order, AT) == AT + timedelta(days=2)
        assert ship_before(listed, DETAILS, order, AT) is None


@given(
    st.sets(st.sampled_from(sorted(set(DETAILS.__struct_fields__) - {"lines", "parcels"}))),
    st.sets(st.sampled_from(sorted(set(DETAILS.lines[0].__struct_fields__) - {"line_id"}))),
    st.booleans(),
)
def test_whatever_is_left_out_the_order_is_read_or_refused_with_a_reason(
    absent: set[str], absent_of_line: set[str], is_listed: bool
) -> None:
    kept = {"order_id", "status", "raw"}
    details = but(
        DETAILS,
        **dict.fromkeys(absent - kept),
        lines=(but(DETAILS.lines[0], **dict.fromkeys(absent_of_line)),),
    )
    with suppress(Uninterpretable):
        order = interpret(raw(details=details, listed=LISTED if is_listed else None))
        assert msgspec.json.decode(msgspec.json.encode(order), type=Order) == order
