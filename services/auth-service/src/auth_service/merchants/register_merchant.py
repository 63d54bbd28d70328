"""Register a merchant, or change its name or whether it may sell."""

from collections.abc import Awaitable, Callable

from auth_service.merchants import store
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import unit_of_work

OnChange = Callable[[Connection, store.Merchant], Awaitable[None]]
"""What else changes with a merchant, in the transaction that saves it."""


async def register_merchant(
    pool: Pool, merchant_id: str, *, name: str, is_eligible: bool, on_change: OnChange
) -> store.Merchant:
    """Create or change the merchant, and what follows from it."""
    async with unit_of_work(pool) as connection:
        merchant = await store.save_merchant(
            connection, merchant_id, name=name, is_eligible=is_eligible
        )
        await on_change(connection, merchant)
        await record(
            connection,
            "merchant.registered",
            merchant_id,
            {"is_eligible": is_eligible},
            merchant_id=merchant_id,
        )
    return merchant
