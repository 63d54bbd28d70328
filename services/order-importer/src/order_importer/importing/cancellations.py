"""Which lines of an order were cancelled. Pure.

AliExpress knows no cancelled quantity: a line is cancelled as a whole, and is then FINISH while its
order goes on. Once the order has ended every line is FINISH, and the end reason of the order, the
refund of the line and what was known before say which of them were cancelled.
"""

from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from common.contracts.order import Cancellation, Order, OrderLine, Refund
from order_importer.orders.status import ENDED

_DELIVERED = frozenset({"buyer_confirm_goods", "buyer_confirm_goods_timeout"})
_DISPUTE_ENDED = "end_issue"
_NOT_CANCELLED = _DELIVERED | {_DISPUTE_ENDED}
"""End reasons of orders that were not cancelled; every other means cancelled."""
_LINE_CANCELLED = frozenset(
    {"buyer_cancel_order", "buyer_cancel_order_in_risk", "buyer_cancel_notpay_order"}
)
"""Reasons of a refund by which a line was cancelled."""


@dataclass(frozen=True)
class Ending:
    """Whether an order has ended, by AliExpress's word for its state, and why."""

    status: str
    reason: str | None

    @property
    def has_come(self) -> bool:
        """Whether the order has ended."""
        return self.status in ENDED

    @property
    def is_cancellation(self) -> bool:
        """Whether it has ended without its goods."""
        return self.has_come and bool(self.reason) and self.reason not in _NOT_CANCELLED


def find_cancellation(
    ending: Ending, line_status: str | None, quantity: int, paid: Decimal, refund: Refund | None
) -> Cancellation | None:
    """The cancellation of a line in this state; None where it is not cancelled.

    `paid` is what the buyer paid for the line, and `refund` what of it went back, in one currency.
    """
    reason = refund.reason if refund else None
    if not ending.has_come:
        return Cancellation(quantity=quantity, reason=reason) if line_status in ENDED else None
    if ending.is_cancellation:
        return Cancellation(quantity=quantity, reason=ending.reason)
    if reason in _LINE_CANCELLED and _is_all(refund, paid):
        return Cancellation(quantity=quantity, reason=reason)
    return None


def keep_cancellations(known: Order, read: Order) -> Order:
    """The order as read; once it has ended, lines that were cancelled before stay cancelled so."""
    if read.marketplace_status not in ENDED:
        return read
    before = {line.line_id: line.cancellation for line in known.lines}
    return replace(read, lines=[_kept(line, before.get(line.line_id)) for line in read.lines])


def _kept(line: OrderLine, before: Cancellation | None) -> OrderLine:
    return line if before is None else replace(line, cancellation=before)


def _is_all(refund: Refund | None, paid: Decimal) -> bool:
    amount = refund.amount if refund else None
    return amount is not None and amount.decimal() >= paid
