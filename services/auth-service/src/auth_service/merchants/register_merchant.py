"""Register a merchant or change whether it may sell; its shops' states follow at once."""

from auth_service.merchants import store
from auth_service.shops.announce import announce_states
from auth_service.shops.store import set_eligibility
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work


async def register_merchant(
    pool: Pool, merchant_id: str, *, name: str, is_eligible: bool
) -> store.Merchant:
    """Create or change the merchant; shops whose eligibility changes are announced."""
    async with unit_of_work(pool) as connection:
        merchant = await store.save_merchant(
            connection, merchant_id, name=name, is_eligible=is_eligible
        )
        await announce_states(
            connection, await set_eligibility(connection, merchant_id, is_eligible)
        )
    return merchant
