"""Publish facts about orders: into the outbox and into the changes feed, in one transaction."""

from collections.abc import Sequence

from common import clock
from common.contracts.event import Event
from common.contracts.order import OrderReceived, OrderShipped, OrderUpdated
from common.messaging.outbox import Caused, add_events
from common.postgres.pool import Connection
from order_importer.changes.store import Change, Kind, add_changes
from order_importer.orders.events import SOURCE


async def publish(connection: Connection, facts: Sequence[Event | Caused]) -> None:
    """Add these facts to the outbox, and those that are a change of an order to the feed too.

    The orders' rows are locked by the caller, so that the changes of an order stand in the feed in
    the order in which they happened. Raises `RecordTooLarge`: then nothing is written.
    """
    await add_events(connection, facts, source=SOURCE)
    events = [fact.event if isinstance(fact, Caused) else fact for fact in facts]
    changes = [change for event in events if (change := _change_of(event)) is not None]
    await add_changes(connection, changes, clock.now())


def _change_of(event: Event) -> Change | None:
    match event:
        case OrderReceived():
            kind: Kind = "received"
        case OrderUpdated():
            kind = "updated"
        case OrderShipped():
            kind = "shipped"
        case _:
            return None
    return Change(event.merchant_id, event.shop_id, event.order.order_id, event.revision, kind)
