"""Orders as REST shows them: the contract's order, beside its shop and revision."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from common.contracts.order import OrderStatus
from order_importer.orders.store import StoredOrder


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class MoneyView(_View):
    """An exact decimal amount and its ISO 4217 currency."""

    amount: str
    currency: str


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


class AddressView(_View):
    """Where the parcel goes."""

    contact_name: str | None
    country: str | None
    province: str | None
    city: str | None
    postal_code: str | None
    street: str | None
    street_2: str | None
    phone: str | None


class ParcelView(_View):
    """A shipment of ours and the lines in it."""

    shipment_id: str
    carrier: str
    tracking_number: str
    line_ids: list[str]
    state: str
    shipped_at: datetime | None


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
    erased_at: datetime | None
    parcels: list[ParcelView]


class OrderView(OrderBody):
    """An order of a shop, at a revision that rises with every change."""

    shop_id: str
    revision: int


def view_of(stored: StoredOrder) -> OrderView:
    body = OrderBody.model_validate(stored.order)
    return OrderView(shop_id=stored.shop_id, revision=stored.revision, **dict(body))
