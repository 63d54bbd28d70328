"""Orders as the platform keeps them, by seller, by creation and by change."""

import bisect
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from sandbox.orders import lifecycle


class Buyer(msgspec.Struct):
    """Who ordered and where to."""

    login_id: str
    name: str
    phone_country: str
    mobile: str
    country: str
    country_name: str
    province: str
    city: str
    street: str
    zip: str


class Line(msgspec.Struct):
    """A child order: one SKU; the price is a decimal text."""

    child_id: int
    product_id: int
    sku_code: str
    title: str
    image: str
    quantity: int
    unit_price: str
    attributes: str
    ship_days: int

    @property
    def amount(self) -> Decimal:
        """Price times quantity."""
        return Decimal(self.unit_price) * self.quantity


class Parcel(msgspec.Struct):
    """One shipment as the seller declared it."""

    service_name: str
    logistics_no: str
    send_type: str
    tracking_website: str
    sent_at: datetime


class Order(msgspec.Struct):
    """An order; `number` is stable for a seed, whatever ids and times are."""

    id: int
    number: str
    seller_id: str
    buyer: Buyer
    lines: list[Line]
    currency: str
    shipping_amount: str
    strategy: str
    service_name: str
    created_at: datetime
    modified_at: datetime
    status: str = lifecycle.PLACED
    journey: str = "plain"
    returns_to: str = lifecycle.TO_SEND
    paid_at: datetime | None = None
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str = ""
    is_refunded: bool = False
    has_issue: bool = False
    is_stock_taken: bool = False
    is_all_sent: bool = False
    parcels: list[Parcel] = []
    due_at: datetime | None = None
    memo: str = ""

    @property
    def goods_amount(self) -> Decimal:
        """What the lines cost together."""
        return sum((line.amount for line in self.lines), Decimal())

    @property
    def pay_amount(self) -> Decimal:
        """Goods and shipping."""
        return self.goods_amount + Decimal(self.shipping_amount)

    @property
    def ship_days(self) -> int:
        """Days to ship in: the longest of its lines."""
        return max(line.ship_days for line in self.lines)


Moments = list[tuple[datetime, int, Order]]
"""Orders sorted by a moment; the id keeps two of the same moment apart."""


class OrderIndex:
    """One seller's orders, by creation and by change."""

    def __init__(self) -> None:
        self._by_creation: Moments = []
        self._by_change: Moments = []

    def add(self, order: Order) -> None:
        """Take an order in."""
        bisect.insort(self._by_creation, (order.created_at, order.id, order))
        bisect.insort(self._by_change, (order.modified_at, order.id, order))

    def touch(self, order: Order, moment: datetime) -> None:
        """Record that an order changed."""
        del self._by_change[_place(self._by_change, order.modified_at, order.id)]
        order.modified_at = moment
        bisect.insort(self._by_change, (moment, order.id, order))

    def created_between(self, start: datetime | None, end: datetime | None) -> list[Order]:
        """Orders created from `start` to `end`, both included, newest first."""
        return _between(self._by_creation, start, end)

    def changed_between(self, start: datetime | None, end: datetime | None) -> list[Order]:
        """Orders changed from `start` to `end`, both included, newest first."""
        return _between(self._by_change, start, end)


def _place(index: Moments, moment: datetime, order_id: int) -> int:
    return bisect.bisect_left(index, (moment, order_id), key=lambda entry: entry[:2])


def _between(index: Moments, start: datetime | None, end: datetime | None) -> list[Order]:
    low = _place(index, start, 0) if start else 0
    high = _place(index, end, 1 << 63) if end else len(index)
    found = [entry[2] for entry in index[low:high]]
    found.reverse()
    return found


class OrderRepository:
    """All orders, by id and by seller."""

    def __init__(self, orders: dict[int, Order]) -> None:
        self._orders = orders
        self._by_seller: dict[str, OrderIndex] = defaultdict(OrderIndex)
        for order in orders.values():
            self._by_seller[order.seller_id].add(order)

    def of(self, seller_id: str) -> OrderIndex:
        """A seller's orders."""
        return self._by_seller[seller_id]

    def find(self, seller_id: str, order_id: int) -> Order | None:
        """An order of this seller."""
        order = self._orders.get(order_id)
        return order if order is not None and order.seller_id == seller_id else None

    def get(self, order_id: int) -> Order | None:
        """An order of anyone."""
        return self._orders.get(order_id)

    def all(self) -> Iterator[Order]:
        """Every order, oldest first."""
        return iter(self._orders.values())

    def add(self, order: Order) -> None:
        """Take an order in."""
        self._orders[order.id] = order
        self._by_seller[order.seller_id].add(order)
