"""Which events of an order say that stock may have moved."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.money import Money
from common.contracts.order import Order, OrderLine, OrderReceived, OrderStatus, OrderUpdated
from feed_publisher.drift.moved_stock import lines_that_moved_stock

NOW = datetime(2026, 11, 26, tzinfo=UTC)
ONE = Money("1.00", "USD")
STATUSES: list[OrderStatus] = ["new", "waiting_shipment", "shipped", "closed", "other"]


def order(status: OrderStatus, **lines: str | None) -> Order:
    """An order of these SKU codes, each line in its own state at the marketplace."""
    return Order(
        order_id="1",
        status=status,
        marketplace_status="ANY",
        placed_at=NOW,
        modified_at=NOW,
        lines=[
            OrderLine(
                line_id=code,
                sku_code=code,
                marketplace_product_id="1",
                title=code,
                quantity=1,
                unit_price=ONE,
                total=ONE,
                marketplace_status=state,
            )
            for code, state in lines.items()
        ],
        total=ONE,
    )


def moved(status: OrderStatus, previous: OrderStatus | None, **lines: str | None) -> list[str]:
    event = OrderUpdated(
        merchant_id="m",
        shop_id="s",
        revision=1,
        order=order(status, **lines),
        previous_status=previous,
    )
    return [line.sku_code for line in lines_that_moved_stock(event)]


@given(status=st.sampled_from(STATUSES))
def test_a_new_order_took_stock_however_far_it_is_when_it_is_first_seen(
    status: OrderStatus,
) -> None:
    event = OrderReceived(merchant_id="m", shop_id="s", revision=1, order=order(status, a=None))
    assert [line.sku_code for line in lines_that_moved_stock(event)] == ["a"]


@pytest.mark.parametrize(
    ("previous", "status", "may_have_moved"),
    [
        ("waiting_shipment", "shipped", False),
        ("waiting_shipment", "waiting_shipment", False),  # a parcel of ours
        ("shipped", "shipped", False),
        ("shipped", "waiting_shipment", False),
        ("other", "new", True),  # paid: by payments, that takes the stock
        ("other", "shipped", True),  # paid and shipped between two readings
        ("new", "waiting_shipment", True),
        ("new", "shipped", True),
        ("new", "closed", True),
        ("waiting_shipment", "closed", True),
        ("waiting_shipment", "other", True),
        ("shipped", "closed", True),
        ("closed", "closed", True),
        (None, "shipped", True),  # published again, or by an importer that names no status before
        (None, "closed", True),
    ],
)
def test_which_change_of_an_order_may_have_moved_stock(
    previous: OrderStatus | None, status: OrderStatus, may_have_moved: bool
) -> None:
    assert moved(status, previous, a=None, b="SOME_STATE") == ["a", "b"] * may_have_moved


@pytest.mark.parametrize("status", ["waiting_shipment", "shipped"])
def test_a_line_that_ended_by_itself_may_have_put_its_stock_back(status: OrderStatus) -> None:
    ended = {"a": "WAIT_BUYER_ACCEPT_GOODS", "b": "FINISH", "c": None}
    assert moved(status, "waiting_shipment", **ended) == ["b"]
