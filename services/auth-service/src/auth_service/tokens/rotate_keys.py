"""After a new master key was put first: wrap the data keys of all tokens under it."""

from auth_service.shops import store
from auth_service.shops.token_vault import TokenVault
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

ROWS = 100


async def rotate_keys(pool: Pool, vault: TokenVault) -> bool:
    """Re-wrap the next tokens. Whether there were any."""
    async with unit_of_work(pool) as connection:
        claimed = await store.claim_sealed_under_other_key(
            connection, vault.current_key_id, limit=ROWS
        )
        for merchant_id, shop_id, sealed in claimed:
            await store.save_wrapping(connection, merchant_id, shop_id, vault.rewrap(sealed))
    return bool(claimed)
