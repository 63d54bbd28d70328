"""The outcome of a parcel, written with the events of it."""

from collections.abc import Mapping

import structlog

from common import clock
from common.contracts.event import Event
from common.messaging.outbox import Caused
from common.postgres.pool import Connection
from common.telemetry.names import PARCELS_SETTLED
from common.telemetry.setup import histogram
from common.telemetry.tracing import Attribute, step
from order_importer.changes.publish import publish
from order_importer.imports.store import request_import
from order_importer.orders.events import parcel_updated, shipped
from order_importer.orders.store import lock_order, raise_revision
from order_importer.shipping import store
from order_importer.shipping.refusals import Rejection
from order_importer.shipping.store import Shipment

_settled = histogram(PARCELS_SETTLED)
log = structlog.get_logger()


async def confirm(connection: Connection, shipment: Shipment) -> None:
    """AliExpress has the parcel: `order.shipped`, and an import that reads its new state."""
    stored = await lock_order(connection, shipment.merchant_id, shipment.shop_id, shipment.order_id)
    current = await store.lock_shipment(connection, shipment)
    if current.state == "confirmed":
        return
    await store.mark_confirmed(connection, current)
    _measure(current, "confirmed")
    now_known = await raise_revision(connection, stored)
    events: list[Event] = [shipped(now_known, shipment.shipment_id), parcel_updated(now_known)]
    cause = _traced("shipment confirmed", shipment)
    await publish(connection, [Caused(event, cause) for event in events])
    log.info("shipment.confirmed", **_named(shipment))
    await request_import(
        connection, shipment.merchant_id, shipment.shop_id, "shipment", at=clock.now()
    )


async def refuse(connection: Connection, shipment: Shipment, rejection: Rejection) -> None:
    """The parcel is not shipped; its lines are free for another."""
    stored = await lock_order(connection, shipment.merchant_id, shipment.shop_id, shipment.order_id)
    current = await store.lock_shipment(connection, shipment)
    await store.mark_refused(connection, current, rejection)
    _measure(current, "refused")
    now_known = await raise_revision(connection, stored)
    cause = _traced("shipment refused", shipment, {"channel.code": rejection.code})
    await publish(connection, [Caused(parcel_updated(now_known), cause)])
    log.info("shipment.refused", **_named(shipment), code=rejection.code)
    await request_import(
        connection, shipment.merchant_id, shipment.shop_id, "shipment", at=clock.now()
    )


def _measure(shipment: Shipment, outcome: str) -> None:
    """A transaction that fails after this is counted again when it is repeated."""
    _settled.record(clock.seconds_between(shipment.requested_at, clock.now()), {"outcome": outcome})


def _named(shipment: Shipment) -> dict[str, str]:
    return {
        "merchant": shipment.merchant_id,
        "shop": shipment.shop_id,
        "order": shipment.order_id,
        "shipment": shipment.shipment_id,
    }


def _traced(
    name: str, shipment: Shipment, attributes: Mapping[str, Attribute] | None = None
) -> str | None:
    """The outcome in the trace of the request; the traceparent of what is published of it."""
    about = {f"channel.{key}": value for key, value in _named(shipment).items()}
    return step(name, shipment.traceparent, attributes={**about, **(attributes or {})})
