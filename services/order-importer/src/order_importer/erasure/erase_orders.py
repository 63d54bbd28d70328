"""Erase the buyer's data of orders from all that this service keeps, in one transaction.

The order itself, how it came, notes and idempotency keys of its shipments and their corrections,
rows that could not be read, and events that Kafka does not have yet. An `order.updated` without the
data lets others do the same; the next imports of the order leave the data out (`record_orders`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import structlog

from common import clock
from common.contracts.event import key_of
from common.contracts.order import Order, OrderFact, OrderStatus
from common.contracts.topics import BY_NAME
from common.errors import NotFound, Refusal
from common.messaging.outbox import list_pending, rewrite_pending
from common.postgres import audit
from common.postgres.pool import Connection, Pool
from common.postgres.set_aside import each_apart
from common.postgres.unit_of_work import reading, unit_of_work
from order_importer.changes.publish import publish
from order_importer.corrections import store as corrections
from order_importer.importing.interpret import fingerprint
from order_importer.importing.store import erase_unreadable, erase_unreadable_before
from order_importer.orders import store
from order_importer.orders.buyer import without_buyer
from order_importer.orders.events import parcel_updated
from order_importer.orders.keys import OrderKey, row_key
from order_importer.orders.store import Erased, Kept, StoredOrder, next_revision
from order_importer.shipping.store import erase_notes

log = structlog.get_logger()

JOB = "erase-buyers"
ROWS = 200
OPEN: frozenset[OrderStatus] = frozenset({"new", "waiting_shipment"})
"""Orders in these states cannot be served without the buyer's data."""


class OrderOpen(Refusal):
    """The buyer's data are still needed."""

    def __init__(self, order: Order) -> None:
        super().__init__(
            f"order {order.order_id} is {order.status}: its parcel cannot be sent without the "
            "buyer's address",
            status=409,
            slug="order-open",
            rule="M8.6",
            remedy="Ship it, or cancel it in the AliExpress seller centre; then import orders and "
            "ask again.",
        )


@dataclass(frozen=True)
class Erasure:
    """When an order's buyer was erased, and until when Kafka keeps records of before at most."""

    order_id: str
    erased_at: datetime
    kafka_until: datetime


async def erase_ended(pool: Pool, after: timedelta) -> bool:
    """Erase the next orders whose end is this long ago, and any not changed for twice as long.

    The latter are orders whose end was never seen, as of a shop that is no longer connected.
    Whether there may be more.
    """
    now = clock.now()
    async with unit_of_work(pool) as connection:
        await erase_unreadable_before(connection, now - after)
    async with reading(pool) as connection:
        ended = await store.list_ended(
            connection,
            JOB,
            now,
            ended_before=now - after,
            unchanged_before=now - 2 * after,
            limit=ROWS,
        )

    async def erase(keys: Sequence[OrderKey]) -> None:
        async with unit_of_work(pool) as connection:
            kept = await store.lock_unerased(connection, keys)
            await _erase(connection, kept, now)
        log.info("erasure.done", orders=len(kept))

    await each_apart(pool, JOB, ended, erase, key=row_key)
    return len(ended) == ROWS


async def erase_order(pool: Pool, merchant_id: str, shop_id: str, order_id: str) -> Erasure:
    """Erase the buyer's data of one order now; one erased before stays as it is.

    Raises `NotFound`, and `OrderOpen` where it is still to be shipped.
    """
    async with unit_of_work(pool) as connection:
        kept = await store.lock_kept(connection, merchant_id, shop_id, order_id)
        if kept is None:
            raise NotFound("order", remedy="Check the shop and the order number.")
        if kept.order is not None and kept.order.status in OPEN:
            raise OrderOpen(kept.order)
        erased_at = kept.erased_at or clock.now()
        if kept.erased_at is None:
            await _erase(connection, [kept], erased_at)
            await erase_unreadable(connection, merchant_id, shop_id, order_id)
            await audit.record(connection, "order.buyer-erased", order_id, {"shop": shop_id})
    return Erasure(order_id, erased_at, erased_at + BY_NAME["order.updated"].retention)


async def _erase(connection: Connection, kept: Sequence[Kept], at: datetime) -> None:
    erased = [_without_buyer(one, at) for one in sorted(kept, key=_key)]
    await store.erase_buyers(connection, erased, at)
    by_shop: dict[tuple[str, str], list[str]] = {}
    for one in erased:
        by_shop.setdefault((one.merchant_id, one.shop_id), []).append(one.order_id)
    for shop, order_ids in by_shop.items():
        await erase_notes(connection, *shop, order_ids)
        await corrections.erase_notes(connection, *shop, order_ids)
    await _rewrite_pending(connection, erased, at)
    events = [parcel_updated(_stored(one, one.order)) for one in erased if one.order is not None]
    await publish(connection, events)


def _without_buyer(kept: Kept, at: datetime) -> Erased:
    order = None if kept.order is None else without_buyer(kept.order, at)
    return Erased(
        *_key(kept),
        revision=next_revision(kept.revision),
        order=order,
        fingerprint=None if order is None else fingerprint(order),
    )


async def _rewrite_pending(connection: Connection, erased: Sequence[Erased], at: datetime) -> None:
    """Take the data out of events that wait for Kafka: each is still published."""
    pending = await list_pending(connection, [key_of(*_key(one)).encode() for one in erased])
    values = {}
    for record in pending:
        event = msgspec.json.decode(record.value, type=BY_NAME[record.topic].event)
        assert isinstance(event, OrderFact)  # noqa: S101 - nothing else has an order's key
        plain = msgspec.structs.replace(event, order=without_buyer(event.order, at))
        values[record.id] = msgspec.json.encode(plain)
    await rewrite_pending(connection, values)


def _stored(one: Erased, order: Order) -> StoredOrder:
    return StoredOrder(one.merchant_id, one.shop_id, one.revision, order)


def _key(one: Kept | Erased) -> tuple[str, str, str]:
    return one.merchant_id, one.shop_id, one.order_id
