"""A merchant's shops are as eligible as the merchant (M1.1)."""

from auth_service.merchants.store import Merchant
from auth_service.shops.announce import announce_states
from auth_service.shops.store import set_eligibility
from common.postgres.pool import Connection


async def follow_merchant(connection: Connection, merchant: Merchant) -> None:
    """Give the merchant's shops its eligibility; the states of those it changes are announced."""
    changed = await set_eligibility(connection, merchant.merchant_id, merchant.is_eligible)
    await announce_states(connection, changed)
