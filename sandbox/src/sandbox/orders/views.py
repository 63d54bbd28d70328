"""Orders as the order list writes them; times in Pacific time."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.clock import pacific
from sandbox.orders import lifecycle
from sandbox.orders.order import Line, Order
from sandbox.sellers import Seller
from sandbox.wire import Listed

CARRIER_SHOWN = "AliExpress Standard Shipping"
PAYMENT = "ebanx101"


def listed_money(amount: Decimal, currency: str) -> dict[str, Any]:
    """Money as order lists have it."""
    return {"amount": f"{amount:.2f}", "currency_code": currency}


def fund_status(order: Order) -> str:
    """Whether an order is paid."""
    if order.status == lifecycle.EXAMINE_MONEY:
        return "WAIT_SELLER_CHECK"
    return "PAY_SUCCESS" if order.paid_at else "NOT_PAY"


def frozen_status(order: Order) -> str:
    """Whether an order is frozen."""
    return "IN_FROZEN" if order.status == lifecycle.FROZEN else "NO_FROZEN"


def issue_status(order: Order) -> str:
    """Whether an order is or was in dispute."""
    if order.status == lifecycle.DISPUTE:
        return "IN_ISSUE"
    return "END_ISSUE" if order.has_issue else "NO_ISSUE"


def logistics_status(order: Order) -> str:
    """How far an order's parcels are."""
    if is_delivered(order) and order.parcels:
        return "BUYER_ACCEPT_GOODS"
    if order.is_all_sent:
        return "SELLER_SEND_GOODS"
    if order.parcels:
        return "SELLER_SEND_PART_GOODS"
    return "WAIT_SELLER_SEND_GOODS" if order.paid_at else "NO_LOGISTICS"


def is_delivered(order: Order) -> bool:
    """Whether the buyer has it, as far as its state says."""
    return order.status in (lifecycle.FUNDS, lifecycle.FINISHED, lifecycle.ARCHIVED)


def listed_order(order: Order, seller: Seller, now: datetime) -> dict[str, Any]:
    """`order_dto` of the order list."""
    left = (order.due_at - now) if order.due_at else timedelta()
    hours = max(int(left.total_seconds() // 3600), 0)
    common = _common_of_lines(order)
    row = {
        "order_id": order.id,
        "order_status": order.status,
        "gmt_create": pacific(order.created_at),
        "gmt_update": pacific(order.modified_at),
        "pay_amount": listed_money(order.pay_amount, order.currency),
        "loan_amount": listed_money(Decimal(), order.currency),
        "logisitcs_escrow_fee_rate": "",
        "biz_type": "AE_COMMON",
        "fund_status": fund_status(order),
        "frozen_status": frozen_status(order),
        "issue_status": issue_status(order),
        "logistics_status": logistics_status(order),
        "end_reason": order.end_reason,
        "left_send_good_day": str(hours // 24),
        "left_send_good_hour": str(hours % 24),
        "left_send_good_min": "0",
        "timeout_left_time": int(left.total_seconds() * 1000),
        "buyer_login_id": order.buyer.login_id,
        "buyer_signer_fullname": order.buyer.name,
        "seller_login_id": seller.login_id,
        "seller_operator_login_id": seller.login_id,
        "seller_signer_fullname": seller.name,
        "phone": False,
        "has_request_loan": False,
        "order_detail_url": f"https://trade.aliexpress.com/order_detail.htm?orderId={order.id}",
        "product_list": Listed(
            "order_product_dto", [common | _listed_line(order, line) for line in order.lines]
        ),
    }
    if order.paid_at:
        row["gmt_pay_time"] = pacific(order.paid_at)
        row["payment_type"] = PAYMENT
    if order.sent_at:
        row["gmt_send_goods_time"] = pacific(order.sent_at)
    return row


def _common_of_lines(order: Order) -> dict[str, Any]:
    """What every line of an order says alike."""
    row = {
        "order_id": order.id,
        "product_unit": "piece",
        "logistics_amount": listed_money(Decimal(), order.currency),
        "logistics_type": order.service_name,
        "logistics_service_name": CARRIER_SHOWN,
        "send_goods_operator": "SELLER_SEND_GOODS",
        "delivery_time": "15-30",
        "freight_commit_day": "60",
        "memo": order.memo,
        "issue_status": issue_status(order),
        "fund_status": fund_status(order),
        "product_standard": "",
        "can_submit_issue": order.is_all_sent,
        "money_back3x": False,
        "buyer_signer_first_name": order.buyer.first_name,
        "buyer_signer_last_name": order.buyer.last_name,
    }
    if order.sent_at:
        row["send_goods_time"] = pacific(order.sent_at)
    return row


def _listed_line(order: Order, line: Line) -> dict[str, Any]:
    status = line.status or order.status
    return {
        "child_id": line.child_id,
        "product_id": line.product_id,
        "product_name": line.title,
        "sku_code": line.sku_code,
        "product_count": line.quantity,
        "product_unit_price": listed_money(Decimal(line.unit_price), order.currency),
        "total_product_amount": listed_money(line.amount, order.currency),
        "son_order_status": status,
        "show_status": status,
        "goods_prepare_time": line.ship_days,
        "product_img_url": line.image,
        "product_snap_url": f"https://www.aliexpress.com/snapshot/{line.child_id}.html",
    }
