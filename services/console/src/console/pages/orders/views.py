"""Orders by what is to be done with them. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from console.answers.orders import Carrier, Line, Order, Parcel, Shipments, ShippedFile
from console.services import Problem
from console.texts import N_, translations

VIEWS = ("due", "all", "new", "waiting_shipment", "shipped", "closed", "other")
DUE_WITHIN = timedelta(days=30)
"""Orders to ship by deadline: all, since AliExpress gives no longer ones."""
WEBSITE = N_("Page where the parcel can be followed")


def asked_of(view: str, query: Mapping[str, str], now: datetime) -> dict[str, str | None]:
    """What the list is asked for."""
    asked: dict[str, str | None] = {
        "cursor": query.get("cursor"),
        "shop": query.get("shop") or None,
        "number": query.get("number") or None,
        "sku": query.get("sku") or None,
    }
    if view == "due":
        until = (now + DUE_WITHIN).strftime("%Y-%m-%dT%H:%M:%SZ")
        return asked | {"status": "waiting_shipment", "due_before": until}
    return asked | {"status": view if view in VIEWS[2:] else None}


def unshipped(order: Order) -> list[Line]:
    """The lines that are in no parcel yet, or whose latest one has more to follow."""
    more_follow = {
        line: parcel.more_follow
        for parcel in order.parcels
        if parcel.gone_at is None and parcel.state != "refused"
        for line in parcel.line_ids
    }
    return [line for line in order.lines if more_follow.get(line.line_id, True)]


def awaits_more(order: Order, parcel: Parcel) -> bool:
    """Whether further parcels of this one's lines are still to come."""
    left = {line.line_id for line in unshipped(order)}
    is_there = parcel.gone_at is None and parcel.state != "refused"
    return is_there and parcel.more_follow and not left.isdisjoint(parcel.line_ids)


def further(shipments: Shipments | None) -> set[str]:
    """The parcels that are further ones of lines that were in one already."""
    items = shipments.items if shipments else []
    return {shipment.shipment_id for shipment in items if shipment.is_further}


def likely_carrier(order: Order, carriers: list[Carrier]) -> str:
    """The carrier the buyer chose, if AliExpress takes it for the shop; else none."""
    chosen = (order.shipping_choice or "").casefold()
    for carrier in carriers:
        names = {carrier.service_name.casefold(), (carrier.display_name or "").casefold()}
        if chosen and chosen in names:
            return carrier.display_name or carrier.service_name
    return ""


def as_shown(problem: Problem, language: str) -> Problem:
    """A refusal with the next step that the order's page has: services tell it to programs."""
    remedy = problem.remedy
    if problem.slug == "lines-shipped":
        remedy = N_("Look at the order's parcels, and ship what is left.")
    return msgspec.structs.replace(problem, remedy=in_form_words(remedy or "", language) or None)


def in_form_words(text: str, language: str) -> str:
    """The text, with the field of a request called as the form's."""
    label = translations(language).gettext(WEBSITE)
    return text.replace("`tracking_website`", f"“{label}”")


def accepted_parcels(result: ShippedFile) -> int:
    """How many parcels the accepted rows of a file are: those of one order and number are one."""
    rows = [row for row in result.items if row.outcome == "accepted"]
    return len({(row.order_id, row.tracking_number) for row in rows})
