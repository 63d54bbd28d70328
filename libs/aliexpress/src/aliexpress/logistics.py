"""Carriers, shipments and tracking."""

from datetime import datetime
from typing import Literal

import msgspec

from aliexpress.client import Client
from aliexpress.operation import AccessToken, Operation
from aliexpress.wire import Fields

CARRIERS = Operation("aliexpress.logistics.redefining.listlogisticsservice")
FULFIL_ORDER = Operation("aliexpress.solution.order.fulfill", is_write=True)
MODIFY_SHIPMENT = Operation("aliexpress.logistics.sellermodifiedshipmentfortop", is_write=True)
TRACKING = Operation("aliexpress.logistics.ds.trackinginfo.query")

MAX_SHIPMENT_DESCRIPTION = 512

SendType = Literal["all", "part"]


class Carrier(msgspec.Struct, frozen=True):
    """A carrier of the seller's list; `service_name` is the key shipments name.

    `tracking_pattern` is a regular expression written for the carrier, None where any number goes.
    """

    service_name: str
    display_name: str | None
    company: str | None
    tracking_pattern: str | None
    min_days: int | None
    max_days: int | None
    rank: int | None


class Shipment(msgspec.Struct, frozen=True):
    """A parcel to report to AliExpress. `send_type` all closes the order for further parcels.

    Carriers outside AliExpress's own list need `tracking_website`. `description`: English, at most
    512 characters.
    """

    order_id: str
    service_name: str
    tracking_number: str
    send_type: SendType
    tracking_website: str | None = None
    description: str | None = None


class TrackingEvent(msgspec.Struct, frozen=True):
    """A step of a parcel's way."""

    description: str | None
    at: datetime | None
    place: str | None
    status: str | None
    signed_by: str | None


class Tracking(msgspec.Struct, frozen=True):
    """A parcel's way so far."""

    events: tuple[TrackingEvent, ...]
    official_website: str | None


async def list_carriers(client: Client, token: AccessToken) -> list[Carrier]:
    """The carriers this seller may name.

    Source: aliexpress.logistics.redefining.listlogisticsservice. The list is per seller and
    changes: read it, store none. Errors: `CallerFault`.
    """
    return await client.call(CARRIERS, {}, token, _carriers)


async def fulfil_order(client: Client, token: AccessToken, shipment: Shipment) -> None:
    """Tell of a parcel.

    Source: aliexpress.solution.order.fulfill. Several parts may follow each other; after `all`
    none. Allowed in WAIT_SELLER_SEND_GOODS, SELLER_PART_SEND_GOODS, IN_ISSUE, IN_CANCEL,
    IN_FROZEN. Errors: `BusinessError` (code -999, in Chinese), `OutcomeUnknown` (read the
    order's parcels before trying again).
    """
    await client.call(FULFIL_ORDER, _shipment_form(shipment), token, _accepted)


async def modify_shipment(
    client: Client,
    token: AccessToken,
    shipment: Shipment,
    *,
    old_service_name: str,
    old_tracking_number: str,
) -> None:
    """Replace carrier and tracking number of a parcel reported before. Idempotent.

    Source: aliexpress.logistics.sellermodifiedshipmentfortop. Errors as `fulfil_order`.
    """
    form = _shipment_form(shipment)
    form["new_service_name"] = form.pop("service_name")
    form["new_logistics_no"] = form.pop("logistics_no")
    form["old_service_name"] = old_service_name
    form["old_logistics_no"] = old_tracking_number
    await client.call(MODIFY_SHIPMENT, form, token, _accepted)


async def load_tracking(
    client: Client,
    token: AccessToken,
    *,
    order_id: str,
    service_name: str,
    tracking_number: str,
    to_country: str,
) -> Tracking:
    """A parcel's way so far. Source: aliexpress.logistics.ds.trackinginfo.query.

    Errors: `CallerFault` (unknown parcel).
    """
    parameters = {
        "logistics_no": tracking_number,
        "origin": "ESCROW",
        "out_ref": order_id,
        "service_name": service_name,
        "to_area": to_country,
    }
    return await client.call(TRACKING, parameters, token, _tracking)


def _shipment_form(shipment: Shipment) -> dict[str, str]:
    form = {
        "service_name": shipment.service_name,
        "logistics_no": shipment.tracking_number,
        "out_ref": shipment.order_id,
        "send_type": shipment.send_type,
    }
    if shipment.tracking_website:
        form["tracking_website"] = shipment.tracking_website
    if shipment.description:
        form["description"] = shipment.description[:MAX_SHIPMENT_DESCRIPTION]
    return form


def _accepted(answer: Fields) -> None:
    """Only an express success counts: a parcel must not count as reported when it is not."""
    result = answer.result()
    result.refuse_unless_successful()
    result.flag("result_success", "success")


def _carriers(answer: Fields) -> list[Carrier]:
    found = answer.result()
    found.refuse_unless_successful("result_list")
    return found.read_all("result_list", "aeop_logistics_service_result", _carrier)


def _carrier(row: Fields) -> Carrier:
    return Carrier(
        service_name=row.text("service_name"),
        display_name=row.find_text("display_name"),
        company=row.find_text("logistics_company"),
        tracking_pattern=row.find_text("tracking_no_regex"),
        min_days=row.find_integer("min_process_day"),
        max_days=row.find_integer("max_process_day"),
        rank=row.find_integer("recommend_order"),
    )


def _tracking(answer: Fields) -> Tracking:
    found = answer.result()
    found.refuse_unless_successful("details")
    return Tracking(
        events=tuple(found.read_all("details", "details", _event)),
        official_website=found.find_text("official_website"),
    )


def _event(row: Fields) -> TrackingEvent:
    return TrackingEvent(
        description=row.find_text("event_desc"),
        at=row.find_time("event_date"),
        place=row.find_text("address"),
        status=row.find_text("status"),
        signed_by=row.find_text("signed_name"),
    )
