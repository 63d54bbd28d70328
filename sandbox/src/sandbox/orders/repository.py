"""The orders, found by id, by seller, by creation and by change."""

import bisect
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from sandbox.orders.order import Order

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
