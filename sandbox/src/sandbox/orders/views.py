"""Orders as the API writes them; money in the two shapes, times in Pacific time."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.clock import pacific
from sandbox.orders import lifecycle
from sandbox.orders.order import Line, Order, Parcel
from sandbox.sellers import Seller
from sandbox.wire import Listed

ISSUE, LOAN, LOGISTICS, BUYER, REFUND = 1, 2, 4, 8, 16


def listed_money(amount: Decimal, currency: str) -> dict[str, Any]:
    """Money as order lists have it."""
    return {"amount": f"{amount:.2f}", "currency_code": currency}


def detailed_money(amount: Decimal, currency: str, *, key: str = "amount") -> dict[str, Any]:
    """Money as order details have it; the text stands under `amount` or `amount_str`."""
    return {
        key: f"{amount:.2f}",
        "cent": int(amount * 100),
        "cent_factor": 100,
        "currency_code": currency,
        "currency": {"currency_code": currency, "default_fraction_digits": 2},
    }


def _fund_status(order: Order) -> str:
    if order.status == lifecycle.EXAMINE_MONEY:
        return "WAIT_SELLER_CHECK"
    return "PAY_SUCCESS" if order.paid_at else "NOT_PAY"


def _issue_status(order: Order) -> str:
    if order.status == lifecycle.DISPUTE:
        return "IN_ISSUE"
    return "END_ISSUE" if order.has_issue else "NO_ISSUE"


def _logistics_status(order: Order) -> str:
    if order.status in (lifecycle.FUNDS, lifecycle.FINISHED, lifecycle.ARCHIVED) and order.parcels:
        return "BUYER_ACCEPT_GOODS"
    if order.is_all_sent:
        return "SELLER_SEND_GOODS"
    if order.parcels:
        return "SELLER_SEND_PART_GOODS"
    return "WAIT_SELLER_SEND_GOODS" if order.paid_at else "NO_LOGISTICS"


def listed_order(order: Order, seller: Seller, now: datetime) -> dict[str, Any]:
    """`order_dto` of the order list."""
    left = (order.due_at - now) if order.due_at else timedelta()
    hours = max(int(left.total_seconds() // 3600), 0)
    return {
        "order_id": order.id,
        "order_status": order.status,
        "gmt_create": pacific(order.created_at),
        "gmt_pay_time": pacific(order.paid_at),
        "gmt_send_goods_time": pacific(order.sent_at),
        "gmt_update": pacific(order.modified_at),
        "pay_amount": listed_money(order.pay_amount, order.currency),
        "loan_amount": listed_money(Decimal(), order.currency),
        "escrow_fee": None,
        "biz_type": "AE_COMMON",
        "fund_status": _fund_status(order),
        "frozen_status": "IN_FROZEN" if order.status == lifecycle.FROZEN else "NO_FROZEN",
        "issue_status": _issue_status(order),
        "logistics_status": _logistics_status(order),
        "payment_type": "ebanx101" if order.paid_at else None,
        "end_reason": order.end_reason or None,
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
            "order_product_dto", [_listed_line(order, line) for line in order.lines]
        ),
    }


def _listed_line(order: Order, line: Line) -> dict[str, Any]:
    return {
        "child_id": line.child_id,
        "order_id": order.id,
        "product_id": line.product_id,
        "product_name": line.title,
        "sku_code": line.sku_code,
        "product_count": line.quantity,
        "product_unit": "piece",
        "product_unit_price": listed_money(Decimal(line.unit_price), order.currency),
        "total_product_amount": listed_money(line.amount, order.currency),
        "logistics_amount": listed_money(Decimal(), order.currency),
        "logistics_type": order.service_name,
        "logistics_service_name": "AliExpress Standard Shipping",
        "son_order_status": order.status,
        "show_status": order.status,
        "send_goods_operator": "SELLER_SEND_GOODS",
        "goods_prepare_time": line.ship_days,
        "delivery_time": "15-30",
        "freight_commit_day": "60",
        "memo": order.memo,
        "issue_status": _issue_status(order),
        "fund_status": _fund_status(order),
        "product_img_url": line.image,
        "product_snap_url": f"https://www.aliexpress.com/snapshot/{line.child_id}.html",
        "product_standard": "",
        "can_submit_issue": order.is_all_sent,
        "money_back3x": False,
    }


def detailed_order(
    order: Order, seller: Seller, now: datetime, bits: int, *, is_masked: bool
) -> dict[str, Any]:
    """`data` of the order's details; `bits` choose the extra parts."""
    left = (order.due_at - now) if order.due_at else timedelta()
    data: dict[str, Any] = {
        "id": order.id,
        "order_status": order.status,
        "gmt_create": pacific(order.created_at),
        "gmt_modified": pacific(order.modified_at),
        "gmt_pay_success": pacific(order.paid_at),
        "gmt_trade_end": _without_seconds(order.ended_at),
        "over_time_left": _without_seconds(now + left) if order.due_at else None,
        "fund_status": _fund_status(order),
        "frozen_status": "IN_FROZEN" if order.status == lifecycle.FROZEN else "NO_FROZEN",
        "issue_status": _issue_status(order),
        "logistics_status": _logistics_status(order),
        "order_end_reason": order.end_reason or None,
        "seller_operator_login_id": seller.login_id,
        "buyerloginid": order.buyer.login_id,
        "logistics_amount": detailed_money(Decimal(order.shipping_amount), order.currency),
        "order_amount": detailed_money(order.pay_amount, order.currency),
        "init_oder_amount": detailed_money(order.goods_amount, order.currency),
        "pay_amount_by_settlement_cur": f"{order.pay_amount:.2f}",
        "settlement_currency": order.currency,
        "memo": order.memo,
        "child_order_list": Listed(
            "global_aeop_tp_child_order_dto", [_child(order, line) for line in order.lines]
        ),
        "receipt_address": receipt(order, is_masked=is_masked),
    }
    if bits & ISSUE:
        data["issue_info"] = {"issue_status": _issue_status(order)}
    if bits & LOAN:
        data["loan_info"] = {"loan_status": "wait_loan"}
    if bits & LOGISTICS:
        data["logistic_info_list"] = Listed(
            "global_aeop_tp_logistics_info_dto",
            [_parcel(order, parcel) for parcel in order.parcels],
        )
    if bits & BUYER:
        data["buyer_info"] = {
            "login_id": order.buyer.login_id,
            "first_name": order.buyer.name.split()[0],
            "last_name": order.buyer.name.split()[-1],
            "country": order.buyer.country,
        }
    if bits & REFUND and order.is_refunded:
        data["refund_info"] = {
            "refund_status": "refund_ok",
            "refund_cash_amt": detailed_money(order.pay_amount, order.currency),
            "refund_time": pacific(order.ended_at),
        }
    return data


