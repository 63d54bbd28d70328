"""After a new master key was put first: wrap the data keys of all sealed values under it."""

from collections.abc import Sequence

from auth_service.sealing.store import SealedRows
from auth_service.sealing.token_vault import TokenVault
from common import clock
from common.postgres.pool import Pool
from common.postgres.set_aside import RowKey, each_apart
from common.postgres.unit_of_work import reading, unit_of_work

ROWS = 100


async def rewrap_next(pool: Pool, vault: TokenVault, sealed_rows: SealedRows) -> bool:
    """Re-wrap the next values of a table. Whether there were any."""
    key_id = vault.current_key_id
    async with reading(pool) as connection:
        found = await sealed_rows.list_under_other_key(connection, key_id, clock.now(), limit=ROWS)

    async def rewrap(rows: Sequence[RowKey]) -> None:
        async with unit_of_work(pool) as connection:
            for row, sealed in await sealed_rows.claim_under_other_key(connection, rows, key_id):
                await sealed_rows.save_wrapping(connection, row, vault.rewrap(sealed))

    await each_apart(pool, sealed_rows.job, found, rewrap, key=lambda row: row)
    return bool(found)
