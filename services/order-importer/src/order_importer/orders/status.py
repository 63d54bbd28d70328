"""What an AliExpress order status means to the channel (M8.2). Pure."""

from common.contracts.order import OrderStatus

SHIPPABLE: OrderStatus = "waiting_shipment"
"""The only status in which an order may be shipped (M8.4)."""

_STATUS: dict[str, OrderStatus] = {
    "RISK_CONTROL": "new",
    "SELLER_PART_SEND_GOODS": "waiting_shipment",
    "WAITING_SHIPMENT": "waiting_shipment",
    "WAIT_SELLER_SEND_GOODS": "waiting_shipment",
    "SHIPPED": "shipped",
    "WAIT_BUYER_ACCEPT_GOODS": "shipped",
    "FINISH": "closed",
}


def channel_status(marketplace_status: str) -> OrderStatus:
    """The channel's status; `other` for every state the map leaves out, which is never guessed."""
    return _STATUS.get(marketplace_status, "other")
