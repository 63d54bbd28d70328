"""Settle a shipment whose answer was lost by reading the order's parcels, never by shipping twice.

A call may still be under way when its answer is given up, so one reading without the parcel proves
nothing: it is sent again only after several readings in a row did not show it.
"""

from datetime import timedelta

import structlog

from aliexpress.client import Client
from aliexpress.operation import AccessToken
from aliexpress.orders import OrderDetails, load_order
from common.postgres.leases import Lease, check_lease
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from order_importer.carriers.tracking_number import normalize
from order_importer.shipping import store
from order_importer.shipping.outcome import confirm, refuse
from order_importer.shipping.refusals import meaning_of, rejected_by_aliexpress
from order_importer.shipping.store import Shipment

log = structlog.get_logger()

READINGS = 3
"""How many readings in a row must lack the parcel before it counts as not sent."""

BETWEEN_READINGS = timedelta(seconds=1)
"""Other parcels are sent meanwhile."""

_LONGEST_PAUSE = timedelta(minutes=5)


async def settle(
    pool: Pool, client: Client, token: AccessToken, lease: Lease, shipment: Shipment
) -> None:
    """Read the order and conclude, or see to it that it is read once more.

    Raises what `load_order` raises; the shipment then stays as it is.
    """
    details = await load_order(client, token, shipment.order_id)
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        if has_parcel(details, shipment):
            log.info("shipment.settled", order=shipment.order_id, was="there")
            await confirm(connection, shipment)
        elif shipment.absent_readings + 1 < READINGS:
            readings = shipment.absent_readings + 1
            await store.mark_absent(connection, shipment, readings, after=BETWEEN_READINGS)
        elif _was_refused(shipment):
            rejection = rejected_by_aliexpress(
                shipment.problem_code or "", shipment.problem_message or ""
            )
            await refuse(connection, shipment, rejection)
        else:
            log.info("shipment.settled", order=shipment.order_id, was="absent")
            await store.mark_pending(
                connection,
                shipment,
                after=_pause(shipment),
                problem=(shipment.problem_code, shipment.problem_message),
            )


def _was_refused(shipment: Shipment) -> bool:
    """Whether AliExpress rejected the parcel, unless it had it from before."""
    message = shipment.problem_message
    return message is not None and meaning_of(message).next == "refused-unless-there"


def _pause(shipment: Shipment) -> timedelta:
    """The first time at once, then longer and longer."""
    if shipment.attempts <= 1:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(shipment.attempts, 10)), _LONGEST_PAUSE)


def has_parcel(details: OrderDetails, shipment: Shipment) -> bool:
    """Whether AliExpress knows a parcel of this number; within an order a number is one parcel."""
    number = normalize(shipment.tracking_number)
    return any(normalize(parcel.tracking_number) == number for parcel in details.parcels)
