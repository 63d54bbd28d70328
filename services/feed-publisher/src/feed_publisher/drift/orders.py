"""Takes in `order.received` and `order.updated`: they say which stock buyers moved (M7.7).

An event only marks: which SKUs may have moved, never by how much. So neither the events' order nor
their repetition matters, and the shop's stock becomes the catalogue's with the next offer run
(decision 14).
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from common import clock
from common.contracts.order import OrderReceived, OrderUpdated
from common.messaging.dead_letters import erase_kept
from common.messaging.records import Delivery, NotApplied, Subscription
from common.postgres.pool import Connection
from common.postgres.schedules import hasten_schedule
from feed_publisher.desired.feeds.rhythm import OFFER_SCHEDULE
from feed_publisher.desired.store import mark_sold_skus
from feed_publisher.drift.moved_stock import lines_that_moved_stock

GROUP = "feed-publisher.orders"
ORDER_TOPICS = (OrderReceived.topic, OrderUpdated.topic)

SoldSku = tuple[str, str, str]
"""Merchant, shop and SKU code."""


class MovedStock:
    """The handlers of the consumer group. An offer run is due `run_after` an order at the latest:
    until then the merchant's own systems may send the stock they have left."""

    def __init__(self, *, run_after: timedelta) -> None:
        self._run_after = run_after

    def subscriptions(self) -> list[Subscription]:
        """Topics and what handles them."""
        return [
            Subscription(OrderReceived, self.on_order_received),
            Subscription(OrderUpdated, self.on_order_updated),
        ]

    async def on_order_received(
        self, connection: Connection, deliveries: Sequence[Delivery[OrderReceived]]
    ) -> Sequence[NotApplied]:
        """A new order took stock."""
        sold = {sku for d in deliveries for sku in _skus_of(d.event)}
        await self._mark(connection, sold)
        return ()

    async def on_order_updated(
        self, connection: Connection, deliveries: Sequence[Delivery[OrderUpdated]]
    ) -> Sequence[NotApplied]:
        """A payment may have taken stock; a cancellation, return or expiry may have put it back; a
        parcel does neither. Whose buyer was erased, of it nothing is kept here either (M8.6)."""
        sold = {sku for d in deliveries for sku in _skus_of(d.event)}
        await self._mark(connection, sold)
        erased = [d.event.key().encode() for d in deliveries if d.event.order.erased_at is not None]
        if erased:
            await erase_kept(connection, ORDER_TOPICS, erased)
        return ()

    async def _mark(self, connection: Connection, sold: set[SoldSku]) -> None:
        due_by = clock.now() + self._run_after
        for merchant_id, feed_id in await mark_sold_skus(connection, sold):
            await hasten_schedule(connection, OFFER_SCHEDULE, merchant_id, feed_id, due_by=due_by)


def _skus_of(event: OrderReceived | OrderUpdated) -> Iterator[SoldSku]:
    lines = lines_that_moved_stock(event)
    return ((event.merchant_id, event.shop_id, line.sku_code) for line in lines)
