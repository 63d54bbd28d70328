"""The control API: what tests and the local stack may do that no seller could."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from sandbox.control.forms import (
    BanAsked,
    ClockMove,
    CodeAsked,
    OrdersAsked,
    ProductsAsked,
    SellerAsked,
    StatusAsked,
)
from sandbox.control.views import order_view, product_view
from sandbox.faults import Fault
from sandbox.ledger import as_line
from sandbox.orders import lifecycle
from sandbox.orders.service import NothingToOrder
from sandbox.products.sample import sample_payload
from sandbox.products.shops import ON_SALE
from sandbox.schema_store import SchemaChange
from sandbox.sellers import SELLERS
from sandbox.server import Request, Response
from sandbox.state import State
from sandbox.wire import Quirks


class ControlError(Exception):
    """The request asks for something that is not there or cannot be."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


Action = Callable[[State, Request, list[str]], Response]


def answer(state: State, request: Request) -> Response:
    """Answer a request below /control/."""
    parts = request.path.removeprefix("/control/").strip("/").split("/")
    action = _ACTIONS.get((request.method, parts[0], len(parts)))
    if action is None:
        return _json({"error": "there is no such control"}, status=404)
    try:
        state.advance()
        return action(state, request, parts)
    except ControlError as error:
        return _json({"error": str(error)}, status=error.status)
    except msgspec.MsgspecError as error:
        return _json({"error": str(error)}, status=422)


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status=status)


T = TypeVar("T")


def _read(request: Request, form: type[T]) -> T:
    return msgspec.json.decode(request.body or b"{}", type=form)


def _seller(seller_id: str) -> str:
    if seller_id not in SELLERS:
        raise ControlError(f"there is no seller {seller_id!r}", 404)
    return seller_id


def _health(state: State, request: Request, parts: list[str]) -> Response:
    return _json({"status": "up"})


def _clock(state: State, request: Request, parts: list[str]) -> Response:
    now = state.clock.now().isoformat(timespec="milliseconds")
    return _json({"now": now, "is_frozen": state.clock.is_frozen})


def _move_clock(state: State, request: Request, parts: list[str]) -> Response:
    move = _read(request, ClockMove)
    clock = state.clock
    if move.is_frozen is not None:
        clock.freeze(move.is_frozen)
    if move.set is not None:
        if move.set.tzinfo is None:
            raise ControlError("set needs a time with its offset from UTC")
        clock.set(move.set)
    if move.advance_seconds is not None:
        clock.set(clock.now() + timedelta(seconds=move.advance_seconds))
    state.advance()
    return _clock(state, request, parts)


def _ledger(state: State, request: Request, parts: list[str]) -> Response:
    query = request.query
    since = query.get("since_sequence", "0")
    if not since.isdecimal():
        raise ControlError("since_sequence is a number")
    entries = state.ledger.read(
        seller_id=query.get("seller", ""),
        operation=query.get("operation", ""),
        outcome=query.get("outcome", ""),
        since_sequence=int(since),
    )
    return Response(b"".join(map(as_line, entries)), content_type="application/x-ndjson")


def _calls(state: State, request: Request, parts: list[str]) -> Response:
    counts = state.counts
    return _json(
        {
            "calls": dict(sorted(counts.calls.items())),
            "in_flight": dict(sorted(counts.in_flight.items())),
            "refused": {name: dict(codes) for name, codes in sorted(counts.refused.items())},
        }
    )


def _clear_calls(state: State, request: Request, parts: list[str]) -> Response:
    state.counts.clear()
    return _calls(state, request, parts)


def _products(state: State, request: Request, parts: list[str]) -> Response:
    wanted = request.query.get("seller", "")
    sellers = [_seller(wanted)] if wanted else list(SELLERS)
    return _json(
        [
            product_view(product)
            for seller_id in sellers
            for product in state.shops.of(seller_id).products.values()
        ]
    )


def _add_products(state: State, request: Request, parts: list[str]) -> Response:
    asked = _read(request, ProductsAsked)
    seller = SELLERS[_seller(asked.seller_id)]
    codes = asked.sku_codes or [f"BY-HAND-{index:06d}" for index in range(1, asked.count + 1)]
    made = [
        state.products.put(seller.id, sample_payload(seller, state.catalogue, code), ON_SALE)
        for code in codes
    ]
    return _json({"product_ids": [str(product.id) for product in made]})


def _set_product_status(state: State, request: Request, parts: list[str]) -> Response:
    asked = _read(request, StatusAsked)
    product = state.stored.products.get(_number(parts[1]))
    if product is None:
        raise ControlError("there is no such product", 404)
    state.products.set_status(product, asked.status, asked.reason)
    return _json(product_view(product))


def _orders(state: State, request: Request, parts: list[str]) -> Response:
    wanted = request.query.get("seller", "")
    return _json(
        [
            order_view(order)
            for order in state.orders.repository.all()
            if not wanted or order.seller_id == wanted
        ]
    )


