"""Send parcels to AliExpress: intent, call, outcome; one parcel of an order at a time.

A lost answer, or a process killed between intent and outcome, leaves the shipment `sent`; it is
then settled by reading the order (`settle_unknown`), never by sending again blindly.
"""

from datetime import timedelta

import structlog
from opentelemetry import trace

from aliexpress.errors import AppRefused, CallerFault, MarketplaceFailure, OutcomeUnknown
from aliexpress.logistics import Shipment as WireShipment
from aliexpress.logistics import fulfil_order
from aliexpress.operation import AccessToken
from common import clock
from common.errors import Outage
from common.failpoints import reach
from common.postgres.leases import Lease, check_lease, hold_lease
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.shop_tokens import ShopNotConnected
from common.telemetry.names import SPAN_SHIP
from common.telemetry.setup import links_to
from order_importer.orders.store import lock_order
from order_importer.shipping import settle_unknown, store
from order_importer.shipping.outcome import confirm, refuse
from order_importer.shipping.parcels import send_type
from order_importer.shipping.refusals import meaning_of
from order_importer.shipping.store import Shipment
from order_importer.shops.pauses import NOTHING_TO_DO, pause_after
from order_importer.shops.shop_access import ShopAccess

log = structlog.get_logger()
tracer = trace.get_tracer("order-importer")

_CANDIDATES = 20


async def send_next(pool: Pool, access: ShopAccess, holder: str) -> bool:
    """Take the open shipment with the nearest deadline. Whether there was one to do work on."""
    async with reading(pool) as connection:
        candidates = await store.list_open(connection, clock.now(), limit=_CANDIDATES)
    for shipment in candidates:
        name = f"shipment:{shipment.merchant_id}/{shipment.shop_id}/{shipment.order_id}"
        async with hold_lease(pool, name, holder) as lease:
            if lease is not None:
                return await _take(pool, access, lease, shipment)
    return False


async def _take(pool: Pool, access: ShopAccess, lease: Lease, shipment: Shipment) -> bool:
    with tracer.start_as_current_span(SPAN_SHIP, links=links_to([shipment.traceparent])):
        try:
            async with access.token_of(shipment.merchant_id, shipment.shop_id) as token:
                if shipment.state == "sent":
                    return await settle_unknown.settle(pool, access.client, token, lease, shipment)
                return await _send(pool, access, token, lease, shipment)
        except (Outage, ShopNotConnected, MarketplaceFailure) as failure:
            log.warning("shipment.postponed", order=shipment.order_id, reason=str(failure))
            await _postpone(pool, lease, shipment, failure)
            return False


async def _send(
    pool: Pool, access: ShopAccess, token: AccessToken, lease: Lease, shipment: Shipment
) -> bool:
    parcel = await _intend(pool, lease, shipment)
    if parcel is None:
        return True
    reach("shipping.after-intent")
    try:
        await fulfil_order(access.client, token, parcel)
    except OutcomeUnknown:
        log.warning("shipment.answer_lost", order=shipment.order_id)
        return True
    except CallerFault as fault:
        await _handle_rejection(pool, lease, shipment, fault)
        return True
    except MarketplaceFailure as failure:
        if meaning_of(failure.message).next == "retry-unless-there":
            await _mark_uncertain(pool, lease, shipment, failure)
            return True
        await _undo_intent(pool, lease, shipment, failure)
        raise
    reach("shipping.after-call")
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await confirm(connection, shipment)
    return True


async def _intend(pool: Pool, lease: Lease, shipment: Shipment) -> WireShipment | None:
    """Write the intent; what to send, or None when another process took the shipment on."""
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        stored = await lock_order(
            connection, shipment.merchant_id, shipment.shop_id, shipment.order_id
        )
        current = await store.lock_shipment(connection, shipment)
        if current.state != "pending":
            return None
        await store.mark_sent(connection, current)
    return WireShipment(
        order_id=current.order_id,
        service_name=current.service_name,
        tracking_number=current.tracking_number,
        send_type=send_type(stored.order, current.line_ids),
        tracking_website=current.tracking_website,
        description=current.note,
    )


async def _handle_rejection(
    pool: Pool, lease: Lease, shipment: Shipment, fault: CallerFault
) -> None:
    """AliExpress rejected it: refused for good; or still `sent`, where the order has to be read."""
    if meaning_of(fault.message).next != "refused":
        await _mark_uncertain(pool, lease, shipment, fault)
        return
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await refuse(connection, shipment, fault.code, fault.message)


async def _mark_uncertain(
    pool: Pool, lease: Lease, shipment: Shipment, failure: MarketplaceFailure
) -> None:
    """The answer leaves open whether AliExpress has the parcel: it stays `sent`, to be read."""
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await store.mark_uncertain(connection, shipment, failure.code, failure.message)


async def _undo_intent(
    pool: Pool, lease: Lease, shipment: Shipment, failure: MarketplaceFailure
) -> None:
    """Nothing was done at AliExpress: the shipment is pending as before. A refusal of our app is no
    attempt to send it."""
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await store.mark_pending(
            connection,
            shipment,
            after=timedelta(0),
            problem=(failure.code, failure.message),
            refunds=int(isinstance(failure, AppRefused)),
        )


async def _postpone(pool: Pool, lease: Lease, shipment: Shipment, failure: Exception) -> None:
    waited = clock.now() - shipment.requested_at
    pause = pause_after(failure, attempts=shipment.attempts, waited=waited)
    wait = (failure.trouble, NOTHING_TO_DO) if isinstance(failure, AppRefused) else (None, None)
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await store.postpone(connection, shipment, after=pause, explained=wait)
