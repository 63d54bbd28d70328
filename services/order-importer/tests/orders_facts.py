"""The facts of an order in one form: out of the sandbox's own view, and out of our REST.

Neither side uses the other's code: what is cancelled, paid or refunded is derived here once from
what the sandbox did, and compared with what the service read of AliExpress's answers.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

View = dict[str, Any]

CONFIRMED = ("buyer_confirm_goods", "buyer_confirm_goods_timeout")
DISPUTED = "end_issue"
ENDED = ("FINISH", "ARCHIVE")
WAITING = ("WAIT_SELLER_SEND_GOODS", "SELLER_PART_SEND_GOODS")
LOS_ANGELES = ZoneInfo("America/Los_Angeles")


def at_aliexpress(view: View) -> dict[str, Any]:
    """What the sandbox has of an order."""
    currency = view["currency"]
    return {
        "status": view["status"],
        "end_reason": view["end_reason"] or None,
        "total": (Decimal(view["pay_amount"]), currency),
        "shipping": (Decimal(view["shipping_amount"]), currency),
        "discount": _given(view["discount"], currency),
        "settled": (Decimal(view["settled"]["amount"]), view["settled"]["currency"]),
        "refund": _given(view["refunded"], currency),
        "states": [view[name] for name in ("fund_status", "frozen_status", "issue_status")],
        "paid_at": _as_written(view["paid_at"]),
        "deadline": _minute(view["due_at"]) if view["status"] in WAITING else None,
        "buyer": _buyer(view["buyer"]),
        "customs": _customs(view["buyer"]["tax_number"], view["passport"]),
        "pickup": view["pickup"] and (view["pickup"]["type"], view["pickup"]["code"]),
        "parcels": sorted((one["tracking_number"], one["carrier"]) for one in view["shipments"]),
        "lines": {line["line_id"]: _line(view, line) for line in view["lines"]},
        "totals_differ": None,
    }


def here(order: Mapping[str, Any]) -> dict[str, Any]:
    """What we have of it."""
    address = order["address"]
    assert (address["is_masked"], address["is_outdated"]) == (False, False), "read in clear"
    return {
        "status": order["marketplace_status"],
        "end_reason": order["end_reason"],
        "total": _money(order["total"]),
        "shipping": _money(order["shipping_cost"]),
        "discount": _money(order["discount"]),
        "settled": _money(order["settlement_total"]),
        "refund": _money(order["refund"] and order["refund"]["amount"]),
        "states": [order[name] for name in ("fund_status", "frozen_status", "issue_status")],
        "paid_at": _as_written(order["paid_at"]),
        "deadline": _minute(order["ship_before"]),
        "buyer": {
            "login": order["buyer"],
            "name": address["contact_name"],
            "country": address["country"],
            "province": address["province"],
            "city": address["city"],
            "zip": address["postal_code"],
            "street": address["street"],
            "address2": address["street_2"] or "",
            "phone": address["phone"],
        },
        "customs": _customs(order["tax_number"], order["passport"]),
        "pickup": order["pickup_point"]
        and (order["pickup_point"]["kind"], order["pickup_point"]["code"]),
        "parcels": sorted(
            (one["tracking_number"], one["carrier"])
            for one in order["parcels"]
            if one["state"] == "confirmed" and one["gone_at"] is None
        ),
        "lines": {line["line_id"]: _line_here(line) for line in order["lines"]},
        "totals_differ": order["totals_differ"],
    }


def differences(order: Mapping[str, Any], view: View) -> dict[str, tuple[Any, Any]]:
    """What of an order is not here as it is there: each as (here, there)."""
    ours, theirs = here(order), at_aliexpress(view)
    return {name: (ours[name], theirs[name]) for name in theirs if ours[name] != theirs[name]}


def plain(value: Any) -> Any:
    """An event's order in the form REST shows it: every field there, moments as texts."""
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _customs(tax_number: str | None, passport: dict[str, Any] | None) -> tuple[str, ...]:
    """The beginnings of tax number and passport, all that is shown while they are masked."""
    return tuple((text or "")[:3] for text in (tax_number, passport and passport["number"]))


def _buyer(buyer: dict[str, Any]) -> dict[str, Any]:
    names = ("name", "country", "province", "city", "zip", "street", "address2")
    return {
        "login": buyer["login_id"],
        **{name: buyer[name] for name in names},
        "phone": f"{buyer['phone_country']} {buyer['mobile']}",
    }


def _line(view: View, line: dict[str, Any]) -> dict[str, Any]:
    is_over = view["status"] in ENDED
    is_called_off = is_over and view["end_reason"] not in (*CONFIRMED, DISPUTED)
    return {
        "sku_code": line["sku_code"],
        "product": line["product_id"],
        "quantity": line["quantity"],
        "unit_price": (Decimal(line["unit_price"]), view["currency"]),
        "status": line["status"],
        "image": line["image"],
        "variant": [
            (one["pName"], one["pValue"], one["selfDefineValue"] or None)
            for one in msgspec.json.decode(line["attributes"])["sku"]
        ],
        "discounts": [
            (Decimal(one["amount"]), one["owner"].lower(), one["kind"], one["promotion_id"])
            for one in line["discounts"]
        ],
        "refund": (_given(line["refunded"], view["currency"]), line["refund_reason"] or None),
        "is_cancelled": line["is_cancelled"] or is_called_off,
    }


def _line_here(line: dict[str, Any]) -> dict[str, Any]:
    refund = line["refund"] or {"amount": None, "reason": None}
    cancellation = line["cancellation"]
    assert cancellation is None or cancellation["quantity"] == line["quantity"]
    return {
        "sku_code": line["sku_code"],
        "product": line["marketplace_product_id"],
        "quantity": line["quantity"],
        "unit_price": _money(line["unit_price"]),
        "status": line["marketplace_status"],
        "image": line["image_url"],
        "variant": [(one["name"], one["value"], one["custom_value"]) for one in line["variant"]],
        "discounts": [
            (Decimal(one["amount"]["amount"]), one["paid_by"], one["kind"], one["promotion_id"])
            for one in line["discounts"]
        ],
        "refund": (_money(refund["amount"]), refund["reason"]),
        "is_cancelled": cancellation is not None,
    }


def _money(money: dict[str, str] | None) -> tuple[Decimal, str] | None:
    return None if money is None else (Decimal(money["amount"]), money["currency"])


def _given(amount: str, currency: str) -> tuple[Decimal, str] | None:
    """Money that the platform leaves out where it is nothing."""
    return (Decimal(amount), currency) if Decimal(amount) else None


def _as_written(moment: str | None) -> str | None:
    """A time as AliExpress writes it, in Los Angeles: that of November's repeated hour is two."""
    if moment is None:
        return None
    return datetime.fromisoformat(moment).astimezone(LOS_ANGELES).strftime("%Y-%m-%d %H:%M:%S")


def _minute(moment: str | None) -> datetime | None:
    """Deadlines are to the minute, as the list counts what is left."""
    if moment is None:
        return None
    found = datetime.fromisoformat(moment) + timedelta(seconds=30)
    return found.replace(second=0, microsecond=0)
