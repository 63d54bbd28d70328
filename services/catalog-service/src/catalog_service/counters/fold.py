"""The job that sums up what was counted."""

from catalog_service.counters.store import fold_changes
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work


async def fold(pool: Pool) -> bool:
    """Sum up the changes there are; whether there may be more."""
    async with unit_of_work(pool) as connection:
        return await fold_changes(connection)
