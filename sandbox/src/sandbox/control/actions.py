"""The control API: what tests and the local stack may do that no seller could."""

from datetime import timedelta

import msgspec

from sandbox.control import mails, orders
from sandbox.control.forms import (
    BanAsked,
    ClockMove,
    CodeAsked,
    ProductsAsked,
    SellerAsked,
    StatusAsked,
)
from sandbox.control.requests import (
    Action,
    ControlError,
    id_named,
    json_response,
    read_form,
    seller_named,
)
from sandbox.control.views import product_view
from sandbox.faults import Fault
from sandbox.ledger import as_line
from sandbox.orders.service import NothingToOrder, NotPossible
from sandbox.products.sample import sample_payload
from sandbox.products.shops import ON_SALE
from sandbox.schema_store import SchemaChange
from sandbox.sellers import SELLERS
from sandbox.server import Request, Response
from sandbox.state import State
from sandbox.wire import Quirks

LONGEST_WAIT = 2.0
"""Seconds for which a question is held up: longer would hold up the sandbox's own end."""


def answer(state: State, request: Request) -> Response:
    """Answer a request below /control/."""
    parts = request.path.removeprefix("/control/").strip("/").split("/")
    # The second part of a path is an id, or a word there is one of only.
    place = "/".join([parts[0], *("*" for _ in parts[1:2]), *parts[2:]])
    action = _ACTIONS.get((request.method, place))
    if action is None:
        return json_response({"error": "there is no such control"}, status=404)
    try:
        state.advance()
        return action(state, request, parts)
    except ControlError as error:
        return json_response({"error": str(error)}, status=error.status)
    except (NothingToOrder, NotPossible) as error:
        return json_response({"error": str(error)}, status=409)
    except msgspec.MsgspecError as error:
        return json_response({"error": str(error)}, status=422)


async def wait_for_move(state: State, request: Request) -> None:
    """Hold up who asks for the clock and knows its last move, until there is another."""
    if request.path == "/control/clock":
        await state.clock_moves.after(request.query.get("after_move", ""), LONGEST_WAIT)


def _health(state: State, request: Request, parts: list[str]) -> Response:
    return json_response({"status": "up"})


def _clock(state: State, request: Request, parts: list[str]) -> Response:
    now = state.clock.now().isoformat(timespec="milliseconds")
    move = state.clock_moves.number
    return json_response({"now": now, "is_frozen": state.clock.is_frozen, "move": move})


def _move_clock(state: State, request: Request, parts: list[str]) -> Response:
    move = read_form(request, ClockMove)
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
    state.clock_moves.note()
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


def _received(state: State, request: Request, parts: list[str]) -> Response:
    query = request.query
    items = (
        item
        for item in state.feeds.received
        if query.get("seller", "") in {"", item.seller_id}
        and query.get("operation_type", "") in {"", item.operation_type}
    )
    lines = b"".join(msgspec.json.encode(item) + b"\n" for item in items)
    return Response(lines, content_type="application/x-ndjson")


