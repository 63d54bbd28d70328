"""`order.received`, `order.updated`, `order.shipped`: the whole order as now known."""

from datetime import datetime
from typing import ClassVar, Literal

import msgspec

from common.contracts.event import Event, ExternalId, Identifier, Revision, key_of
from common.contracts.money import Money

OrderStatus = Literal["new", "waiting_shipment", "shipped", "closed", "other"]
"""The channel's status by M8.2; `other` is every state the map leaves out, shown as itself in
`marketplace_status`."""


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: a SKU, its quantity and its exact price."""

    line_id: str
    sku_code: str
    marketplace_product_id: str
    title: str
    quantity: int
    unit_price: Money
    total: Money
    marketplace_status: str | None = None
    attributes: str | None = None


class Address(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the parcel goes, as the buyer gave it."""

    contact_name: str | None = None
    country: str | None = None
    province: str | None = None
    city: str | None = None
    postal_code: str | None = None
    street: str | None = None
    street_2: str | None = None
    phone: str | None = None


class Parcel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A shipment of ours; `line_ids` are kept by us, AliExpress knows only part and all."""

    shipment_id: str
    carrier: str
    tracking_number: str
    line_ids: list[str]
    state: Literal["pending", "sent", "confirmed", "refused"]
    shipped_at: datetime | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order with all that is known of it."""

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
    """AliExpress confirmed a shipment (M8.4)."""

    topic: ClassVar[str] = "order.shipped"

    shipment_id: str
