"""`order.received`, `order.updated`, `order.shipped`, `order.due`: the whole order as now known."""

from datetime import datetime
from typing import ClassVar, Literal

import msgspec

from common.contracts.event import Event, ExternalId, Identifier, Revision, key_of
from common.contracts.money import Money

OrderStatus = Literal["new", "waiting_shipment", "shipped", "closed", "other"]
"""The channel's status by M8.2; `other` is every state the map leaves out, shown as itself in
`marketplace_status`."""


ParcelOrigin = Literal["channel", "marketplace"]
"""Whether a parcel was made here, or at AliExpress, in its seller centre."""


class VariantAttribute(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attribute of the SKU that was bought, as Color: `value` is the category's own, and
    `custom_value` the seller's text for it."""

    name: str
    value: str | None = None
    custom_value: str | None = None


class Discount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was taken off a line. `paid_by` is `platform`, `seller`, or AliExpress's word for
    somebody else; `kind` and `promotion_id` are AliExpress's."""

    amount: Money
    paid_by: str | None = None
    kind: str | None = None
    promotion_id: str | None = None


class Refund(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Money that goes or went back to the buyer. `status` is AliExpress's: `wait_refund`,
    `refund_ok`, `refund_cancel`, `close` or `refund_frozen`; `amount` is cash."""

    status: str | None = None
    amount: Money | None = None
    coupon_amount: Money | None = None
    reason: str | None = None
    refunded_at: datetime | None = None


class Cancellation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line that was cancelled, always the whole of it; `reason` is AliExpress's word."""

    quantity: int
    reason: str | None = None


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: a SKU, its quantity and its exact price.

    `marketplace_status` is its state in AliExpress's words; `attributes` says the `variant` in one
    text. `total` is as AliExpress states it, whatever was cancelled or refunded since.
    """

    line_id: str
    sku_code: str
    marketplace_product_id: str
    title: str
    quantity: int
    unit_price: Money
    total: Money
    marketplace_status: str | None = None
    attributes: str | None = None
    variant: list[VariantAttribute] = msgspec.field(default_factory=list)
    image_url: str | None = None
    discounts: list[Discount] = msgspec.field(default_factory=list)
    cancellation: Cancellation | None = None
    refund: Refund | None = None


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the parcel goes, as the buyer gave it.

    `is_masked`: parts of it hold stars, as AliExpress shows them. `is_outdated`: it is in clear,
    but AliExpress shows another one since, which it masks; the seller centre shows it.
    """

    contact_name: str | None = None
    country: str | None = None
    province: str | None = None
    city: str | None = None
    postal_code: str | None = None
    street: str | None = None
    street_2: str | None = None
    phone: str | None = None
    is_masked: bool = False
    is_outdated: bool = False


class Passport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The buyer's passport, where customs ask for it; dates as AliExpress writes them."""

    number: str
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    birthday: str | None = None
    authority: str | None = None
    issued_on: str | None = None


class PickupPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The pick-up point the buyer chose, in AliExpress's words."""

    kind: str | None = None
    code: str | None = None


class TotalsDiffer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The order's total does not equal its parts: `stated` is AliExpress's, `calculated` the sum
    of lines and shipping less the discount. Neither is corrected."""

    stated: Money
    calculated: Money


class Parcel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A parcel of the order; `line_ids` are kept by us, AliExpress knows only part and all.

    One of `origin` marketplace was made in AliExpress's seller centre: its lines are not known, its
    `shipment_id` is derived from order and number, and with `gone_at` AliExpress no longer has it.

    `sent_as` is how it was sent last: after `all` AliExpress takes no further parcel. With
    `more_follow` further parcels of its lines are to come. `former_numbers` are those it had before
    its tracking number was corrected, the oldest first.
    """

    shipment_id: str
    carrier: str
    tracking_number: str
    line_ids: list[str]
    state: Literal["pending", "sent", "confirmed", "refused"]
    shipped_at: datetime | None = None
    origin: ParcelOrigin = "channel"
    gone_at: datetime | None = None
    sent_as: Literal["all", "part"] | None = None
    more_follow: bool = False
    former_numbers: list[str] = msgspec.field(default_factory=list)


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order with all that is known of it.

    `total` is in the buyer's currency, `settlement_total` what AliExpress settles it at, in the
    seller's. `fund_status` says in AliExpress's words whether it is paid.
    """

    order_id: ExternalId
    status: OrderStatus
    marketplace_status: str
    placed_at: datetime
    modified_at: datetime
    lines: list[OrderLine]
    total: Money
    paid_at: datetime | None = None
    shipping_cost: Money | None = None
    discount: Money | None = None
    fee: Money | None = None
    shipping_choice: str | None = None
    address: Address | None = None
    buyer: str | None = None
    memo: str | None = None
    ship_before: datetime | None = None
    end_reason: str | None = None
    issue_status: str | None = None
    frozen_status: str | None = None
    fund_status: str | None = None
    settlement_total: Money | None = None
    totals_differ: TotalsDiffer | None = None
    refund: Refund | None = None
    pickup_point: PickupPoint | None = None
    tax_number: str | None = None
    passport: Passport | None = None
    erased_at: datetime | None = None
    """Since when its buyer's data are erased (M8.6): whoever has a copy erases it too."""
    parcels: list[Parcel] = msgspec.field(default_factory=list)


class OrderFact(Event, frozen=True, kw_only=True):
    """What the facts about orders have in common."""

    shop_id: Identifier
    revision: Revision
    order: Order

    def key(self) -> str:
        """merchant/shop/order."""
        return key_of(self.merchant_id, self.shop_id, self.order.order_id)


class OrderReceived(OrderFact, frozen=True, kw_only=True):
    """An order was imported; once per order (M8.3)."""

    topic: ClassVar[str] = "order.received"


class OrderUpdated(OrderFact, frozen=True, kw_only=True):
    """A known order changed; once per change (M8.3).

    `previous_status` is that of the event before, the same where only a parcel changed; absent
    where an order is published again unchanged.
    """

    topic: ClassVar[str] = "order.updated"

    previous_status: OrderStatus | None = None


class OrderShipped(OrderFact, frozen=True, kw_only=True):
    """AliExpress has a parcel: it confirmed a shipment of ours, or shows one made in its seller
    centre. Once per `shipment_id` (M8.4)."""

    topic: ClassVar[str] = "order.shipped"

    shipment_id: str


DueThreshold = Literal["24h", "6h", "late"]
"""How near the deadline is: at most a day, at most six hours, or passed."""


class OrderDue(OrderFact, frozen=True, kw_only=True):
    """An order that is still to be shipped has come near its deadline (M8.5).

    Once per threshold and deadline; the nearest alone where several are passed at once. `due_at` is
    AliExpress's own deadline, or the shop's where AliExpress names none. `hours_left` are whole
    hours, rounded towards zero, negative from an hour after the deadline on.
    """

    topic: ClassVar[str] = "order.due"

    due_at: datetime
    threshold: DueThreshold
    hours_left: int
