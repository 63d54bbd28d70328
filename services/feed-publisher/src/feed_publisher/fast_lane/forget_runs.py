"""Forgets fast-lane runs some time after their end: there are many, and lists do not show them."""

from datetime import timedelta

from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from feed_publisher.runs.items.store import forget_items
from feed_publisher.runs.store import forget_fast_lane_runs
from feed_publisher.sending.store import forget_calls

RUNS_AT_ONCE = 100
FORGOTTEN_EVERY = timedelta(minutes=1)


async def forget_runs(pool: Pool, *, kept: timedelta) -> bool:
    """Delete the oldest that ended longer ago, with items and calls; whether there may be more."""
    async with unit_of_work(pool) as connection:
        runs = await forget_fast_lane_runs(
            connection, ended_before=clock.now() - kept, limit=RUNS_AT_ONCE
        )
        await forget_items(connection, runs)
        await forget_calls(connection, runs)
    return len(runs) == RUNS_AT_ONCE
