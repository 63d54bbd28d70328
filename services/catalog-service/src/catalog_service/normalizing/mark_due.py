"""Mark families whose sale price begins or ends: nothing of them changes but the time (M3.9)."""

from collections.abc import Sequence

from catalog_service.families.store import ProductKey, row_of_product
from catalog_service.normalizing.store import list_due, mark_due
from common.postgres.pool import Pool
from common.postgres.set_aside import each_apart
from common.postgres.unit_of_work import reading, unit_of_work

JOB = "sales"
FAMILIES_PER_TURN = 1_000


class SaleCalendar:
    """The job that marks due families; replicas share them, a kill loses none."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def run(self) -> bool:
        """Mark the next due ones; whether there were any."""
        async with reading(self._pool) as connection:
            due = await list_due(connection, JOB, limit=FAMILIES_PER_TURN)
        await each_apart(self._pool, JOB, due, self._mark, key=row_of_product)
        return bool(due)

    async def _mark(self, keys: Sequence[ProductKey]) -> None:
        async with unit_of_work(self._pool) as connection:
            await mark_due(connection, keys)
