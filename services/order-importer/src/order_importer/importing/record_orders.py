"""Write a batch of orders as read, and publish what is new or changed, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec

from common import clock
from common.contracts.event import Event
from common.messaging.outbox import Caused
from common.postgres.pool import Connection
from order_importer.changes.publish import publish
from order_importer.importing.cancellations import keep_cancellations
from order_importer.importing.interpret import fingerprint
from order_importer.importing.masking import keep_clear_buyer
from order_importer.orders import store
from order_importer.orders.buyer import without_buyer
from order_importer.orders.deadline import due_at
from order_importer.orders.events import received, shipped, updated
from order_importer.orders.store import Fetched, KnownOrder, StoredOrder, next_revision
from order_importer.orders.trace import trace_of_order
from order_importer.parcels.store import list_own_numbers, list_parcels
from order_importer.seller_centre.parcels import ParcelChanges, compare_parcels
from order_importer.seller_centre.store import (
    list_marketplace_parcels,
    save_marketplace_parcels,
)
from order_importer.shipping.obstacles import shippable_lines


@dataclass(frozen=True)
class Recorded:
    """Which orders of a batch were new and how many had changed."""

    received: list[str]
    updated: int


async def record_orders(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    batch: Sequence[Fetched],
    *,
    preparation: timedelta,
) -> Recorded:
    """Write the batch in key order: `order.received` once, `order.updated` once per change (M8.3),
    and `order.shipped` once per parcel of the seller centre.

    The same order again publishes nothing. The batch is newer than what is stored, since readings
    of a shop are serial under its lease, which the caller has checked in this transaction;
    AliExpress's time of the change does not say which is newer, as an hour of it comes twice.
    `preparation` is the time to ship of an order of which AliExpress names no deadline.
    """
    batch = sorted(batch, key=lambda fetched: fetched.order_id)
    ids = [fetched.order_id for fetched in batch]
    known = await store.lock_known(connection, merchant_id, shop_id, ids)
    batch = [_as_kept(one, known.get(one.order_id)) for one in batch]
    made = await _compare_parcels(connection, merchant_id, shop_id, batch)
    changed = [
        one for one in batch if _has_changed(one, known.get(one.order_id)) or one.order_id in made
    ]
    revisions = {one.order_id: _revision(one, known.get(one.order_id)) for one in batch}
    revisions |= {one.order_id: next_revision(revisions[one.order_id]) for one in changed}
    deadlines = {
        one.order_id: due_at(one.order, one.ship_before, preparation)
        for one in batch
        if one.order is not None
    }
    await store.save_orders(
        connection,
        merchant_id,
        shop_id,
        batch,
        revisions=revisions,
        deadlines=deadlines,
        shippable={one.order_id: shippable_lines(one.order) for one in batch if one.order},
    )
    await save_marketplace_parcels(
        connection, merchant_id, shop_id, {order_id: one.all for order_id, one in made.items()}
    )
    parcels = await list_parcels(
        connection, merchant_id, shop_id, [one.order_id for one in changed]
    )
    facts: list[Caused] = []
    first: list[str] = []
    for one in changed:
        assert one.order is not None  # noqa: S101 - only interpreted orders have changed
        order = msgspec.structs.replace(
            one.order, ship_before=one.ship_before, parcels=parcels.get(one.order_id, [])
        )
        stored = StoredOrder(merchant_id, shop_id, revisions[one.order_id], order)
        before = known.get(one.order_id)
        events: list[Event] = []
        if before is None or before.order is None:
            first.append(one.order_id)
            events.append(received(stored))
        else:
            events.append(updated(stored, before.order.status))
        if one.order_id in made:
            appeared = made[one.order_id].appeared
            events += [shipped(stored, parcel.shipment_id) for parcel in appeared]
        cause = trace_of_order(merchant_id, shop_id, one.order_id)
        facts += [Caused(event, cause) for event in events]
    await publish(connection, facts)
    return Recorded(first, len(changed) - len(first))


def _as_kept(one: Fetched, known: KnownOrder | None) -> Fetched:
    """The reading as it is to be stored: with what was known and is not shown any more, and without
    its buyer's data where they were erased before (M8.6)."""
    if known is not None and known.erased_at is not None:
        one = replace(one, listed=None, details=None, receipt=None, problem=None)
    order = one.order
    if order is None:
        return one
    if known is not None and known.order is not None:
        order = keep_cancellations(known.order, keep_clear_buyer(known.order, order))
    if known is not None and known.erased_at is not None:
        order = without_buyer(order, known.erased_at)
    return replace(one, order=order, fingerprint=fingerprint(order))


async def _compare_parcels(
    connection: Connection, merchant_id: str, shop_id: str, batch: Sequence[Fetched]
) -> dict[str, ParcelChanges]:
    """The orders whose parcels of the seller centre changed, and how."""
    read = [one for one in batch if one.order is not None]
    ids = [one.order_id for one in read]
    known = await list_marketplace_parcels(connection, merchant_id, shop_id, ids)
    own = await list_own_numbers(connection, merchant_id, shop_id, ids)
    found = {
        one.order_id: compare_parcels(
            (merchant_id, shop_id, one.order_id),
            known.get(one.order_id, ()),
            one.parcels,
            own.get(one.order_id, ()),
            clock.now(),
        )
        for one in read
    }
    return {order_id: changes for order_id, changes in found.items() if changes.all}


def _has_changed(one: Fetched, known: KnownOrder | None) -> bool:
    if one.order is None:
        return False
    return known is None or known.fingerprint != one.fingerprint


def _revision(one: Fetched, known: KnownOrder | None) -> int:
    return 0 if known is None else known.revision
