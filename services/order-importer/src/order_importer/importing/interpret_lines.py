"""The lines of a raw order read as the contract's lines. Pure."""

from collections.abc import Sequence

from aliexpress import orders as wire
from aliexpress.order_parts import Discount as WireDiscount
from aliexpress.order_parts import Refund as WireRefund
from aliexpress.order_parts import VariantAttribute as WireAttribute
from common.contracts.money import Money
from common.contracts.order import Discount, OrderLine, Refund, VariantAttribute
from order_importer.importing.cancellations import Ending, find_cancellation
from order_importer.importing.given import (
    Uninterpretable,
    find_amount,
    find_money,
    first,
    money_of,
    needed,
)

_PAYERS = {"platform": "platform", "aliexpress": "platform", "seller": "seller"}
"""Who pays for a discount, by AliExpress's word in small letters."""


def lines_of(
    listed: wire.Order | None, details: wire.OrderDetails, ending: Ending
) -> list[OrderLine]:
    """The details' lines, completed from the list; the list's own where the details have none."""
    by_id = {line.line_id: line for line in listed.lines} if listed else {}
    if details.lines:
        return [_line(line, by_id.get(line.line_id), ending) for line in details.lines]
    if not by_id:
        raise Uninterpretable("the order has no lines")
    return [_line(None, line, ending) for line in by_id.values()]


def refund_of(refund: WireRefund | None) -> Refund | None:
    """What went back to the buyer; None where nothing of it is given."""
    if refund is None:
        return None
    found = Refund(
        status=refund.status,
        amount=find_money(refund.amount),
        coupon_amount=find_amount(refund.coupon_amount),
        reason=refund.reason,
        refunded_at=refund.refunded_at,
    )
    return None if found == Refund() else found


def _line(
    detailed: wire.OrderDetailLine | None, listed: wire.OrderLine | None, ending: Ending
) -> OrderLine:
    either = [line for line in (detailed, listed) if line is not None]
    line_id = either[0].line_id
    where = f"line {line_id}: "
    unit_price = money_of(
        needed(
            where + "product_unit_price",
            listed.unit_price if listed else None,
            detailed.price if detailed else None,
        )
    )
    quantity = needed(where + "product_count", *(line.quantity for line in either))
    stated = listed.total if listed else None
    total = money_of(stated) if stated else _times(unit_price, quantity)
    status = first(line.status for line in either)
    variant = _variant(detailed.variant or ()) if detailed else []
    discounts = _discounts(detailed) if detailed else []
    refund = refund_of(detailed.refund) if detailed else None
    paid = total.decimal() - sum(one.amount.decimal() for one in discounts)
    return OrderLine(
        line_id=line_id,
        sku_code=first(line.sku_code for line in either) or "",
        marketplace_product_id=first(line.product_id for line in either) or "",
        title=first(line.name for line in either) or "",
        quantity=quantity,
        unit_price=unit_price,
        total=total,
        marketplace_status=status,
        attributes=_in_words(variant),
        variant=variant,
        image_url=first(line.image_url for line in either),
        discounts=discounts,
        cancellation=find_cancellation(ending, status, quantity, paid, refund),
        refund=refund,
    )


def _times(price: Money, quantity: int) -> Money:
    return Money(format(price.decimal() * quantity, "f"), price.currency)


def _variant(attributes: Sequence[WireAttribute]) -> list[VariantAttribute]:
    return [
        VariantAttribute(name=one.name, value=one.value, custom_value=one.custom_value)
        for one in attributes
    ]


def _in_words(variant: Sequence[VariantAttribute]) -> str | None:
    """The variant as a shopkeeper reads it, as "Color: Cherry, Size: XL"."""
    shown = ((one.name, one.custom_value or one.value) for one in variant)
    return ", ".join(f"{name}: {value}" for name, value in shown if value) or None


def _discounts(line: wire.OrderDetailLine) -> list[Discount]:
    """The single discounts; their sum, whose payer is not known, where they are not given."""
    single = [_discount(one) for one in line.discounts or () if find_amount(one.amount)]
    whole = find_amount(line.discount)
    return single or ([] if whole is None else [Discount(amount=whole)])


def _discount(discount: WireDiscount) -> Discount:
    owner = discount.owner
    return Discount(
        amount=money_of(discount.amount),
        paid_by=_PAYERS.get(owner.strip().lower(), owner) if owner else None,
        kind=discount.kind,
        promotion_id=discount.promotion_id,
    )