def _place_orders(state: State, request: Request, parts: list[str]) -> Response:
    asked = _read(request, OrdersAsked)
    if asked.status is not None and asked.status not in lifecycle.STATUSES:
        raise ControlError(f"status is one of {', '.join(lifecycle.STATUSES)}")
    if asked.journey not in (*lifecycle.JOURNEYS, "mixed"):
        raise ControlError(f"journey is mixed or one of {', '.join(lifecycle.JOURNEYS)}")
    try:
        orders = state.orders.place(
            _seller(asked.seller_id),
            asked.seed,
            asked.count,
            lines=[(line.sku_code, line.quantity) for line in asked.lines],
            target=asked.status,
            journey=asked.journey,
        )
    except NothingToOrder as error:
        raise ControlError(str(error), 409) from error
    return _json([order_view(order) for order in orders], status=201)


def _move_order(state: State, request: Request, parts: list[str]) -> Response:
    asked = _read(request, StatusAsked)
    order = state.orders.repository.get(_number(parts[1]))
    if order is None:
        raise ControlError("there is no such order", 404)
    if asked.status not in lifecycle.STATUSES:
        raise ControlError(f"status is one of {', '.join(lifecycle.STATUSES)}")
    state.orders.move(order, asked.status, asked.reason)
    return _json(order_view(order))


def _code(state: State, request: Request, parts: list[str]) -> Response:
    asked = _read(request, CodeAsked)
    if asked.redirect_uri not in state.settings.redirects:
        raise ControlError("redirect_uri is not one registered with the app")
    code = state.oauth.issue_code(_seller(asked.seller_id), asked.redirect_uri)
    return _json({"code": code}, status=201)


def _expire_tokens(state: State, request: Request, parts: list[str]) -> Response:
    asked = _read(request, SellerAsked)
    return _json({"expired": state.oauth.revoke(_seller(asked.seller_id))})


def _set_standing(state: State, request: Request, parts: list[str]) -> Response:
    asked = _read(request, SellerAsked)
    state.stored.standings[_seller(asked.seller_id)] = asked.standing
    return _json({"standings": state.stored.standings})


def _faults(state: State, request: Request, parts: list[str]) -> Response:
    return _json(state.faults.listed())


def _add_fault(state: State, request: Request, parts: list[str]) -> Response:
    return _json(state.faults.add(_read(request, Fault)), status=201)


def _clear_faults(state: State, request: Request, parts: list[str]) -> Response:
    chosen = _number(parts[1]) if len(parts) > 1 else None
    return _json({"removed": state.faults.clear(chosen)})


def _ban(state: State, request: Request, parts: list[str]) -> Response:
    asked = _read(request, BanAsked)
    state.limits.ban(asked.operation, asked.seconds)
    return _json({"operation": asked.operation, "seconds": asked.seconds}, status=201)


def _lift_bans(state: State, request: Request, parts: list[str]) -> Response:
    state.limits.clear()
    return _json({})


def _quirks(state: State, request: Request, parts: list[str]) -> Response:
    if request.method == "POST":
        state.quirks = _read(request, Quirks)
    return _json(state.quirks)


def _change_schema(state: State, request: Request, parts: list[str]) -> Response:
    change = _read(request, SchemaChange)
    try:
        state.schemas.change(change)
    except KeyError as error:
        raise ControlError(f"{error.args[0]} is not known", 404) from error
    return _json(change, status=201)


def _reset(state: State, request: Request, parts: list[str]) -> Response:
    state.reset()
    return _json({})


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ControlError(f"{text!r} is not an id", 404)
    return int(text)


_ACTIONS: dict[tuple[str, str, int], Action] = {
    ("GET", "health", 1): _health,
    ("GET", "clock", 1): _clock,
    ("POST", "clock", 1): _move_clock,
    ("GET", "ledger", 1): _ledger,
    ("GET", "calls", 1): _calls,
    ("DELETE", "calls", 1): _clear_calls,
    ("GET", "products", 1): _products,
    ("POST", "products", 1): _add_products,
    ("POST", "products", 3): _set_product_status,
    ("GET", "orders", 1): _orders,
    ("POST", "orders", 1): _place_orders,
    ("POST", "orders", 3): _move_order,
    ("POST", "codes", 1): _code,
    ("POST", "tokens", 2): _expire_tokens,
    ("POST", "sellers", 1): _set_standing,
    ("GET", "faults", 1): _faults,
    ("POST", "faults", 1): _add_fault,
    ("DELETE", "faults", 1): _clear_faults,
    ("DELETE", "faults", 2): _clear_faults,
    ("POST", "bans", 1): _ban,
    ("DELETE", "bans", 1): _lift_bans,
    ("GET", "quirks", 1): _quirks,
    ("POST", "quirks", 1): _quirks,
    ("POST", "schemas", 1): _change_schema,
    ("POST", "reset", 1): _reset,
}
