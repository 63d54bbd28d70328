"""The facts about orders: always the whole order as now known, with its revision."""

from common.contracts.order import OrderReceived, OrderShipped, OrderStatus, OrderUpdated
from order_importer.orders.store import StoredOrder

SOURCE = "/order-importer"


def received(stored: StoredOrder) -> OrderReceived:
    """Published once per order (M8.3)."""
    return OrderReceived(
        merchant_id=stored.merchant_id,
        shop_id=stored.shop_id,
        revision=stored.revision,
        order=stored.order,
    )


def updated(stored: StoredOrder, previous_status: OrderStatus | None) -> OrderUpdated:
    """Published once per change (M8.3)."""
    return OrderUpdated(
        merchant_id=stored.merchant_id,
        shop_id=stored.shop_id,
        revision=stored.revision,
        order=stored.order,
        previous_status=previous_status,
    )


def parcel_updated(stored: StoredOrder) -> OrderUpdated:
    """Published when a parcel of ours changed: AliExpress's status is as it was."""
    return updated(stored, stored.order.status)


def published_again(stored: StoredOrder) -> OrderUpdated:
    """Published at the same revision, as an operator asked: whoever missed what has it."""
    return updated(stored, None)


def shipped(stored: StoredOrder, shipment_id: str) -> OrderShipped:
    """Published once per parcel that AliExpress accepted (M8.4)."""
    return OrderShipped(
        merchant_id=stored.merchant_id,
        shop_id=stored.shop_id,
        revision=stored.revision,
        order=stored.order,
        shipment_id=shipment_id,
    )
