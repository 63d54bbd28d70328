"""Parts of an order's details that orders and their lines share: variants, discounts, refunds.

Each is optional: what of it cannot be read counts as not given, and the order is read all the same.
"""

from datetime import datetime

import msgspec

from aliexpress.wire import Fields, Money, Unreadable


class VariantAttribute(msgspec.Struct, frozen=True):
    """One attribute of the SKU that was bought.

    `value` is the category's, `custom_value` the seller's own text for it; either may be missing.
    """

    name: str
    value: str | None
    custom_value: str | None
    attribute_id: str | None
    value_id: str | None


class Discount(msgspec.Struct, frozen=True):
    """What was taken off a line, and by AliExpress's words who pays for it (`owner`)."""

    amount: Money
    owner: str | None
    kind: str | None
    promotion_id: str | None


class Refund(msgspec.Struct, frozen=True):
    """Money that went back to the buyer, or is to; `amount` in cash, `coupon_amount` in coupons."""

    status: str | None
    amount: Money | None
    coupon_amount: Money | None
    reason: str | None
    refunded_at: datetime | None


def read_variant(row: Fields) -> tuple[VariantAttribute, ...]:
    """The attributes in a line's `product_attributes`, which is JSON as text."""
    try:
        found = row.read_all("product_attributes", "sku", _variant_attribute)
    except Unreadable:
        return ()
    return tuple(attribute for attribute in found if attribute is not None)


def read_discounts(row: Fields) -> tuple[Discount, ...]:
    """The single discounts of a line."""
    name, element = "child_order_discount_detail_list", "global_aeop_tp_sale_discount_info"
    try:
        found = row.read_all(name, element, _discount)
    except Unreadable:
        return ()
    return tuple(discount for discount in found if discount is not None)


def read_refund(row: Fields) -> Refund | None:
    """The `refund_info` of an order or a line."""
    refund = row.find_fields("refund_info")
    if refund is None:
        return None
    return Refund(
        status=refund.find_text("refund_status"),
        amount=refund.find_money("refund_cash_amt", "refund_amount"),
        coupon_amount=refund.find_money("refund_coupon_amt"),
        reason=refund.find_text("refund_reason"),
        refunded_at=refund.find_time("refund_time"),
    )


def _variant_attribute(row: Fields) -> VariantAttribute | None:
    name = row.find_text("pName", "p_name")
    if name is None:
        return None
    return VariantAttribute(
        name=name,
        value=row.find_text("pValue", "p_value"),
        custom_value=row.find_text("selfDefineValue", "self_define_value"),
        attribute_id=row.find_id("pId", "p_id"),
        value_id=row.find_id("pValueId", "p_value_id"),
    )


def _discount(row: Fields) -> Discount | None:
    amount = row.find_money("discount_detail")
    if amount is None:
        return None
    return Discount(
        amount=amount,
        owner=row.find_text("promotion_owner"),
        kind=row.find_text("promotion_type"),
        promotion_id=row.find_text("promotion_id"),
    )
