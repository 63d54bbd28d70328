"""Mark families whose sale price begins or ends: nothing of them changes but the time (M3.9)."""

from catalog_service.normalizing.store import mark_due
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

FAMILIES_PER_TURN = 1_000


class SaleCalendar:
    """The job that marks due families; replicas share them, a kill loses none."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def run(self) -> bool:
        """Mark the next due ones; whether there were any."""
        async with unit_of_work(self._pool) as connection:
            return await mark_due(connection, limit=FAMILIES_PER_TURN) > 0
