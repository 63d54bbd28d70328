"""Facts of an order that its details state: variants, cancellations, refunds, discounts, totals."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliexpress import order_parts
from aliexpress import orders as wire
from aliexpress.addresses import CustomsData, Passport
from aliexpress.wire import Money as WireMoney
from common.contracts.money import Money
from common.contracts.order import Cancellation, Discount, Order, OrderLine, PickupPoint, Refund
from order_importer.importing.cancellations import Ending, find_cancellation, keep_cancellations
from order_importer.importing.interpret import RawOrder, fingerprint, interpret
from order_importer.importing.totals import find_difference

from .test_orders_interpret import DETAILS, LISTED, RECEIPT, but, line, made

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
REFUND = order_parts.Refund("refund_ok", WireMoney("5.00", "USD"), None, "damaged", AT)


def interpreted(*, customs: CustomsData | None = None, **changes: Any) -> Order:
    return interpret(RawOrder(LISTED, but(DETAILS, **changes), RECEIPT, customs))


def with_line(**changes: Any) -> OrderLine:
    [only] = interpreted(lines=(but(DETAILS.lines[0], **changes),)).lines
    return only


def test_a_line_shows_the_variant_that_was_bought() -> None:
    color = order_parts.VariantAttribute("Color", "Red", "Cherry", "14", "771")
    size = order_parts.VariantAttribute("Size", "XL", None, "5", "100014")
    bought = with_line(variant=(color, size), image_url="https://a/1.jpg")
    assert bought.attributes == "Color: Cherry, Size: XL"
    assert [(one.name, one.value, one.custom_value) for one in bought.variant] == [
        ("Color", "Red", "Cherry"),
        ("Size", "XL", None),
    ]
    assert bought.image_url == "https://a/1.jpg"
    assert with_line(variant=()).attributes is None


def test_refunds_of_order_and_line_are_shown() -> None:
    shown = Refund(status="refund_ok", amount=usd("5.00"), reason="damaged", refunded_at=AT)
    assert interpreted(refund=REFUND).refund == shown
    assert with_line(refund=REFUND).refund == shown
    in_coupons = but(REFUND, coupon_amount=WireMoney("0.00", "USD"))
    assert with_line(refund=in_coupons).refund == shown
    nothing = order_parts.Refund(None, None, None, None, None)
    assert with_line(refund=nothing).refund is None


@pytest.mark.parametrize(
    ("owner", "paid_by"),
    [("PLATFORM", "platform"), ("Seller ", "seller"), ("MCH_7", "MCH_7"), (None, None)],
)
def test_a_discount_says_who_pays_for_it(owner: str | None, paid_by: str | None) -> None:
    discount = order_parts.Discount(WireMoney("1.00", "USD"), owner, "coupon", "77")
    assert with_line(discounts=(discount,), discount=WireMoney("9.00", "USD")).discounts == [
        Discount(amount=usd("1.00"), paid_by=paid_by, kind="coupon", promotion_id="77")
    ]


def test_a_discount_without_its_parts_is_shown_as_a_whole() -> None:
    whole = with_line(discount=WireMoney("9.00", "USD"), discounts=()).discounts
    assert whole == [Discount(amount=usd("9.00"))]
    assert with_line(discount=WireMoney("0.00", "USD")).discounts == []


def test_the_order_shows_settlement_funds_pick_up_and_customs_data() -> None:
    passport = Passport("X1", "Ada", None, "Lindqvist", "1990-01-01", "Oslo", "2020-01-01")
    order = interpreted(
        settlement_total=WireMoney("24.10", "EUR"),
        fund_status="PAY_SUCCESS",
        pickup_type="RU_OFFLINE_SELF_PICK_UP",
        pickup_code="P-7",
        tax_number="123",
        customs=CustomsData("456", passport),
    )
    assert (order.total.currency, order.settlement_total) == ("USD", Money("24.10", "EUR"))
    assert order.fund_status == "PAY_SUCCESS"
    assert order.pickup_point == PickupPoint(kind="RU_OFFLINE_SELF_PICK_UP", code="P-7")
    assert order.tax_number == "456"
    assert order.passport is not None
    assert (order.passport.number, order.passport.last_name) == ("X1", "Lindqvist")
    bare = interpreted(tax_number="123", customs=CustomsData(None, None))
    assert (bare.tax_number, bare.passport, bare.pickup_point) == ("123", None, None)


# Cancelled lines ---------------------------------------------------------------------------------

CANCELLED_BY_BUYER = Refund(amount=Money("10.00", "USD"), reason="buyer_cancel_order")
OPEN = Ending("WAIT_SELLER_SEND_GOODS", None)


@pytest.mark.parametrize(
    ("ending", "line_status", "refund", "reason"),
    [
        pytest.param(OPEN, "WAIT_SELLER_SEND_GOODS", None, False, id="goes-on"),
        pytest.param(OPEN, "IN_CANCEL", None, False, id="asks-to-be-cancelled"),
        pytest.param(OPEN, "FINISH", None, None, id="cancelled-unpaid"),
        pytest.param(OPEN, "FINISH", CANCELLED_BY_BUYER, "buyer_cancel_order", id="cancelled"),
        pytest.param(
            Ending("FINISH", "buyer_confirm_goods"), "FINISH", None, False, id="delivered"
        ),
        pytest.param(
            Ending("FINISH", "buyer_confirm_goods"),
            "FINISH",
            CANCELLED_BY_BUYER,
            "buyer_cancel_order",
            id="delivered-without-it",
        ),
        pytest.param(
            Ending("FINISH", "buyer_confirm_goods"),
            "FINISH",
            Refund(amount=Money("9.99", "USD"), reason="buyer_cancel_order"),
            False,
            id="refunded-in-part",
        ),
        pytest.param(
            Ending("FINISH", "buyer_confirm_goods_timeout"),
            "FINISH",
            Refund(amount=Money("10.00", "USD"), reason="damaged"),
            False,
            id="refunded-as-damaged",
        ),
        pytest.param(Ending("FINISH", "end_issue"), "FINISH", None, False, id="dispute-ended"),
        pytest.param(Ending("ARCHIVE", None), "ARCHIVE", None, False, id="not-said-why"),
        *(
            pytest.param(Ending(status, why), status, None, why, id=f"{why}-{status}")
            for why in ("pay_timeout", "send_goods_timeout", "buyer_cancel_order", "risk_closed")
            for status in ("FINISH", "ARCHIVE")
        ),
    ],
)
def test_which_lines_are_cancelled(
    ending: Ending, line_status: str, refund: Refund | None, reason: str | Literal[False] | None
) -> None:
    found = find_cancellation(ending, line_status, 2, Decimal("10.00"), refund)
    assert found == (None if reason is False else Cancellation(quantity=2, reason=reason))


def test_a_line_cancelled_before_the_end_stays_cancelled_after_it() -> None:
    first, second = but(DETAILS.lines[0], line_id="7"), but(DETAILS.lines[0], line_id="8")
    known = interpreted(lines=(but(first, status="FINISH"), second))
    lines = (but(first, status="FINISH"), but(second, status="FINISH"))
    read = interpreted(lines=lines, status="FINISH", end_reason="buyer_confirm_goods")
    assert [one.cancellation for one in read.lines] == [None, None]
    kept = keep_cancellations(known, read)
    assert [one.cancellation for one in kept.lines] == [Cancellation(quantity=2), None]
    assert keep_cancellations(kept, read) == kept

    withdrawn = interpreted(lines=(first, second))
    assert keep_cancellations(known, withdrawn) == withdrawn


def test_a_line_is_cancelled_where_all_that_was_paid_for_it_went_back() -> None:
    line_of_discount = but(
        DETAILS.lines[0],
        status="FINISH",
        discount=WireMoney("3.99", "USD"),
        refund=order_parts.Refund(
            "refund_ok", WireMoney("20.00", "USD"), None, "buyer_cancel_order", AT
        ),
    )
    delivered = {"status": "FINISH", "end_reason": "buyer_confirm_goods"}
    [cancelled] = interpret(
        RawOrder(LISTED, but(DETAILS, lines=(line_of_discount,), **delivered), RECEIPT)
    ).lines
    assert cancelled.total == usd("23.99")
    assert cancelled.cancellation == Cancellation(quantity=2, reason="buyer_cancel_order")


# Totals ------------------------------------------------------------------------------------------


def usd(amount: str) -> Money:
    return Money(amount, "USD")


def an_order(total: str, lines: list[str], **parts: Any) -> Order:
    return Order(
        order_id="1",
        status="new",
        marketplace_status="RISK_CONTROL",
        placed_at=AT,
        modified_at=AT,
        total=usd(total),
        lines=[
            OrderLine(
                line_id=str(number),
                sku_code="",
                marketplace_product_id="",
                title="",
                quantity=1,
                unit_price=usd(amount),
                total=usd(amount),
            )
            for number, amount in enumerate(lines)
        ],
        **parts,
    )


@pytest.mark.parametrize(
    ("total", "lines", "shipping", "discount", "calculated"),
    [
        pytest.param("12.00", ["10.00"], "2.00", None, None, id="equal"),
        pytest.param("12", ["10.000"], "2.0", None, None, id="equal-otherwise-written"),
        pytest.param("11.50", ["10.00"], "2.00", "0.50", None, id="with-discount"),
        pytest.param("10.00", ["3.333", "3.333", "3.333"], None, None, None, id="below-a-cent"),
        pytest.param("10.01", ["10.00"], None, None, "10.00", id="a-cent-more"),
        pytest.param("9.99", ["10.00"], None, None, "10.00", id="a-cent-less"),
        pytest.param("10.00", ["10.00"], "2.00", None, "12.00", id="shipping-left-out"),
        pytest.param("1000", ["900"], "101", None, "1001", id="without-cents"),
    ],
)
def test_totals_are_compared_to_the_cent(
    total: str, lines: list[str], shipping: str | None, discount: str | None, calculated: str | None
) -> None:
    parts = {"shipping_cost": shipping, "discount": discount}
    order = an_order(total, lines, **{name: usd(p) for name, p in parts.items() if p})
    found = find_difference(order)
    if calculated is None:
        assert found is None
    else:
        assert found is not None
        assert (found.stated, found.calculated) == (usd(total), usd(calculated))


def test_discounts_of_lines_count_where_the_order_states_none() -> None:
    off = [Discount(amount=usd("1.00")), Discount(amount=usd("0.50"))]
    order = an_order("8.50", ["10.00"])
    assert find_difference(order) is not None
    lines = [msgspec.structs.replace(order.lines[0], discounts=off)]
    order = msgspec.structs.replace(order, lines=lines)
    assert find_difference(order) is None
    assert find_difference(msgspec.structs.replace(order, discount=usd("0.00"))) is None
    assert find_difference(msgspec.structs.replace(order, discount=usd("2.00"))) is not None


def test_amounts_of_several_currencies_are_not_compared() -> None:
    order = an_order("8.50", ["10.00"], shipping_cost=Money("1.00", "EUR"))
    assert find_difference(order) is None


cents = st.integers(0, 10**9).map(lambda number: Decimal(number).scaleb(-2))


@given(st.lists(cents, min_size=1, max_size=5), cents, st.integers(-500, 500))
def test_any_difference_of_a_cent_is_marked_and_nothing_else(
    lines: list[Decimal], shipping: Decimal, off_by: int
) -> None:
    total = sum(lines, shipping) + Decimal(off_by).scaleb(-2)
    order = an_order(
        f"{total:f}", [f"{one:f}" for one in lines], shipping_cost=usd(f"{shipping:f}")
    )
    found = find_difference(order)
    assert (found is not None) is (off_by != 0)
    if found is not None:
        assert found.stated.decimal() - found.calculated.decimal() == Decimal(off_by).scaleb(-2)


def test_a_wrong_total_is_shown_as_stated() -> None:
    order = interpreted(total=WireMoney("99.00", "USD"))
    assert order.total == usd("99.00")
    assert order.totals_differ is not None
    assert order.totals_differ.calculated == usd("25.98")
    assert interpreted().totals_differ is None


# Upgrades ----------------------------------------------------------------------------------------


def test_an_order_without_the_new_facts_keeps_the_fingerprint_it_was_stored_with() -> None:
    """What version 1 stored, and its fingerprint, of an order that states none of them."""
    details = made(
        wire.OrderDetails,
        order_id="1",
        status="RISK_CONTROL",
        created_at=AT,
        total=WireMoney("10.00", "USD"),
        lines=(
            line(
                wire.OrderDetailLine,
                product_id="10",
                sku_code="A",
                name="Coat",
                quantity=1,
                price=WireMoney("10.00", "USD"),
            ),
        ),
        parcels=(),
    )
    order = interpret(RawOrder(None, details, RECEIPT))
    stored = (
        b'{"order_id":"1","status":"new","marketplace_status":"RISK_CONTROL",'
        b'"placed_at":"2026-11-24T12:00:00Z","modified_at":"2026-11-24T12:00:00Z",'
        b'"lines":[{"line_id":"7","sku_code":"A","marketplace_product_id":"10","title":"Coat",'
        b'"quantity":1,"unit_price":{"amount":"10.00","currency":"USD"},'
        b'"total":{"amount":"10.00","currency":"USD"}}],"total":{"amount":"10.00","currency":"USD"},'
        b'"address":{"contact_name":"Ada","country":"ES","street":"Calle 1","phone":"+34 6"}}'
    )
    assert msgspec.json.decode(stored, type=Order) == order
    assert msgspec.json.encode(order) == stored
    refunded = msgspec.structs.replace(order, refund=Refund(status="wait_refund"))
    assert fingerprint(refunded) != fingerprint(order)
