"""Whether an order's total equals its parts, to the cent. Pure.

The parts are the totals of its lines, which AliExpress states before discounts, and shipping, less
the discount of the order, or those of its lines where the order states none. AliExpress states no
tax. What differs is marked, never corrected.
"""

from collections.abc import Iterator
from decimal import Decimal

from common.contracts.money import Money
from common.contracts.order import Order, TotalsDiffer

CENT = Decimal("0.01")


def find_difference(order: Order) -> TotalsDiffer | None:
    """The stated total and the calculated one, where they differ by a cent or more.

    Amounts of several currencies are not compared.
    """
    added, taken_off = list(_added(order)), list(_taken_off(order))
    currency = order.total.currency
    if any(money.currency != currency for money in (*added, *taken_off)):
        return None
    calculated = _sum(added) - _sum(taken_off)
    if abs(order.total.decimal() - calculated) < CENT:
        return None
    return TotalsDiffer(stated=order.total, calculated=Money(format(calculated, "f"), currency))


def _added(order: Order) -> Iterator[Money]:
    yield from (line.total for line in order.lines)
    if order.shipping_cost is not None:
        yield order.shipping_cost


def _taken_off(order: Order) -> Iterator[Money]:
    if order.discount is not None and order.discount.decimal():
        yield order.discount
        return
    yield from (discount.amount for line in order.lines for discount in line.discounts)


def _sum(amounts: list[Money]) -> Decimal:
    return sum((money.decimal() for money in amounts), Decimal())
