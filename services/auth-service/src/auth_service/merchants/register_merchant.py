"""Register a merchant, or change its name or whether it may sell."""

from collections.abc import Awaitable, Callable

from auth_service.merchants import store
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import unit_of_work
from common.web.preconditions import UNCONDITIONAL, Preconditions

OnChange = Callable[[Connection, store.Merchant], Awaitable[None]]
"""What else changes with a merchant, in the transaction that saves it."""


READ_FIRST = (
    "Nothing was changed. Read the merchant, and send the request with `If-Match` and its `ETag` "
    "where it is meant to change."
)


async def register_merchant(
    pool: Pool,
    merchant_id: str,
    *,
    name: str,
    is_eligible: bool,
    on_change: OnChange,
    preconditions: Preconditions = UNCONDITIONAL,
) -> store.Merchant:
    """Create or change the merchant, and what follows from it. Raises `Refusal` where the
    preconditions do not hold: who means to make one names no other's id."""
    async with unit_of_work(pool) as connection:
        former = await store.find_merchant_to_change(connection, merchant_id)
        etag = former.etag if former else None
        preconditions.check(etag, what=f"merchant {merchant_id}", remedy=READ_FIRST)
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
