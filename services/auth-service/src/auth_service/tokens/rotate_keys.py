"""After a new master key was put first: wrap the data keys of all tokens under it."""

from collections.abc import Sequence

from auth_service.shops import store
from auth_service.shops.token_vault import TokenVault
from common import clock
from common.postgres.pool import Pool
from common.postgres.set_aside import RowKey, each_apart
from common.postgres.unit_of_work import reading, unit_of_work

JOB = "rotate-keys"
ROWS = 100


async def rotate_keys(pool: Pool, vault: TokenVault) -> bool:
    """Re-wrap the next tokens. Whether there were any."""
    key_id = vault.current_key_id
    async with reading(pool) as connection:
        shops = await store.list_sealed_under_other_key(
            connection, JOB, key_id, clock.now(), limit=ROWS
        )

    async def rewrap(shops: Sequence[RowKey]) -> None:
        async with unit_of_work(pool) as connection:
            claimed = await store.claim_sealed_under_other_key(connection, shops, key_id)
            for merchant_id, shop_id, sealed in claimed:
                await store.save_wrapping(connection, merchant_id, shop_id, vault.rewrap(sealed))

    await each_apart(pool, JOB, shops, rewrap, key=lambda shop: shop)
    return bool(shops)
