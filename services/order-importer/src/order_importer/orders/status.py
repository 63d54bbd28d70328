"""What an AliExpress order status means to the channel (M8.2). Pure."""

from typing import Literal

from common.contracts.order import OrderStatus

MarketplaceStatus = Literal[
    "PLACE_ORDER_SUCCESS",
    "PAYMENT_PROCESSING",
    "WAIT_SELLER_EXAMINE_MONEY",
    "RISK_CONTROL",
    "RISK_CONTROL_HOLD",
    "WAIT_SELLER_SEND_GOODS",
    "WAITING_SHIPMENT",
    "SELLER_PART_SEND_GOODS",
    "WAIT_BUYER_ACCEPT_GOODS",
    "SHIPPED",
    "FUND_PROCESSING",
    "IN_CANCEL",
    "IN_ISSUE",
    "IN_FROZEN",
    "FINISH",
    "ARCHIVE",
]
"""The states AliExpress is known to have: what the order list can be asked for. One that comes up
later is kept and shown as itself, and found as `other`."""

AnyStatus = Literal[OrderStatus, MarketplaceStatus]
"""A status of either."""

SHIPPABLE: OrderStatus = "waiting_shipment"
"""The only status in which an order may be shipped (M8.4)."""

ENDED = frozenset({"FINISH", "ARCHIVE"})
"""AliExpress's words for orders, and lines, that are over."""

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
