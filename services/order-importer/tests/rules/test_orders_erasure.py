"""Which fields of an order are its buyer's: every field is decided about."""

import msgspec
import pytest

from common import clock
from common.contracts.money import Money
from common.contracts.order import Address, Order, OrderLine
from order_importer.orders.buyer import BUYERS, BUYERS_OF_LINE, without_buyer

SOLD = {
    "order_id",
    "status",
    "marketplace_status",
    "placed_at",
    "modified_at",
    "lines",
    "total",
    "paid_at",
    "shipping_cost",
    "discount",
    "fee",
    "shipping_choice",
    "ship_before",
    "end_reason",
    "issue_status",
    "frozen_status",
    "fund_status",
    "settlement_total",
    "totals_differ",
    "refund",
    "erased_at",
    "parcels",
}
SOLD_OF_LINE = {
    "line_id",
    "sku_code",
    "marketplace_product_id",
    "title",
    "quantity",
    "unit_price",
    "total",
    "marketplace_status",
    "attributes",
    "variant",
    "image_url",
    "discounts",
    "cancellation",
    "refund",
}


@pytest.mark.parametrize(
    ("struct", "buyers", "sold"),
    [(Order, BUYERS, SOLD), (OrderLine, BUYERS_OF_LINE, SOLD_OF_LINE)],
)
def test_every_field_is_kept_or_erased(
    struct: type[msgspec.Struct], buyers: frozenset[str], sold: set[str]
) -> None:
    """A field that is added has to be decided about: this fails until it is."""
    names = {field.name for field in msgspec.structs.fields(struct)}
    assert names == buyers | sold
    assert not buyers & sold


def test_amounts_and_lines_stay_and_of_the_address_the_country() -> None:
    now = clock.now()
    amount = Money("12.50", "USD")
    line = OrderLine(
        line_id="1",
        sku_code="A",
        marketplace_product_id="9",
        title="Hat",
        quantity=1,
        unit_price=amount,
        total=amount,
    )
    order = Order(
        order_id="8001",
        status="closed",
        marketplace_status="FINISH",
        placed_at=now,
        modified_at=now,
        lines=[line],
        total=amount,
        address=Address(contact_name="Canary", country="ES", street="Canary 1", phone="1"),
        buyer="canary",
        memo="for Canary",
    )

    erased = without_buyer(order, now)

    assert b"anary" not in msgspec.json.encode(erased)
    assert erased == msgspec.structs.replace(
        order, address=Address(country="ES"), buyer=None, memo=None, erased_at=now
    )
