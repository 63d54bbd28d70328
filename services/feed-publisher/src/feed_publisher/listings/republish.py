"""Emits `product.reported` again, for readers that lost it: on request and once a day."""

from datetime import timedelta

from common.messaging.outbox import add_events
from common.postgres.pool import Pool
from common.postgres.schedules import Every, claim_due, set_schedule
from common.postgres.unit_of_work import unit_of_work
from feed_publisher.listings.report import SOURCE
from feed_publisher.listings.store import list_reports

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


async def republish_daily(pool: Pool) -> bool:
    """Republish everything once a day, whatever the number of replicas."""
    async with unit_of_work(pool) as connection:
        await set_schedule(connection, SCHEDULE, ALL, ALL, Every(timedelta(days=1)))
        due = await claim_due(connection, SCHEDULE)
    if due:
        await republish(pool)
    return False