def _calls(state: State, request: Request, parts: list[str]) -> Response:
    counts = state.counts
    return json_response(
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
    sellers = [seller_named(wanted)] if wanted else list(SELLERS)
    return json_response(
        [
            product_view(product)
            for seller_id in sellers
            for product in state.shops.of(seller_id).products.values()
        ]
    )


def _add_products(state: State, request: Request, parts: list[str]) -> Response:
    asked = read_form(request, ProductsAsked)
    seller = SELLERS[seller_named(asked.seller_id)]
    codes = asked.sku_codes or [f"BY-HAND-{index:06d}" for index in range(1, asked.count + 1)]
    made = [
        state.products.put(
            seller.id,
            sample_payload(seller, state.catalogue, code, has_variant=asked.has_variants)
            | {"shipping_preparation_time": asked.preparation_days},
            ON_SALE,
        )
        for code in codes
    ]
    return json_response({"product_ids": [str(product.id) for product in made]})


def _set_product_status(state: State, request: Request, parts: list[str]) -> Response:
    asked = read_form(request, StatusAsked)
    product = state.stored.products.get(id_named(parts[1]))
    if product is None:
        raise ControlError("there is no such product", 404)
    state.products.set_status(product, asked.status, asked.reason)
    return json_response(product_view(product))


def _code(state: State, request: Request, parts: list[str]) -> Response:
    asked = read_form(request, CodeAsked)
    if asked.redirect_uri not in state.settings.redirects:
        raise ControlError("redirect_uri is not one registered with the app")
    code = state.oauth.issue_code(seller_named(asked.seller_id), asked.redirect_uri)
    return json_response({"code": code}, status=201)


def _tokens(state: State, request: Request, parts: list[str]) -> Response:
    found = state.oauth.tokens_of(seller_named(request.query.get("seller", "")))
    return json_response(
        [{"access_token": one.access_token, "refresh_token": one.refresh_token} for one in found]
    )


def _expire_tokens(state: State, request: Request, parts: list[str]) -> Response:
    asked = read_form(request, SellerAsked)
    return json_response({"expired": state.oauth.revoke(seller_named(asked.seller_id))})


def _set_standing(state: State, request: Request, parts: list[str]) -> Response:
    asked = read_form(request, SellerAsked)
    state.stored.standings[seller_named(asked.seller_id)] = asked.standing
    return json_response({"standings": state.stored.standings})


def _faults(state: State, request: Request, parts: list[str]) -> Response:
    return json_response(state.faults.listed())


def _add_fault(state: State, request: Request, parts: list[str]) -> Response:
    return json_response(state.faults.add(read_form(request, Fault)), status=201)


def _clear_faults(state: State, request: Request, parts: list[str]) -> Response:
    chosen = id_named(parts[1]) if len(parts) > 1 else None
    return json_response({"removed": state.faults.clear(chosen)})


def _ban(state: State, request: Request, parts: list[str]) -> Response:
    asked = read_form(request, BanAsked)
    state.limits.ban(asked.operation, asked.seconds)
    return json_response({"operation": asked.operation, "seconds": asked.seconds}, status=201)


def _lift_bans(state: State, request: Request, parts: list[str]) -> Response:
    state.limits.clear()
    return json_response({})


def _quirks(state: State, request: Request, parts: list[str]) -> Response:
    if request.method == "POST":
        state.quirks = read_form(request, Quirks)
    return json_response(state.quirks)


def _change_schema(state: State, request: Request, parts: list[str]) -> Response:
    change = read_form(request, SchemaChange)
    try:
        state.schemas.change(change)
    except KeyError as error:
        raise ControlError(f"{error.args[0]} is not known", 404) from error
    return json_response(change, status=201)


def _reset(state: State, request: Request, parts: list[str]) -> Response:
    state.reset()
    return json_response({})


_ACTIONS: dict[tuple[str, str], Action] = {
    ("GET", "health"): _health,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _move_clock,
    ("GET", "ledger"): _ledger,
    ("GET", "received"): _received,
    ("GET", "calls"): _calls,
    ("DELETE", "calls"): _clear_calls,
    ("GET", "products"): _products,
    ("POST", "products"): _add_products,
    ("POST", "products/*/status"): _set_product_status,
    ("GET", "orders"): orders.show,
    ("POST", "orders"): orders.place,
    ("POST", "orders/*/status"): orders.move,
    ("POST", "orders/*/cancel"): orders.cancel_lines,
    ("POST", "orders/*/refund"): orders.refund_line,
    ("POST", "orders/*/discount"): orders.discount_line,
    ("POST", "orders/*/delivery"): orders.choose_delivery,
    ("POST", "orders/*/address"): orders.change_address,
    ("POST", "orders/*/parcels"): orders.make_parcel,
    ("POST", "orders/*/withdraw"): orders.withdraw_parcel,
    ("POST", "codes"): _code,
    ("GET", "tokens"): _tokens,
    ("POST", "tokens/*"): _expire_tokens,
    ("POST", "sellers"): _set_standing,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("DELETE", "faults/*"): _clear_faults,
    ("POST", "bans"): _ban,
    ("DELETE", "bans"): _lift_bans,
    ("GET", "quirks"): _quirks,
    ("POST", "quirks"): _quirks,
    ("POST", "schemas"): _change_schema,
    ("GET", "mails"): mails.show,
    ("DELETE", "mails"): mails.clear,
    ("POST", "mails/*"): mails.refuse,
    ("POST", "reset"): _reset,
}
