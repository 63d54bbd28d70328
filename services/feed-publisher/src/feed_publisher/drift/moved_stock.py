"""Which lines of an order AliExpress may have moved the stock of. Pure."""

from collections.abc import Sequence

from common.contracts.order import OrderLine, OrderReceived, OrderStatus, OrderUpdated

PAID: frozenset[OrderStatus] = frozenset({"waiting_shipment", "shipped"})
"""Between these only parcels change: the stock was taken before, and another state puts it back."""
ENDED = "FINISH"


def lines_that_moved_stock(event: OrderReceived | OrderUpdated) -> Sequence[OrderLine]:
    """All lines, or those that ended by themselves where an order was paid before and still is.

    It is decided by the event alone, so it is the same whatever came before or comes again.
    """
    if event.order.erased_at is not None:
        return []
    if isinstance(event, OrderReceived) or not {event.previous_status, event.order.status} <= PAID:
        return event.order.lines
    return [line for line in event.order.lines if line.marketplace_status == ENDED]
