"""Emits `product.reported` again, for readers that lost it: on request and once a day.

With it the desired states are compared with the listings again, for runs that missed a mark.
"""

from collections.abc import Sequence
from datetime import timedelta

from common.messaging.outbox import add_events
from common.postgres.pool import Pool
from common.postgres.schedules import Every, claim_due, set_schedule
from common.postgres.set_aside import each_apart
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.desired.store import mark_desired
from feed_publisher.listings.report import SOURCE
from feed_publisher.listings.store import (
    ProductKey,
    list_reported,
    load_reports,
    row_of_product,
)
from feed_publisher.reconciliation.store import ask_for_reconciliation

JOB = "republish"
CHUNK = 1_000
SCHEDULE = "republish"
ALL = "*"


async def republish(
    pool: Pool,
    *,
    merchant_id: str | None = None,
    feed_id: str | None = None,
    family_id: str | None = None,
) -> int:
    """Emit the last report of each product once more, unchanged; how many there were."""

    async def emit(keys: Sequence[ProductKey]) -> None:
        async with unit_of_work(pool) as connection:
            await add_events(connection, await load_reports(connection, keys), source=SOURCE)

    after, count = ("", "", ""), 0
    while True:
        async with reading(pool) as connection:
            products = await list_reported(
                connection,
                merchant_id=merchant_id,
                feed_id=feed_id,
                family_id=family_id,
                after=after,
                limit=CHUNK,
            )
        if not products:
            return count
        await each_apart(pool, JOB, products, emit, key=row_of_product)
        count += len(products)
        after = products[-1]


async def mark_again(
    pool: Pool,
    *,
    merchant_id: str | None = None,
    feed_id: str | None = None,
    family_id: str | None = None,
) -> None:
    """Have the next runs do what is open of these products: named ones are marked, of all others
    those whose listing is not what is desired."""
    async with unit_of_work(pool) as connection:
        if family_id is None:
            await ask_for_reconciliation(connection, merchant_id=merchant_id, feed_id=feed_id)
        else:
            await mark_desired(connection, family_id, merchant_id=merchant_id, feed_id=feed_id)


async def republish_daily(pool: Pool) -> bool:
    """Republish everything once a day, whatever the number of replicas."""
    async with unit_of_work(pool) as connection:
        await set_schedule(connection, SCHEDULE, ALL, ALL, Every(timedelta(days=1)))
        due = await claim_due(connection, SCHEDULE)
        if due:
            await ask_for_reconciliation(connection)
    if due:
        await republish(pool)
    return False
