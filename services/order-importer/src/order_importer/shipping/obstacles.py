"""Why nothing of an order is shipped in the state it is in, and what to do. Pure (M8.4).

AliExpress itself takes parcels of orders that are to be cancelled, frozen or in dispute.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from aliexpress.orders import OrderDetails
from common.contracts.order import Order
from order_importer.orders.status import SHIPPABLE, channel_status

NOT_SHIPPABLE = "order-not-shippable"
"""The type of the problem, and the code of a shipment refused for it."""
LINES_NOT_SHIPPABLE = "lines-not-shippable"
LEAVE_OUT = "Ship the order's other lines without them, with a new idempotency key."
AGAIN = "Then import orders and ship again with a new idempotency key."
NO_FURTHER = (
    "AliExpress takes no further parcel after the order's last. Look at its parcels: correct "
    "the tracking number of one if it is wrong (POST .../shipments/{id}/tracking), and write a "
    "further number to the buyer in AliExpress's messages."
)
FROZEN = "IN_FROZEN"
DISPUTED = "IN_ISSUE"


@dataclass(frozen=True)
class Advice:
    """What a state means (a clause after the state's name), and what to do."""

    because: str
    remedy: str


_UNPAID = Advice(
    "it is not paid yet",
    f"Ship nothing. Wait until AliExpress has the payment and shows it as to be sent. {AGAIN}",
)
_SHIPPED = Advice("AliExpress has it as shipped completely already", NO_FURTHER)
_ENDED = Advice(
    "it is closed, by its delivery, a cancellation or a refund",
    "Ship nothing, and keep or call back what is packed. The order's end reason says why it ended.",
)

ADVICE: dict[str, Advice] = {
    "IN_CANCEL": Advice(
        "the buyer asks to cancel it",
        "Ship nothing. Accept or refuse the cancellation in the AliExpress seller centre. "
        f"If it is withdrawn or refused, the order waits for its shipment as before. {AGAIN}",
    ),
    FROZEN: Advice(
        "AliExpress has frozen it, and nobody may act on it",
        "Ship nothing until AliExpress releases the order; its support says why it is frozen. "
        f"{AGAIN}",
    ),
    DISPUTED: Advice(
        "the buyer has opened a dispute",
        "Ship nothing. Answer the dispute in the AliExpress seller centre, until it has ended and "
        f"the order waits for its shipment again. {AGAIN}",
    ),
    "RISK_CONTROL": Advice(
        "AliExpress checks the payment, within 24 hours of it",
        f"Wait until the check has ended and AliExpress shows the order as to be sent. {AGAIN}",
    ),
    "RISK_CONTROL_HOLD": Advice(
        "AliExpress holds the payment, and the buyer has to appeal",
        f"Ship nothing. Wait until AliExpress shows the order as to be sent. {AGAIN}",
    ),
    "PLACE_ORDER_SUCCESS": _UNPAID,
    "PAYMENT_PROCESSING": _UNPAID,
    "WAIT_SELLER_EXAMINE_MONEY": Advice(
        "the buyer paid less than it costs",
        f"Accept or refuse the payment in the AliExpress seller centre. {AGAIN}",
    ),
    "WAIT_BUYER_ACCEPT_GOODS": _SHIPPED,
    "SHIPPED": _SHIPPED,
    "FUND_PROCESSING": _ENDED,
    "FINISH": _ENDED,
    "ARCHIVE": _ENDED,
}
"""By AliExpress's word for the state of the order, of its freeze or of its dispute."""

_UNKNOWN = Advice(
    "the channel does not know this state and ships nothing in it",
    f"Look at the order in the AliExpress seller centre until it is to be sent. {AGAIN}",
)


_STOPPED = frozenset(
    {"IN_CANCEL", FROZEN, DISPUTED, "FUND_PROCESSING", "FINISH", "ARCHIVE"},
)
"""States of a line of its own, in which it is not shipped while its order goes on."""


@dataclass(frozen=True)
class OrderState:
    """The state of an order in AliExpress's own words."""

    status: str
    frozen_status: str | None
    issue_status: str | None
    end_reason: str | None


@dataclass(frozen=True)
class Obstacle:
    """A state in which nothing is shipped: the channel's word for it, and AliExpress's in brackets,
    as `other (IN_CANCEL)`."""

    state: str
    because: str
    remedy: str


def state_of(order: Order) -> OrderState:
    """The order's state as last imported."""
    return OrderState(
        order.marketplace_status, order.frozen_status, order.issue_status, order.end_reason
    )


def state_as_read(details: OrderDetails, order: Order) -> OrderState:
    """The state as just read; what the details leave out is as last imported."""
    return OrderState(
        details.status,
        details.frozen_status or order.frozen_status,
        details.issue_status or order.issue_status,
        details.end_reason,
    )


def find_obstacle(state: OrderState) -> Obstacle | None:
    """What forbids to ship an order in this state; None where it may be shipped."""
    status = channel_status(state.status)
    words = [] if status == SHIPPABLE else [state.status]
    held = (state.frozen_status, FROZEN), (state.issue_status, DISPUTED)
    words += [word for found, word in held if found == word and word not in words]
    if not words:
        return None
    advice = ADVICE.get(words[0], _UNKNOWN)
    if status == "closed" and state.end_reason:
        words.append(state.end_reason)
    return Obstacle(f"{status} ({', '.join(words)})", advice.because, advice.remedy)


def stopped_lines(order: Order) -> dict[str, str]:
    """The lines that are not shipped, cancelled by the buyer above all, with AliExpress's word."""
    return {
        line.line_id: line.marketplace_status
        for line in order.lines
        if line.marketplace_status in _STOPPED
    }


def shippable_lines(order: Order) -> list[str]:
    """The lines AliExpress takes parcels of, whether they are in one or not."""
    if find_obstacle(state_of(order)) is not None:
        return []
    stopped = stopped_lines(order)
    return [line.line_id for line in order.lines if line.line_id not in stopped]


def with_lines_as_read(order: Order, details: OrderDetails) -> Order:
    """The order with its lines in the states just read."""
    read = {line.line_id: line.status for line in details.lines}
    lines = [
        replace(line, marketplace_status=read.get(line.line_id) or line.marketplace_status)
        for line in order.lines
    ]
    return replace(order, lines=lines)


def named(lines: Mapping[str, str]) -> str:
    """Stopped lines with their states, in words."""
    shown = ", ".join(f"{line_id} is {state}" for line_id, state in sorted(lines.items()))
    return f"lines of the order are cancelled, held or closed: {shown}"
