"""A merchant's shops are as eligible as the merchant (M1.1)."""

from auth_service.merchants.store import Merchant
from auth_service.shops.publish_state import publish_states
from auth_service.shops.store import set_eligibility
from common.postgres.pool import Connection


async def follow_merchant(connection: Connection, merchant: Merchant) -> None:
    """Give the merchant's shops its eligibility; the states of those it changes are published."""
    changed = await set_eligibility(connection, merchant.merchant_id, merchant.is_eligible)
    await publish_states(connection, changed)
