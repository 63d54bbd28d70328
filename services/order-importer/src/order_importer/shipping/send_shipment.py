"""Send parcels to AliExpress: reading, intent, call, outcome; one parcel of an order at a time.

Before each call the order is read: a cancellation, a freeze or a dispute wins (M8.4), and a parcel
that AliExpress has already needs no call.

A lost answer, or a process killed between intent and outcome, leaves the shipment `sent`; it is
then settled by reading the order (`settle_unknown`), never by sending again blindly.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from structlog.contextvars import bound_contextvars

from aliexpress.client import Client
from aliexpress.errors import (
    AppRefused,
    CallerFault,
    MarketplaceFailure,
    OutcomeUnknown,
)
from aliexpress.logistics import Shipment as WireShipment
from aliexpress.logistics import fulfil_order
from aliexpress.operation import AccessToken
from aliexpress.orders import OrderDetails, load_order
from common import clock
from common.contracts.order import Order
from common.errors import Outage
from common.failpoints import reach
from common.postgres.leases import Lease, check_lease, hold_lease
from common.postgres.pool import Pool
from common.postgres.set_aside import RowKey, alone
from common.postgres.unit_of_work import reading, unit_of_work
from common.shop_tokens import ShopNotConnected
from common.telemetry.names import SPAN_SHIP
from common.telemetry.tracing import span_of
from order_importer.orders.store import load_order as load_stored_order
from order_importer.orders.store import lock_order
from order_importer.shipping import settle_unknown, store
from order_importer.shipping.obstacles import (
    find_obstacle,
    state_as_read,
    stopped_lines,
    with_lines_as_read,
)
from order_importer.shipping.outcome import confirm, refuse
from order_importer.shipping.parcels import send_type
from order_importer.shipping.refusals import (
    Rejection,
    meaning_of,
    rejected_by_aliexpress,
    rejected_for,
    rejected_for_lines,
)
from order_importer.shipping.store import Shipment
from order_importer.shipping.waiting import explain_wait
from order_importer.shops.pauses import pause_after
from order_importer.shops.shop_access import ShopAccess

log = structlog.get_logger()

JOB = "send-shipments"
_CANDIDATES = 20


async def send_next(pool: Pool, access: ShopAccess, holder: str) -> bool:
    """Take the open shipment with the nearest deadline. Whether there was one to do work on."""
    async with reading(pool) as connection:
        candidates = await store.list_open(connection, JOB, clock.now(), limit=_CANDIDATES)
    for shipment in candidates:
        name = store.lease_of(shipment.merchant_id, shipment.shop_id, shipment.order_id)
        async with hold_lease(pool, name, holder) as lease:
            if lease is not None:
                merchant_id, *place = store.key_of(shipment)
                row = RowKey(merchant_id, "/".join(place))
                take = partial(_take, pool, access, lease, shipment)
                return bool(await alone(pool, JOB, row, take))
    return False


async def _take(pool: Pool, access: ShopAccess, lease: Lease, listed: Shipment) -> bool:
    async with reading(pool) as connection:
        shipment = await store.load_shipment(connection, *store.key_of(listed))
    if shipment.state not in ("pending", "sent"):
        return True  # another process settled it before the lease was ours
    attributes = {
        "channel.merchant": shipment.merchant_id,
        "channel.shop": shipment.shop_id,
        "channel.order": shipment.order_id,
        "channel.shipment": shipment.shipment_id,
    }
    with (
        span_of(SPAN_SHIP, [shipment.traceparent], attributes=attributes),
        bound_contextvars(shop=shipment.shop_id, order=shipment.order_id),
    ):
        try:
            async with access.token_of(shipment.merchant_id, shipment.shop_id) as token:
                if shipment.state == "sent":
                    await settle_unknown.settle(pool, access.client, token, lease, shipment)
                else:
                    await _send(pool, access, token, lease, shipment)
        except (Outage, ShopNotConnected, MarketplaceFailure) as failure:
            log.warning("shipment.postponed", order=shipment.order_id, reason=str(failure))
            await _postpone(pool, access, lease, shipment, failure)
            return False
    await _resume(pool, shipment)
    return True


async def _send(
    pool: Pool, access: ShopAccess, token: AccessToken, lease: Lease, shipment: Shipment
) -> None:
    read = await _read_order(pool, access.client, token, shipment)
    parcel = await _intend(pool, lease, shipment, read)
    if parcel is None:
        return
    reach("shipping.after-intent")
    try:
        await fulfil_order(access.client, token, parcel)
    except OutcomeUnknown:
        log.warning("shipment.answer_lost", order=shipment.order_id)
        return
    except CallerFault as fault:
        await _handle_rejection(pool, lease, shipment, fault)
        return
    except MarketplaceFailure as failure:
        if meaning_of(failure.message).next == "retry-unless-there":
            await _mark_uncertain(pool, lease, shipment, failure)
            return
        await _undo_intent(pool, lease, shipment, failure)
        raise
    reach("shipping.after-call")
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await confirm(connection, shipment)


@dataclass(frozen=True)
class _Reading:
    """The order as AliExpress shows it, and the revision that was stored before it was asked."""

    details: OrderDetails
    revision: int


async def _read_order(
    pool: Pool, client: Client, token: AccessToken, shipment: Shipment
) -> _Reading:
    async with reading(pool) as connection:
        stored = await load_stored_order(
            connection, shipment.merchant_id, shipment.shop_id, shipment.order_id
        )
    return _Reading(await load_order(client, token, shipment.order_id), stored.revision)


async def _intend(
    pool: Pool, lease: Lease, shipment: Shipment, read: _Reading
) -> WireShipment | None:
    """Write the intent; what to send, or None where nothing is to be sent now.

    That is where the reading settles the shipment, and where an import or a request has changed
    the order since: which of the two is newer is not known, so the order is read again.
    """
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        stored = await lock_order(
            connection, shipment.merchant_id, shipment.shop_id, shipment.order_id
        )
        if stored.revision != read.revision:
            return None
        shipment = await store.lock_shipment(connection, shipment)  # it may be corrected by now
        if settle_unknown.has_parcel(read.details, shipment):
            await confirm(connection, shipment)
            return None
        order = with_lines_as_read(stored.order, read.details)
        rejection = _find_rejection(order, read.details, shipment)
        if rejection is not None:
            log.info("shipment.not_sent", order=shipment.order_id, reason=rejection.message)
            await refuse(connection, shipment, rejection)
            return None
        sent_as = send_type(order, shipment.shipment_id)
        await store.mark_sent(connection, shipment, sent_as)
    return WireShipment(
        order_id=shipment.order_id,
        service_name=shipment.service_name,
        tracking_number=shipment.tracking_number,
        send_type=sent_as,
        tracking_website=shipment.tracking_website,
        description=shipment.note,
    )


def _find_rejection(order: Order, details: OrderDetails, shipment: Shipment) -> Rejection | None:
    """Why the parcel of an order in this state is not sent; None where it is."""
    obstacle = find_obstacle(state_as_read(details, order))
    if obstacle is not None:
        return rejected_for(order.order_id, obstacle)
    stopped = stopped_lines(order)
    held = {line: stopped[line] for line in shipment.line_ids if line in stopped}
    return rejected_for_lines(held) if held else None


async def _handle_rejection(
    pool: Pool, lease: Lease, shipment: Shipment, fault: CallerFault
) -> None:
    """AliExpress rejected it: refused for good; or still `sent`, where the order has to be read."""
    if meaning_of(fault.message).next != "refused":
        await _mark_uncertain(pool, lease, shipment, fault)
        return
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await refuse(connection, shipment, rejected_by_aliexpress(fault.code, fault.message))


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


async def _postpone(
    pool: Pool, access: ShopAccess, lease: Lease, shipment: Shipment, failure: Exception
) -> None:
    """Try again later. The attempt counts once, whether its reading or its call failed; a refusal
    of our app is none."""
    waited = clock.now() - shipment.requested_at
    pause = pause_after(
        failure, attempts=shipment.attempts, waited=waited, first=access.first_pause
    )
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await store.postpone(
            connection,
            shipment,
            after=pause,
            attempts=shipment.attempts + (not isinstance(failure, AppRefused)),
            explained=explain_wait(failure),
        )
        if isinstance(failure, Outage | AppRefused):
            await store.pause_shop(connection, shipment.merchant_id, shipment.shop_id, clock.now())


async def _resume(pool: Pool, shipment: Shipment) -> None:
    """AliExpress answers: after an outage the shop's shipments go by their deadlines, whichever of
    them were tried in it."""
    async with unit_of_work(pool) as connection:
        if await store.resume_shop(connection, shipment.merchant_id, shipment.shop_id):
            await store.hasten_open(connection, shipment.merchant_id, shipment.shop_id)
