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
    NO_FURTHER,
    NOT_SHIPPABLE,
    Obstacle,
    find_obstacle,
    named,
    state_of,
    stopped_lines,
)

_OPEN = frozenset({"pending", "sent"})


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
            remedy="Look at the order's parcels; ship what is left. Send `further` with the lines "
            "for another parcel of the same lines.",
        )


class LinesNotNamed(Refusal):
    """A further parcel of lines that are in one already has to say which lines."""

    def __init__(self) -> None:
        super().__init__(
            "a further parcel has to name its lines",
            status=422,
            slug="lines-not-named",
            field="lines",
            rule="M8.4",
            remedy="Send the line ids of what is in the parcel as `lines`.",
        )


class OrderComplete(Refusal):
    """The order's last parcel was sent: AliExpress takes no further one."""

    def __init__(self, order: Order, last: Parcel) -> None:
        super().__init__(
            f"order {order.order_id} takes no further parcel: {last.tracking_number} was its last",
            status=409,
            slug="order-complete",
            field="further",
            rule="M8.4",
            remedy=f"{NO_FURTHER} Next time send the parcels before the last with `more_follow`.",
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


def lines_of_parcel(
    order: Order, wanted: Collection[str] | None, *, is_further: bool = False
) -> list[str]:
    """The lines the next parcel holds: those wanted, or all that are left to be shipped.

    A line is left until a parcel holds it that has no more to follow; a further parcel may hold
    lines that are not left. Raises `OrderNotShippable`, `OrderComplete`, `LinesNotNamed`,
    `LinesUnknown`, `LinesTaken` and `LinesNotShippable`.
    """
    obstacle = find_obstacle(state_of(order))
    if obstacle is not None:
        raise OrderNotShippable(order, obstacle)
    if is_further:
        _require_further_possible(order, wanted)
    lines = [line.line_id for line in order.lines]
    taken: set[str] = set() if is_further else complete_lines(order.parcels)
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


def _require_further_possible(order: Order, wanted: Collection[str] | None) -> None:
    if wanted is None:
        raise LinesNotNamed
    for parcel in order.parcels:
        if parcel.sent_as == "all" and parcel.state in ("sent", "confirmed"):
            raise OrderComplete(order, parcel)


def require_new_number(
    order: Order, number: str, *, reserved: Collection[str] = (), but_for: str | None = None
) -> None:
    """Within an order a number is one parcel, however it is written. Raises `ParcelKnown`.

    `reserved` are numbers that corrections will give to parcels; `but_for` is the shipment that may
    have the number.
    """
    parcels = (
        one
        for one in order.parcels
        if one.state != "refused" and one.gone_at is None and one.shipment_id != but_for
    )
    taken = [*(one.tracking_number for one in parcels), *reserved]
    if normalize(number) in map(normalize, taken):
        raise ParcelKnown(number)


def complete_lines(parcels: Sequence[Parcel]) -> set[str]:
    """The lines whose latest parcel that was not refused has no more to follow."""
    more = {
        line: parcel.more_follow
        for parcel in parcels
        if parcel.state != "refused"
        for line in parcel.line_ids
    }
    return {line for line, is_more in more.items() if not is_more}


def send_type(order: Order, shipment_id: str) -> SendType:
    """How this parcel of the order goes: `all` where AliExpress then has everything that is to be
    shipped, and no other parcel of it is under way, else `part`."""
    if any(one.state in _OPEN and one.shipment_id != shipment_id for one in order.parcels):
        return "part"
    there = complete_lines(order.parcels) | set(stopped_lines(order))
    return "all" if all(line.line_id in there for line in order.lines) else "part"
