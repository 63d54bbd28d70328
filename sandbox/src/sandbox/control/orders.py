"""Orders under control: what buyers, the seller centre and the platform do to them."""

import msgspec

from sandbox.control.forms import (
    AddressChanged,
    DeliveryChosen,
    LineDiscounted,
    LineRefunded,
    LinesCancelled,
    OrdersAsked,
    ParcelMade,
    ParcelWithdrawn,
    StatusAsked,
)
from sandbox.control.requests import (
    ControlError,
    id_named,
    json_response,
    read_form,
    seller_named,
)
from sandbox.control.views import order_view
from sandbox.errors import Refusal
from sandbox.orders import lifecycle
from sandbox.orders.order import Discount, Line, Order, Parcel
from sandbox.server import Request, Response
from sandbox.state import State


def show(state: State, request: Request, parts: list[str]) -> Response:
    """All orders, or one seller's."""
    wanted = request.query.get("seller", "")
    return json_response(
        [
            order_view(order)
            for order in state.orders.repository.all()
            if not wanted or order.seller_id == wanted
        ]
    )


def place(state: State, request: Request, parts: list[str]) -> Response:
    """Let buyers order."""
    asked = read_form(request, OrdersAsked)
    if asked.status is not None and asked.status not in lifecycle.STATUSES:
        raise ControlError(f"status is one of {', '.join(lifecycle.STATUSES)}")
    if asked.journey not in (*lifecycle.JOURNEYS, "mixed"):
        raise ControlError(f"journey is mixed or one of {', '.join(lifecycle.JOURNEYS)}")
    orders = state.orders.place(
        seller_named(asked.seller_id),
        asked.seed,
        asked.count,
        lines=[(line.sku_code, line.quantity) for line in asked.lines],
        target=asked.status,
        journey=asked.journey,
    )
    return json_response([order_view(order) for order in orders], status=201)


def move(state: State, request: Request, parts: list[str]) -> Response:
    """Put an order into a state."""
    asked = read_form(request, StatusAsked)
    order = _order(state, parts)
    if asked.status not in lifecycle.STATUSES:
        raise ControlError(f"status is one of {', '.join(lifecycle.STATUSES)}")
    state.orders.move(order, asked.status, asked.reason)
    return json_response(order_view(order))


def cancel_lines(state: State, request: Request, parts: list[str]) -> Response:
    """Let the buyer cancel lines."""
    asked = read_form(request, LinesCancelled)
    order = _order(state, parts)
    if not asked.sku_codes:
        raise ControlError("sku_codes names at least one line")
    lines = [_line(order, code) for code in dict.fromkeys(asked.sku_codes)]
    state.orders.cancel_lines(order, lines, asked.reason)
    return json_response(order_view(order))


def refund_line(state: State, request: Request, parts: list[str]) -> Response:
    """Give a part of a line's price back to the buyer."""
    asked = read_form(request, LineRefunded)
    order = _order(state, parts)
    state.orders.refund(order, _line(order, asked.sku_code), asked.amount, asked.reason)
    return json_response(order_view(order))


def discount_line(state: State, request: Request, parts: list[str]) -> Response:
    """Let a promotion take something off a line."""
    asked = read_form(request, LineDiscounted)
    order = _order(state, parts)
    discount = Discount(f"{asked.amount:.2f}", asked.owner, asked.kind, asked.promotion_id)
    state.orders.discount(order, _line(order, asked.sku_code), discount)
    return json_response(order_view(order))


def choose_delivery(state: State, request: Request, parts: list[str]) -> Response:
    """Set pick-up point, passport and settlement."""
    asked = read_form(request, DeliveryChosen)
    order = _order(state, parts)
    state.orders.choose_delivery(
        order, pickup=asked.pickup, passport=asked.passport, settlement=asked.settlement
    )
    return json_response(order_view(order))


def change_address(state: State, request: Request, parts: list[str]) -> Response:
    """Let the buyer change where an order goes."""
    asked = read_form(request, AddressChanged)
    order = _order(state, parts)
    changes = {
        name: value for name, value in msgspec.structs.asdict(asked).items() if value is not None
    }
    state.orders.change_address(order, changes)
    return json_response(order_view(order))


def make_parcel(state: State, request: Request, parts: list[str]) -> Response:
    """Declare a parcel as the seller does in the seller centre."""
    asked = read_form(request, ParcelMade)
    order = _order(state, parts)
    parcel = Parcel(
        asked.service_name,
        asked.logistics_no,
        asked.send_type,
        asked.tracking_website,
        state.clock.now(),
    )
    try:
        state.orders.ship(order.seller_id, order.id, parcel, operation="order.parcel")
    except Refusal as refusal:
        raise ControlError(refusal.message, 409) from refusal
    return json_response(order_view(order), status=201)


def withdraw_parcel(state: State, request: Request, parts: list[str]) -> Response:
    """Take a parcel back as the seller does in the seller centre."""
    asked = read_form(request, ParcelWithdrawn)
    order = _order(state, parts)
    state.orders.withdraw(order, asked.logistics_no)
    return json_response(order_view(order))


def _order(state: State, parts: list[str]) -> Order:
    order = state.orders.repository.get(id_named(parts[1]))
    if order is None:
        raise ControlError("there is no such order", 404)
    return order


def _line(order: Order, sku_code: str) -> Line:
    for line in order.lines:
        if line.sku_code == sku_code:
            return line
    raise ControlError(f"the order has no line of {sku_code!r}", 404)
