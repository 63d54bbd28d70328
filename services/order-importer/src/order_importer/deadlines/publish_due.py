"""Publish `order.due` of orders whose deadline has come near, once per threshold (M8.5).

Candidates are taken in sets, one transaction each: their rows are locked, what was published of
them is read, and event and notice are written together. So a process killed at any moment, or
another replica, publishes nothing twice and leaves nothing out.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from common import clock
from common.contracts.order import DueThreshold, OrderDue
from common.failpoints import reach
from common.messaging.outbox import add_events
from common.postgres.pool import Connection, Pool
from common.postgres.set_aside import each_apart
from common.postgres.unit_of_work import reading, unit_of_work
from order_importer.deadlines import store
from order_importer.deadlines.store import NewNotice
from order_importer.deadlines.thresholds import (
    Notice,
    is_to_be_shipped,
    next_moment,
    threshold_to_publish,
)
from order_importer.listing.store import lock_orders
from order_importer.orders.events import SOURCE
from order_importer.orders.keys import OrderKey, row_key
from order_importer.orders.store import StoredOrder

JOB = "publish-due"
SET_ORDERS = 200
"""Orders of one transaction."""
TURN_ORDERS = 10_000
"""Orders looked at in one turn."""


async def publish_due(pool: Pool) -> bool:
    """Look at every candidate once. False: what is left becomes due later."""
    now = clock.now()
    async with reading(pool) as connection:
        candidates = await store.list_candidates(connection, JOB, now, limit=TURN_ORDERS)

    async def publish(keys: Sequence[OrderKey]) -> None:
        async with unit_of_work(pool) as connection:
            await _publish_set(connection, keys, now)
            reach("deadlines.before-commit")

    for start in range(0, len(candidates), SET_ORDERS):
        keys = candidates[start : start + SET_ORDERS]
        await each_apart(pool, JOB, keys, publish, key=row_key)
    return False


async def _publish_set(connection: Connection, keys: Sequence[OrderKey], now: datetime) -> None:
    orders = await lock_orders(connection, keys)
    known = await store.load_notices(connection, keys)
    events: list[OrderDue] = []
    notices: list[NewNotice] = []
    for stored in orders:
        if stored.due_at is None or not is_to_be_shipped(stored.order):
            continue
        key = (stored.merchant_id, stored.shop_id, stored.order.order_id)
        last = known.get(key)
        threshold = threshold_to_publish(stored.due_at, now, last)
        if threshold is not None:
            events.append(_due(stored, stored.due_at, threshold, now))
            last = Notice(threshold, now)
        if last is not None:
            notices.append(NewNotice(key, stored.due_at, last, next_moment(stored.due_at, now)))
    await store.save_notices(connection, notices)
    await add_events(connection, events, source=SOURCE)


def _due(stored: StoredOrder, due_at: datetime, threshold: DueThreshold, now: datetime) -> OrderDue:
    return OrderDue(
        merchant_id=stored.merchant_id,
        shop_id=stored.shop_id,
        revision=stored.revision,
        order=stored.order,
        due_at=due_at,
        threshold=threshold,
        hours_left=int((due_at - now) / timedelta(hours=1)),
    )
