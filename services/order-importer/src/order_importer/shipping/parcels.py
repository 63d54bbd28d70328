"""Which lines a parcel holds, and whether it is the order's last. Pure.

AliExpress knows only `part` and, once, `all`; which lines are in which parcel is recorded here.
"""

from collections.abc import Collection, Mapping, Sequence

from aliexpress.logistics import SendType
from common.contracts.order import Order, Parcel
from common.errors import Refusal
from order_importer.carriers.tracking_number import normalize
from order_importer.shipping.obstacles import (
    LEAVE_OUT,
    LINES_NOT_SHIPPABLE,
    NOT_SHIPPABLE,
    Obstacle,
    find_obstacle,
    named,
    state_of,
    stopped_lines,
)


class OrderNotShippable(Refusal):
    """The order is in a state in which the channel ships nothing (M8.4)."""

    def __init__(self, order: Order, obstacle: Obstacle) -> None:
        super().__init__(
            f"order {order.order_id} is {obstacle.state}: {obstacle.because}",
            status=409,
            slug=NOT_SHIPPABLE,
            rule="M8.4",
            remedy=obstacle.remedy,
        )


class LinesTaken(Refusal):
    """What was to be shipped is in a parcel already."""

    def __init__(self, line_ids: Sequence[str]) -> None:
        super().__init__(
            f"these lines are in a parcel already: {', '.join(line_ids)}"
            if line_ids
            else "every line is shipped or cancelled",
            status=409,
            slug="lines-shipped",
            field="lines",
            rule="M8.4",
            remedy="Look at the order's parcels; ship what is left.",
        )


class LinesNotShippable(Refusal):
    """Lines of the order have ended or are held, though the order goes on."""

    def __init__(self, lines: Mapping[str, str]) -> None:
        super().__init__(
            named(lines),
            status=409,
            slug=LINES_NOT_SHIPPABLE,
            field="lines",
            rule="M8.4",
            remedy=LEAVE_OUT,
        )


class LinesUnknown(Refusal):
    """The order has no such lines."""

    def __init__(self, line_ids: Sequence[str], order: Order) -> None:
        super().__init__(
            f"the order has no such lines: {', '.join(line_ids) or 'none given'}",
            status=422,
            slug="lines-unknown",
            field="lines",
            remedy=f"Its lines are {', '.join(line.line_id for line in order.lines)}.",
        )


class ParcelKnown(Refusal):
    """A parcel of this order has this tracking number."""

    def __init__(self, number: str) -> None:
        super().__init__(
            f"the order has a parcel {number} already",
            status=409,
            slug="parcel-known",
            field="tracking_number",
            rule="M8.4",
            remedy="Look at the order's shipments.",
        )


def lines_of_parcel(order: Order, wanted: Collection[str] | None) -> list[str]:
    """The lines the next parcel holds: those wanted, or all that are left to be shipped.

    Raises `OrderNotShippable`, `LinesUnknown`, `LinesTaken` and `LinesNotShippable`.
    """
    obstacle = find_obstacle(state_of(order))
    if obstacle is not None:
        raise OrderNotShippable(order, obstacle)
    lines = [line.line_id for line in order.lines]
    taken = shipped_lines(order.parcels, ("pending", "sent", "confirmed"))
    stopped = stopped_lines(order)
    if wanted is None:
        left = [line for line in lines if line not in taken and line not in stopped]
        if not left:
            raise LinesTaken([])
        return left
    unknown = sorted(set(wanted) - set(lines))
    if unknown or not wanted:
        raise LinesUnknown(unknown, order)
    twice = sorted(set(wanted) & taken)
    if twice:
        raise LinesTaken(twice)
    held = {line: stopped[line] for line in wanted if line in stopped}
    if held:
        raise LinesNotShippable(held)
    return [line for line in lines if line in set(wanted)]


def require_new_number(order: Order, number: str) -> None:
    """Within an order a number is one parcel, however it is written. Raises `ParcelKnown`."""
    taken = {
        normalize(one.tracking_number)
        for one in order.parcels
        if one.state != "refused" and one.gone_at is None
    }
    if normalize(number) in taken:
        raise ParcelKnown(number)


def shipped_lines(parcels: Sequence[Parcel], states: Collection[str]) -> set[str]:
    """The lines in parcels of these states."""
    return {line for parcel in parcels if parcel.state in states for line in parcel.line_ids}


def send_type(order: Order, line_ids: Collection[str]) -> SendType:
    """`all` where AliExpress then has every line in a parcel that is to be shipped, else `part`."""
    there = shipped_lines(order.parcels, ("confirmed",)) | set(line_ids) | set(stopped_lines(order))
    return "all" if all(line.line_id in there for line in order.lines) else "part"