def _child(order: Order, line: Line) -> dict[str, Any]:
    return {
        "child_order_id": line.child_id,
        "product_id": line.product_id,
        "product_name": line.title,
        "sku_code": line.sku_code,
        "product_count": line.quantity,
        "product_price": detailed_money(Decimal(line.unit_price), order.currency, key="amount_str"),
        "init_order_amt": detailed_money(line.amount, order.currency, key="amount_str"),
        "order_status": order.status,
        "send_goods_operator": "SELLER_SEND_GOODS",
        "logistics_type": order.service_name,
        "product_attributes": line.attributes,
        "goods_prepare_time": line.ship_days,
        "lot_num": 1,
    }


def _parcel(order: Order, parcel: Parcel) -> dict[str, Any]:
    is_received = order.status in (lifecycle.FUNDS, lifecycle.FINISHED, lifecycle.ARCHIVED)
    return {
        "logistics_no": parcel.logistics_no,
        "logistics_type_code": parcel.service_name,
        "logistics_service_name": parcel.service_name,
        "gmt_send": pacific(parcel.sent_at),
        "receive_status": "received" if is_received else "default",
    }


def receipt(order: Order, *, is_masked: bool) -> dict[str, Any]:
    """The address an order goes to; masked, it carries the `oaid` that decrypts it."""
    buyer = order.buyer
    show = _masked if is_masked else str
    address: dict[str, Any] = {
        "contact_person": show(buyer.name),
        "country": buyer.country,
        "country_name": buyer.country_name,
        "province": buyer.province,
        "city": buyer.city,
        "address": show(buyer.street),
        "address2": "",
        "detail_address": show(buyer.street),
        "zip": buyer.zip,
        "phone_country": buyer.phone_country,
        "mobile_no": show(buyer.mobile),
        "localized_address": None,
    }
    return address | {"oaid": oaid(order)} if is_masked else address


def oaid(order: Order) -> str:
    """What a masked address is decrypted by."""
    return f"oaid{order.id}"


def _masked(text: str) -> str:
    return text[:1] + "*" * (len(text) - 1)


def _without_seconds(moment: datetime | None) -> str | None:
    text = pacific(moment)
    return text[:-3] if text else None
