"""Methods on orders and their shipments."""

from datetime import datetime, timedelta
from typing import Any

from sandbox import errors
from sandbox.clock import from_pacific, pacific
from sandbox.errors import Refusal
from sandbox.methods.registry import Answer, Call, as_integer, as_list, operation
from sandbox.orders import lifecycle
from sandbox.orders.addresses import decrypted, delivery_info, oaid, receipt
from sandbox.orders.details import Details
from sandbox.orders.order import Order, Parcel
from sandbox.orders.service import INTERNAL, SHIPPING_CODE
from sandbox.orders.views import is_delivered, listed_order
from sandbox.wire import Listed

STATUSES_MAX = 20
ALL_BITS = 31
DECRYPTED = 200
NO_ACCOUNT = ("F00-10-10000-001", "account not found")


@operation("aliexpress.solution.order.get")
def list_orders(call: Call) -> Answer:
    """One page of orders by created or modified time; FINISH only when asked for."""
    query = _query(call)
    for name in _PAGING:
        if not query.get(name):
            raise errors.missing_parameter(name)
    size = as_integer(query["page_size"], "page_size")
    if not 1 <= size <= call.state.settings.order_page_max:
        raise errors.invalid_parameter(f"page_size is 1 to {call.state.settings.order_page_max}")
    asked = as_integer(query["current_page"], "current_page")
    page = call.page(asked)
    statuses = _statuses(query)
    buyer = query.get("buyer_login_id")
    found = _in_time(call, query)
    if statuses:
        found = [order for order in found if order.status in statuses]
    else:
        found = [order for order in found if order.status not in _ENDED]
    if buyer:
        found = [order for order in found if order.buyer.login_id == buyer]
    now = call.state.clock.now()
    shown = found[(page - 1) * size : page * size]
    return {
        "result": {
            "target_list": Listed(
                "order_dto", [listed_order(order, call.seller, now) for order in shown]
            ),
            "total_count": len(found),
            "total_page": -(-len(found) // size),
            "current_page": asked,
            "page_size": size,
            "success": True,
            "time_stamp": pacific(now),
        }
    }


def _query(call: Call) -> dict[str, Any]:
    """What to list: as one object in `param0`, or each field a parameter of its own."""
    is_flat = "param0" not in call.parameters and not _PAGING.isdisjoint(call.parameters)
    return dict(call.parameters) if is_flat else call.object("param0")


_PAGING = frozenset({"page_size", "current_page"})
_ENDED = frozenset({lifecycle.FINISHED, lifecycle.ARCHIVED})


def _statuses(query: dict[str, Any]) -> set[str]:
    listed = as_list(query.get("order_status_list"), "order_status_list")
    if len(listed) > STATUSES_MAX:
        raise errors.invalid_parameter(f"order_status_list over {STATUSES_MAX}")
    statuses = {str(status) for status in listed}
    if query.get("order_status"):
        statuses.add(str(query["order_status"]))
    if statuses - set(lifecycle.STATUSES):
        raise errors.invalid_parameter(f"unknown order status {statuses - set(lifecycle.STATUSES)}")
    return statuses


def _in_time(call: Call, query: dict[str, Any]) -> list[Order]:
    created = _window(query, "create_date_start", "create_date_end")
    modified = _window(query, "modified_date_start", "modified_date_end")
    _check_period(call, modified if any(modified) else created)
    orders = call.state.orders.repository.of(call.seller_id)
    if not any(modified):
        return orders.created_between(*created)
    found = orders.changed_between(*modified)
    start, end = created
    if start:
        found = [order for order in found if order.created_at >= start]
    if end:
        found = [order for order in found if order.created_at <= end]
    return found


def _check_period(call: Call, window: tuple[datetime | None, ...]) -> None:
    most = call.state.settings.order_window_days
    start, end = window
    if most and (start is None or (end or call.state.clock.now()) - start > timedelta(days=most)):
        raise errors.invalid_parameter(f"the period of the query is over {most} days")


def _window(query: dict[str, Any], first: str, last: str) -> tuple[datetime | None, ...]:
    try:
        return tuple(
            from_pacific(str(query[name])) if query.get(name) else None for name in (first, last)
        )
    except ValueError as error:
        raise errors.invalid_parameter(f"{first}, {last}: yyyy-MM-dd HH:mm:ss") from error


@operation("aliexpress.solution.order.info.get")
def order_info(call: Call) -> Answer:
    """One order in full, money with cents."""
    query = call.object("param1")
    order = _find(call, query)
    now = call.state.clock.now()
    if order is None or call.strike("business_error"):
        return {
            "result": {
                "error_code": NO_ACCOUNT[0],
                "error_message": NO_ACCOUNT[1],
                "time_stamp": pacific(now),
            }
        }
    bits = query.get("ext_info_bit_flag")
    details = Details(
        order,
        call.seller,
        now,
        bits=ALL_BITS if bits in (None, "") else as_integer(bits, "ext_info_bit_flag"),
        is_masked=_is_masked(call),
        zero_amounts=call.state.quirks.zero_amounts,
    )
    return {"result": {"data": details.write(), "time_stamp": pacific(now)}}


def _is_masked(call: Call) -> bool:
    return call.state.settings.mask_addresses or call.state.quirks.masked_addresses


@operation("aliexpress.solution.order.receiptinfo.get")
def order_receipt(call: Call) -> Answer:
    """Where an order goes."""
    order = _find(call, call.object("param1"))
    if order is None:
        return _no_account()
    return {"result": receipt(order, is_masked=_is_masked(call))}


@operation("aliexpress.solution.order.delivery.info.get")
def order_delivery(call: Call) -> Answer:
    """Where an order goes, with what customs ask of its buyer."""
    order = _find(call, call.object("single_order_query"))
    if order is None:
        return _no_account()
    return {"result": delivery_info(order, is_masked=_is_masked(call))}


def _no_account() -> Answer:
    return {"result": {"error_code": NO_ACCOUNT[0], "error_message": NO_ACCOUNT[1]}}


@operation("aliexpress.trade.seller.order.decrypt")
def decrypt_order(call: Call) -> Answer:
    """The address of an order in clear, for the `oaid` its masked address carries."""
    order = call.state.orders.repository.find(call.seller_id, call.integer("orderId"))
    if order is None or call.text("oaid") != oaid(order):
        raise errors.invalid_parameter("orderId and oaid do not belong together")
    return {"result_obj": decrypted(order), "result_code": DECRYPTED}


def _find(call: Call, query: dict[str, Any]) -> Order | None:
    if not query.get("order_id"):
        raise errors.missing_parameter("order_id")
    return call.state.orders.repository.find(
        call.seller_id, as_integer(query["order_id"], "order_id")
    )


@operation("aliexpress.solution.order.fulfill")
def fulfil_order(call: Call) -> Answer:
    """Declare a parcel of an order, the last one as `all`."""
    service_name, logistics_no = call.text("service_name"), call.text("logistics_no")
    order_id, send_type = call.integer("out_ref"), _send_type(call)
    if fault := call.strike("business_error"):
        return _not_done(fault.code or SHIPPING_CODE, fault.message or INTERNAL)
    try:
        call.state.orders.ship(
            call.seller_id,
            order_id,
            Parcel(
                service_name,
                logistics_no,
                send_type,
                call.parameters.get("tracking_website", ""),
                call.state.clock.now(),
            ),
        )
    except Refusal as refusal:
        return _not_done(refusal.code, refusal.message)
    return {"result": {"result_success": True}}


@operation("aliexpress.logistics.sellermodifiedshipmentfortop")
def modify_shipment(call: Call) -> Answer:
    """Replace carrier and number of a parcel."""
    old = (call.text("old_service_name"), call.text("old_logistics_no"))
    new = Parcel(
        call.text("new_service_name"),
        call.text("new_logistics_no"),
        _send_type(call),
        call.parameters.get("tracking_website", ""),
        call.state.clock.now(),
    )
    if fault := call.strike("business_error"):
        return _not_changed(fault.code or SHIPPING_CODE, fault.message or INTERNAL)
    try:
        call.state.orders.change_tracking(call.seller_id, call.integer("out_ref"), old, new)
    except Refusal as refusal:
        return _not_changed(refusal.code, refusal.message)
    return {"result_success": True}


def _not_changed(code: str, message: str) -> Answer:
    return {"result_success": False, "result_error_code": code, "result_error_desc": message}


def _send_type(call: Call) -> str:
    send_type = call.text("send_type")
    if send_type not in ("all", "part"):
        raise errors.invalid_parameter("send_type is all or part")
    return send_type


def _not_done(code: str, message: str) -> Answer:
    return {"result": {"result_success": False, "error_code": code, "error_message": message}}


@operation(
    "aliexpress.logistics.redefining.querytrackingresult",
    "aliexpress.logistics.ds.trackinginfo.query",
)
def tracking(call: Call) -> Answer:
    """Where a parcel is."""
    order = call.state.orders.repository.find(call.seller_id, call.integer("out_ref"))
    number = call.text("logistics_no")
    parcels = [p for p in order.parcels if p.logistics_no == number] if order else []
    if order is None or not parcels:
        return {"result_success": False, "error_desc": "no tracking information found"}
    events = [("SHIPPED BY SELLER", parcels[0].sent_at, order.seller_id)]
    if is_delivered(order) and order.ended_at:
        events.append(("DELIVERED", order.ended_at, order.buyer.city))
    details = [
        {
            "event_desc": text,
            "event_date": pacific(moment),
            "address": place,
            "status": text.split()[0].lower(),
            "signed_name": order.buyer.name if text == "DELIVERED" else "",
        }
        for text, moment, place in events
    ]
    return {
        "details": Listed("details", details),
        "official_website": parcels[0].tracking_website or "www.17track.net",
        "result_success": True,
    }
