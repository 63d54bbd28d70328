"""Orders as others are told of them: always the whole order as now known, with its revision."""

from common.contracts.order import OrderReceived, OrderShipped, OrderUpdated
from order_importer.orders.store import StoredOrder

SOURCE = "/order-importer"


def received(stored: StoredOrder) -> OrderReceived:
    """Told once per order (M8.3)."""
    return OrderReceived(
        merchant_id=stored.merchant_id,
        shop_id=stored.shop_id,
        revision=stored.revision,
        order=stored.order,
    )


def updated(stored: StoredOrder) -> OrderUpdated:
    """Told once per change (M8.3); again, at the same revision, only by republishing."""
    return OrderUpdated(
        merchant_id=stored.merchant_id,
        shop_id=stored.shop_id,
        revision=stored.revision,
        order=stored.order,
    )


def shipped(stored: StoredOrder, shipment_id: str) -> OrderShipped:
    """Told once per parcel that AliExpress took (M8.4)."""
    return OrderShipped(
        merchant_id=stored.merchant_id,
        shop_id=stored.shop_id,
        revision=stored.revision,
        order=stored.order,
        shipment_id=shipment_id,
    )
