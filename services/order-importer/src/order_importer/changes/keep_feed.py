"""The feed's two jobs: give committed changes their place, and remove what is too old."""

from datetime import timedelta

from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from order_importer.changes import store

PLACED_AT_ONCE = 1_000
REMOVED_AT_ONCE = 5_000


async def place_changes(pool: Pool) -> bool:
    """Give the next committed changes their places. Whether there may be more."""
    async with unit_of_work(pool) as connection:
        return await store.place_changes(connection, limit=PLACED_AT_ONCE) == PLACED_AT_ONCE


async def remove_old_changes(pool: Pool, kept: timedelta) -> bool:
    """Remove the next changes that are older than what is kept. Whether there may be more."""
    async with unit_of_work(pool) as connection:
        removed = await store.remove_changes(
            connection, before=clock.now() - kept, limit=REMOVED_AT_ONCE
        )
    return removed == REMOVED_AT_ONCE
