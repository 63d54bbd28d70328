"""Send corrections to AliExpress: reading, intent, call, outcome, as parcels are sent.

A lost answer, or a process killed between intent and outcome, leaves the correction `sent`. It is
settled by reading: the new number there is its confirmation; while the order goes on showing the
old one it is sent again, which changes nothing where the first call arrived after all.
"""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog
from structlog.contextvars import bound_contextvars

from aliexpress.errors import AppRefused, CallerFault, MarketplaceFailure, OutcomeUnknown
from aliexpress.logistics import Shipment as WireShipment
from aliexpress.logistics import modify_shipment
from aliexpress.operation import AccessToken
from aliexpress.orders import OrderDetails, load_order
from aliexpress.orders import Parcel as WireParcel
from common import clock
from common.errors import Outage
from common.failpoints import reach
from common.messaging.outbox import Caused
from common.postgres.leases import Lease, check_lease, hold_lease
from common.postgres.pool import Connection, Pool
from common.postgres.set_aside import RowKey, alone
from common.postgres.unit_of_work import reading, unit_of_work
from common.shop_tokens import ShopNotConnected
from common.telemetry.names import SPAN_CORRECT
from common.telemetry.tracing import span_of
from order_importer.changes.publish import publish
from order_importer.corrections import rules, store
from order_importer.corrections.store import Correction
from order_importer.imports.store import request_import
from order_importer.orders.events import parcel_updated
from order_importer.orders.store import lock_order, raise_revision
from order_importer.shipping import store as shipments
from order_importer.shipping.obstacles import state_as_read
from order_importer.shipping.parcels import send_type
from order_importer.shipping.settle_unknown import BETWEEN_READINGS, READINGS
from order_importer.shipping.waiting import explain_wait
from order_importer.shops.pauses import pause_after
from order_importer.shops.shop_access import ShopAccess

log = structlog.get_logger()

JOB = "send-corrections"
_CANDIDATES = 20


async def correct_next(pool: Pool, access: ShopAccess, holder: str) -> bool:
    """Take the oldest open correction. Whether there was one to do work on."""
    async with reading(pool) as connection:
        candidates = await store.list_open(connection, JOB, clock.now(), limit=_CANDIDATES)
    for correction in candidates:
        name = shipments.lease_of(correction.merchant_id, correction.shop_id, correction.order_id)
        async with hold_lease(pool, name, holder) as lease:
            if lease is not None:
                merchant_id, *place = store.key_of(correction)
                row = RowKey(merchant_id, "/".join(place))
                take = partial(_take, pool, access, lease, correction)
                return bool(await alone(pool, JOB, row, take))
    return False


async def _take(pool: Pool, access: ShopAccess, lease: Lease, listed: Correction) -> bool:
    async with reading(pool) as connection:
        correction = await store.load_correction(connection, listed)
    if correction.state not in ("pending", "sent"):
        return True  # another process settled it before the lease was ours
    attributes = {
        "channel.merchant": correction.merchant_id,
        "channel.shop": correction.shop_id,
        "channel.order": correction.order_id,
        "channel.correction": correction.correction_id,
    }
    with (
        span_of(SPAN_CORRECT, [correction.traceparent], attributes=attributes),
        bound_contextvars(shop=correction.shop_id, order=correction.order_id),
    ):
        try:
            async with access.token_of(correction.merchant_id, correction.shop_id) as token:
                details = await load_order(access.client, token, correction.order_id)
                if correction.state == "sent":
                    return await _settle(pool, lease, correction, details)
                return await _send(pool, access, token, lease, correction, details=details)
        except (Outage, ShopNotConnected, MarketplaceFailure) as failure:
            log.warning("correction.postponed", order=correction.order_id, reason=str(failure))
            await _postpone(pool, access, lease, correction, failure)
            return False


async def _send(
    pool: Pool,
    access: ShopAccess,
    token: AccessToken,
    lease: Lease,
    correction: Correction,
    *,
    details: OrderDetails,
) -> bool:
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        change = await _intend(connection, correction, details)
    if change is None:
        return True
    reach("correction.after-intent")
    parcel, there = change
    try:
        await modify_shipment(
            access.client,
            token,
            parcel,
            old_service_name=there.service_name or correction.former_service_name,
            old_tracking_number=there.tracking_number,
        )
    except OutcomeUnknown:
        log.warning("correction.answer_lost", order=correction.order_id)
        return True
    except CallerFault as fault:
        await _handle_rejection(pool, lease, correction, fault)
        return True
    except MarketplaceFailure as failure:
        if rules.meaning_of_correction(failure.message).next == "retry-unless-there":
            await _mark_uncertain(pool, lease, correction, failure)
            return True
        await _undo_intent(pool, lease, correction, failure)
        raise
    reach("correction.after-call")
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await _confirm(connection, correction)
    return True


