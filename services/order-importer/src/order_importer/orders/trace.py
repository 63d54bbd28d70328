"""The trace of an order: from the import that saw it first to its parcels.

Its id follows from the order's own, so every service process, and every later request to ship,
continues it without its being stored.
"""

from common.telemetry.names import SPAN_ORDER
from common.telemetry.tracing import begin_trace_about, trace_about

_KIND = "order"


def trace_of_order(merchant_id: str, shop_id: str, order_id: str) -> str:
    """The traceparent of the root of the order's trace."""
    return trace_about(_KIND, merchant_id, shop_id, order_id)


def begin_order_trace(merchant_id: str, shop_id: str, order_id: str) -> None:
    """Make its root: the order was seen first, in the import that is the span now active."""
    attributes = {
        "channel.merchant": merchant_id,
        "channel.shop": shop_id,
        "channel.order": order_id,
    }
    begin_trace_about(SPAN_ORDER, _KIND, merchant_id, shop_id, order_id, attributes=attributes)
