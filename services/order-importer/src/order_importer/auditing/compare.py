"""What two lists of the same shop's orders do not agree on. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from common.contracts.money import Money

Kind = Literal["missing-here", "missing-there", "status", "total"]


@dataclass(frozen=True)
class Seen:
    """An order as one side shows it; the total where it is known."""

    status: str
    total: Money | None


@dataclass(frozen=True)
class Difference:
    """What is not the same of an order here (`ours`) and at AliExpress (`theirs`)."""

    order_id: str
    kind: Kind
    ours: str | None
    theirs: str | None


def compare(
    ours: Mapping[str, Seen], theirs: Mapping[str, Seen], pending: Collection[str]
) -> list[Difference]:
    """Each difference, by order number. What changed after the last import is `pending`: the next
    import reads it, and it is not compared."""
    found: list[Difference] = []
    for order_id in sorted((ours.keys() | theirs.keys()) - set(pending)):
        found += _differences(order_id, ours.get(order_id), theirs.get(order_id))
    return found


def _differences(order_id: str, ours: Seen | None, theirs: Seen | None) -> list[Difference]:
    if ours is None:
        return [Difference(order_id, "missing-here", None, theirs.status if theirs else None)]
    if theirs is None:
        return [Difference(order_id, "missing-there", ours.status, None)]
    found = []
    if ours.status != theirs.status:
        found.append(Difference(order_id, "status", ours.status, theirs.status))
    if not _is_same(ours.total, theirs.total):
        found.append(Difference(order_id, "total", _shown(ours.total), _shown(theirs.total)))
    return found


def _is_same(ours: Money | None, theirs: Money | None) -> bool:
    """Whether two amounts are one; those of two currencies cannot be compared."""
    if ours is None or theirs is None or ours.currency != theirs.currency:
        return True
    return ours.decimal() == theirs.decimal()


def _shown(money: Money | None) -> str | None:
    return None if money is None else f"{money.amount} {money.currency}"
