"""Emits `product.reported` again, for readers that lost it: on request and once a day.

With it the desired states are compared with the listings again, for runs that missed a mark.
"""

from datetime import timedelta

from common.messaging.outbox import add_events
from common.postgres.pool import Pool
from common.postgres.schedules import Every, claim_due, set_schedule
from common.postgres.unit_of_work import unit_of_work
from feed_publisher.desired.store import mark_desired
from feed_publisher.listings.report import SOURCE
from feed_publisher.listings.store import list_reports
from feed_publisher.reconciliation.store import ask_for_reconciliation

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
    after, count = ("", "", ""), 0
    while True:
        async with unit_of_work(pool) as connection:
            reports = await list_reports(
                connection,
                merchant_id=merchant_id,
                feed_id=feed_id,
                family_id=family_id,
                after=after,
                limit=CHUNK,
            )
            await add_events(connection, reports, source=SOURCE)
        if not reports:
            return count
        count += len(reports)
        last = reports[-1]
        after = (last.merchant_id, last.feed_id, last.family_id)


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
