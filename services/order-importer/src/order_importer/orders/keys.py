"""What orders are named by."""

from common.postgres.set_aside import RowKey

OrderKey = tuple[str, str, str]
"""(merchant, shop, order)."""


def row_key(key: OrderKey) -> RowKey:
    """What jobs call an order's row."""
    merchant_id, shop_id, order_id = key
    return RowKey(merchant_id, f"{shop_id}/{order_id}")
