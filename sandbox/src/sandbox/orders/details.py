"""One order in full, as order details write it: money with cents, every line and parcel."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.clock import pacific
from sandbox.orders.addresses import masked_name, oaid, receipt_address, tax_number
from sandbox.orders.order import Discount, Line, Order, Parcel
from sandbox.orders.views import (
    CARRIER_SHOWN,
    PAYMENT,
    frozen_status,
    fund_status,
    is_delivered,
    issue_status,
    logistics_status,
)
from sandbox.sellers import Seller
from sandbox.wire import Listed, known

ISSUE, LOAN, LOGISTICS, BUYER, REFUND = 1, 2, 4, 8, 16
"""The extra parts, by their bit."""
_CURRENCIES = {"USD": (840, "US Dollar"), "EUR": (978, "Euro")}


@dataclass(frozen=True)
class Details:
    """Writes one order; `bits` choose its extra parts.

    With `zero_amounts` the texts of money are 0 and only the cents are right.
    """

    order: Order
    seller: Seller
    now: datetime
    bits: int
    is_masked: bool
    zero_amounts: bool

    def write(self) -> dict[str, Any]:
        """`data` of the answer."""
        order, buyer = self.order, self.order.buyer
        left = order.due_at - self.now if order.due_at else None
        show = masked_name if self.is_masked else str
        settled, settled_in = order.settled
        data = known(
            id=order.id,
            order_status=order.status,
            gmt_create=pacific(order.created_at),
            gmt_modified=pacific(order.modified_at),
            gmt_pay_success=pacific(order.paid_at),
            gmt_trade_end=_minute(order.ended_at),
            over_time_left=_minute(self.now + left) if left is not None else None,
            order_amount=self._money(order.pay_amount),
            init_oder_amount=self._money(order.goods_amount),
            logistics_amount=self._money(Decimal(order.shipping_amount)),
            order_discount_info=self._money(order.discount) if order.discount else None,
            pay_amount_by_settlement_cur=f"{settled:.2f}",
            settlement_currency=settled_in,
            payment_type=PAYMENT if order.paid_at else None,
            fund_status=fund_status(order),
            frozen_status=frozen_status(order),
            issue_status=issue_status(order),
            logistics_status=logistics_status(order),
            loan_status="loan_none",
            order_end_reason=order.end_reason,
            memo=order.memo,
            is_phone=False,
            cpf_number=tax_number(order, is_masked=self.is_masked),
            offline_pickup_type=order.pickup.type if order.pickup else None,
            offline_pickup_point_code=order.pickup.code if order.pickup else None,
            logisitcs_escrow_fee_rate="",
            buyerloginid=buyer.login_id,
            buyer_signer_fullname=show(buyer.name),
            seller_signer_fullname=self.seller.name,
            seller_operator_login_id=self.seller.login_id,
            seller_operator_aliidloginid=self.seller.login_id,
            oaid=oaid(order),
            receipt_address=receipt_address(order, is_masked=self.is_masked),
            opr_log_dto_list=Listed("global_aeop_tp_operation_log_dto", []),
            child_order_ext_info_list=Listed(
                "global_aeop_tp_order_product_info_dto",
                [self._product(line) for line in order.lines],
            ),
            child_order_list=Listed(
                "global_aeop_tp_child_order_dto",
                [self._child(place, line) for place, line in enumerate(order.lines, 1)],
            ),
        )
        return data | self._extra_parts()

    def _extra_parts(self) -> dict[str, Any]:
        order, buyer = self.order, self.order.buyer
        parts: dict[str, Any] = {}
        if self.bits & ISSUE:
            parts["issue_info"] = self._issue()
        if self.bits & LOAN:
            parts["loan_info"] = {"loan_amount": self._money(Decimal())}
        if self.bits & LOGISTICS:
            parts["logistic_info_list"] = Listed(
                "global_aeop_tp_logistic_info_dto",
                [self._parcel(parcel) for parcel in order.parcels],
            )
        if self.bits & BUYER:
            parts["buyer_info"] = {
                "login_id": buyer.login_id,
                "first_name": masked_name(buyer.first_name) if self.is_masked else buyer.first_name,
                "last_name": buyer.last_name,
                "country": buyer.country,
            }
        refunded = order.refunded_amount
        if self.bits & REFUND and refunded:
            reason, when = _latest_refund(order)
            parts["refund_info"] = self._refund(refunded, reason, when, "amount")
        return parts

    def _child(self, place: int, line: Line) -> dict[str, Any]:
        order = self.order
        child = {
            "id": line.child_id,
            "child_order_id": str(line.child_id),
            "order_sort_id": place,
            "order_status": line.status or order.status,
            "product_id": line.product_id,
            "product_name": line.title,
            "product_count": line.quantity,
            "product_unit": "piece",
            "product_attributes": line.attributes,
            "product_standard": "",
            "product_img_url": line.image,
            "product_snap_url": f"https://www.aliexpress.com/snapshot/{line.child_id}.html",
            "snapshot_id": str(line.child_id),
            "snapshot_small_photo_path": line.image,
            "sku_code": line.sku_code,
            "lot_num": 1,
            "product_price": self._money(Decimal(line.unit_price)),
            "init_order_amt": self._money(line.amount),
            "logistics_amount": self._money(Decimal(), "amount_str"),
            "logistics_type": order.service_name,
            "logistics_service_name": CARRIER_SHOWN,
            "goods_prepare_time": line.ship_days,
            "send_goods_operator": "SELLER_SEND_GOODS",
            "buyer_memo": order.memo,
            "fund_status": fund_status(order),
            "frozen_status": frozen_status(order),
            "issue_status": issue_status(order),
        }
        if line.discounts:
            child["child_order_discount_info"] = self._money(line.discount)
            child["child_order_discount_detail_list"] = Listed(
                "global_aeop_tp_sale_discount_info",
                [self._discount(one) for one in line.discounts],
            )
        if self.bits & ISSUE and order.has_issue:
            child["child_issue_info"] = self._issue()
        if self.bits & LOAN:
            child["loan_info"] = {"loan_amount": self._money(Decimal(), "amount_str")}
        if self.bits & REFUND and Decimal(line.refunded):
            child["refund_info"] = self._refund(
                Decimal(line.refunded), line.refund_reason, line.refunded_at, "amount_str"
            )
        return child

    def _discount(self, discount: Discount) -> dict[str, Any]:
        return {
            "discount_detail": self._money(Decimal(discount.amount)),
            "promotion_id": discount.promotion_id,
            "promotion_owner": discount.owner,
            "promotion_type": discount.kind,
        }

    def _product(self, line: Line) -> dict[str, Any]:
        return {
            "product_id": line.product_id,
            "product_name": line.title,
            "category_id": str(line.category_id),
            "quantity": line.quantity,
            "unit_price": self._money(Decimal(line.unit_price)),
            "sku": line.attributes,
        }

    def _issue(self) -> dict[str, Any]:
        return known(issue_status=issue_status(self.order), issue_time=_minute(self.order.issue_at))

    def _parcel(self, parcel: Parcel) -> dict[str, Any]:
        has_arrived = is_delivered(self.order)
        return known(
            logistics_no=parcel.logistics_no,
            logistics_type_code=parcel.service_name,
            logistics_service_name=parcel.service_name,
            gmt_send=pacific(parcel.sent_at),
            gmt_received=pacific(self.order.ended_at) if has_arrived else None,
            receive_status="received" if has_arrived else "default",
            have_tracking_info=True,
        )

    def _refund(
        self, amount: Decimal, reason: str, when: datetime | None, key: str
    ) -> dict[str, Any]:
        return {
            "refund_status": "refund_ok",
            "refund_reason": reason,
            "refund_type": "payout_refund",
            "refund_time": _minute(when),
            "refund_cash_amt": self._money(amount, key),
            "refund_coupon_amt": self._money(Decimal(), key),
        }

    def _money(self, amount: Decimal, key: str = "amount") -> dict[str, Any]:
        """Money with its text under `amount`, or `amount_str` as some fields of lines have it."""
        currency = self.order.currency
        number, name = _CURRENCIES[currency]
        return {
            key: "0" if self.zero_amounts else f"{amount:.2f}",
            "cent": int(amount * 100),
            "cent_factor": 100,
            "currency_code": currency,
            "currency": {
                "currency_code": currency,
                "symbol": currency,
                "display_name": name,
                "numeric_code": number,
                "default_fraction_digits": 2,
            },
        }


def _latest_refund(order: Order) -> tuple[str, datetime | None]:
    """Why money went back last, and when."""
    if order.is_refunded:
        return order.end_reason, order.ended_at
    moments = [(one.refunded_at, one.refund_reason) for one in order.lines if one.refunded_at]
    when, reason = max(moments)
    return reason, when


def _minute(moment: datetime | None) -> str | None:
    text = pacific(moment)
    return text[:-3] if text else None
