"""Orders as REST shows them: the contract's order, beside its shop and revision."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from common.contracts.order import OrderStatus, ParcelOrigin
from common.telemetry.tracing import trace_id_of
from order_importer.orders.store import StoredOrder
from order_importer.orders.trace import trace_of_order


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class MoneyView(_View):
    """An exact decimal amount and its ISO 4217 currency."""

    amount: str
    currency: str


class VariantAttributeView(_View):
    """An attribute of the SKU that was bought; `custom_value` is the seller's own text."""

    name: str
    value: str | None
    custom_value: str | None


class DiscountView(_View):
    """What was taken off a line; `paid_by` is `platform`, `seller` or AliExpress's own word."""

    amount: MoneyView
    paid_by: str | None
    kind: str | None
    promotion_id: str | None


class RefundView(_View):
    """Money that goes or went back to the buyer; `status` and `reason` in AliExpress's words."""

    status: str | None
    amount: MoneyView | None
    coupon_amount: MoneyView | None
    reason: str | None
    refunded_at: datetime | None


class CancellationView(_View):
    """A line that was cancelled, and AliExpress's word for the reason."""

    quantity: int
    reason: str | None


class LineView(_View):
    """A line: a SKU, its quantity and exact price."""

    line_id: str
    sku_code: str
    marketplace_product_id: str
    title: str
    quantity: int
    unit_price: MoneyView
    total: MoneyView
    marketplace_status: str | None
    attributes: str | None
    variant: list[VariantAttributeView]
    image_url: str | None
    discounts: list[DiscountView]
    cancellation: CancellationView | None
    refund: RefundView | None


class AddressView(_View):
    """Where the parcel goes. `is_masked`: parts of it hold stars. `is_outdated`: AliExpress shows
    another one since, which it masks."""

    contact_name: str | None
    country: str | None
    province: str | None
    city: str | None
    postal_code: str | None
    street: str | None
    street_2: str | None
    phone: str | None
    is_masked: bool
    is_outdated: bool


class PassportView(_View):
    """The buyer's passport, where customs ask for it."""

    number: str
    first_name: str | None
    middle_name: str | None
    last_name: str | None
    birthday: str | None
    authority: str | None
    issued_on: str | None


class PickupPointView(_View):
    """The pick-up point the buyer chose, in AliExpress's words."""

    kind: str | None
    code: str | None


class TotalsDifferView(_View):
    """The total AliExpress states, and the sum of the order's parts, where they differ."""

    stated: MoneyView
    calculated: MoneyView


class ParcelView(_View):
    """A shipment of ours and the lines in it, or (`origin` marketplace) a parcel made in the seller
    centre, whose lines are not known; with `gone_at` AliExpress no longer has it."""

    shipment_id: str
    carrier: str
    tracking_number: str
    line_ids: list[str]
    state: str
    shipped_at: datetime | None
    origin: ParcelOrigin
    gone_at: datetime | None
    sent_as: str | None
    more_follow: bool
    former_numbers: list[str]


class OrderBody(_View):
    """The order; `status` by M8.2, `marketplace_status` AliExpress's own word."""

    order_id: str
    status: OrderStatus
    marketplace_status: str
    placed_at: datetime
    modified_at: datetime
    paid_at: datetime | None
    ship_before: datetime | None
    lines: list[LineView]
    total: MoneyView
    shipping_cost: MoneyView | None
    discount: MoneyView | None
    fee: MoneyView | None
    shipping_choice: str | None
    address: AddressView | None
    buyer: str | None
    memo: str | None
    end_reason: str | None
    issue_status: str | None
    frozen_status: str | None
    fund_status: str | None
    settlement_total: MoneyView | None
    totals_differ: TotalsDifferView | None
    refund: RefundView | None
    pickup_point: PickupPointView | None
    tax_number: str | None
    passport: PassportView | None
    erased_at: datetime | None
    parcels: list[ParcelView]


class OrderView(OrderBody):
    """An order of a shop, at a revision that rises with every change.

    While it waits for shipment `due_at` is its deadline: AliExpress's own (`ship_before`), else the
    payment and the shop's preparation time.
    """

    shop_id: str
    revision: int
    due_at: datetime | None
    trace_id: str | None
    """Of the trace that tells the order's story, from its import to its parcels."""


def view_of(stored: StoredOrder) -> OrderView:
    body = OrderBody.model_validate(stored.order)
    trace = trace_of_order(stored.merchant_id, stored.shop_id, stored.order.order_id)
    return OrderView(
        shop_id=stored.shop_id,
        revision=stored.revision,
        due_at=stored.due_at,
        trace_id=trace_id_of(trace),
        **dict(body),
    )
