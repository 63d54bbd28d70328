"""Until when an order is to be shipped (M8.5). Pure."""

from datetime import datetime, timedelta

from common.contracts.order import Order
from order_importer.orders.status import SHIPPABLE

USUAL_PREPARATION = timedelta(days=3)
"""A shop's time to ship, where neither it nor the installation says another."""


def due_at(order: Order, ship_before: datetime | None, preparation: timedelta) -> datetime | None:
    """AliExpress's own deadline, else the payment and the shop's preparation time after it.

    None for an order that does not wait for shipment. One that has no payment counts from when it
    was placed.
    """
    if order.status != SHIPPABLE:
        return None
    return ship_before or (order.paid_at or order.placed_at) + preparation
