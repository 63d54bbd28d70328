"""The kinds of conditions that order-importer sees."""

from collections.abc import Sequence

from common.conditions import Observer
from order_importer.conditions import store

OBSERVERS: Sequence[Observer] = (
    Observer("orders_failing", store.ORDERS_FAILING, lambda now: (now,)),
    Observer("order_due", store.ORDER_DUE, lambda now: (now,)),
    Observer("order_late", store.ORDER_LATE, lambda now: (now,)),
    Observer("order_unreadable", store.ORDER_UNREADABLE),
    Observer("parcel_refused", store.PARCEL_REFUSED, lambda now: (now,)),
)