async def _intend(
    connection: Connection, correction: Correction, details: OrderDetails
) -> tuple[WireShipment, WireParcel] | None:
    """Write the intent; what to send and in place of which parcel, or None where the reading
    settles the correction, or does not show the parcel."""
    stored = await lock_order(
        connection, correction.merchant_id, correction.shop_id, correction.order_id
    )
    shipment = await shipments.load_shipment(connection, *store.key_of(correction)[:4])
    if shipment.state == "refused":
        await store.mark_refused(connection, correction, rules.REFUSED_SHIPMENT)
        return None
    if rules.shows(details, correction):
        await _confirm(connection, correction)
        return None
    if rules.is_taken(details, correction):
        taken = rules.rejected_as_taken(correction.tracking_number)
        await store.mark_refused(connection, correction, taken)
        return None
    there = rules.find_parcel(details, correction.former_number)
    if there is None:
        if not await _read_again(connection, correction):
            missing = rules.rejected_as_missing(correction.former_number)
            await store.mark_refused(connection, correction, missing)
        return None
    rejection = rules.find_rejection(there, state_as_read(details, stored.order))
    if rejection is not None:
        await store.mark_refused(connection, correction, rejection)
        return None
    await store.mark_sent(connection, correction)
    parcel = WireShipment(
        order_id=correction.order_id,
        service_name=correction.service_name,
        tracking_number=correction.tracking_number,
        send_type=shipment.sent_as or send_type(stored.order, shipment.shipment_id),
        tracking_website=correction.tracking_website,
        description=correction.note,
    )
    return parcel, there


async def _settle(pool: Pool, lease: Lease, correction: Correction, details: OrderDetails) -> bool:
    """Conclude from a reading of the order whether AliExpress has the change."""
    is_there = rules.shows(details, correction)
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        if is_there:
            log.info("correction.settled", order=correction.order_id, was="there")
            await _confirm(connection, correction)
        elif not await _read_again(connection, correction):
            log.info("correction.settled", order=correction.order_id, was="absent")
            await store.mark_pending(
                connection,
                correction,
                after=timedelta(seconds=2 ** min(correction.attempts, 8)),
                problem=(correction.problem_code, correction.problem_message),
            )
    return True


async def _read_again(connection: Connection, correction: Correction) -> bool:
    """One reading proves nothing: whether the order is to be read once more before concluding."""
    readings = correction.absent_readings + 1
    if readings >= READINGS:
        return False
    await store.mark_absent(connection, correction, readings, after=BETWEEN_READINGS)
    return True


async def _confirm(connection: Connection, correction: Correction) -> None:
    """The parcel has its new number: `order.updated`, and an import that reads the order."""
    stored = await lock_order(
        connection, correction.merchant_id, correction.shop_id, correction.order_id
    )
    current = await store.lock_correction(connection, correction)
    if current.state == "confirmed":
        return
    shipment = await shipments.load_shipment(connection, *store.key_of(current)[:4])
    corrected = replace(
        shipment,
        carrier=current.carrier,
        service_name=current.service_name,
        tracking_number=current.tracking_number,
        tracking_website=current.tracking_website,
        note=current.note,
    )
    await shipments.save_tracking(connection, corrected)
    await store.mark_confirmed(connection, current)
    event = parcel_updated(await raise_revision(connection, stored))
    await publish(connection, [Caused(event, current.traceparent)])
    await request_import(
        connection, current.merchant_id, current.shop_id, "shipment", at=clock.now()
    )


async def _handle_rejection(
    pool: Pool, lease: Lease, correction: Correction, fault: CallerFault
) -> None:
    """AliExpress rejected it: refused for good; or still `sent`, where the order has to be read."""
    if rules.meaning_of_correction(fault.message).next != "refused":
        await _mark_uncertain(pool, lease, correction, fault)
        return
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        rejection = rules.rejected_by_aliexpress(fault.code, fault.message)
        await store.mark_refused(connection, correction, rejection)


async def _mark_uncertain(
    pool: Pool, lease: Lease, correction: Correction, failure: MarketplaceFailure
) -> None:
    """The answer leaves open whether AliExpress has the change: it stays `sent`, to be read."""
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await store.mark_uncertain(connection, correction, failure.code, failure.message)


async def _undo_intent(
    pool: Pool, lease: Lease, correction: Correction, failure: MarketplaceFailure
) -> None:
    """Nothing was done at AliExpress: the correction is pending as before. A refusal of our app is
    no attempt to send it."""
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await store.mark_pending(
            connection,
            correction,
            after=timedelta(0),
            problem=(failure.code, failure.message),
            refunds=int(isinstance(failure, AppRefused)),
        )


async def _postpone(
    pool: Pool, access: ShopAccess, lease: Lease, correction: Correction, failure: Exception
) -> None:
    """Try again later. The attempt counts once; a refusal of our app is none."""
    waited = clock.now() - correction.requested_at
    pause = pause_after(
        failure, attempts=correction.attempts, waited=waited, first=access.first_pause
    )
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await store.postpone(
            connection,
            correction,
            after=pause,
            attempts=correction.attempts + (not isinstance(failure, AppRefused)),
            explained=explain_wait(failure),
        )
