"""Whose account a shop is."""

from common.errors import NotFound
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from feed_publisher.desired.store import find_shop


async def seller_of(pool: Pool, merchant_id: str, shop_id: str) -> str | None:
    """The seller's id, None while the shop is not connected. Raises `NotFound`."""
    async with reading(pool) as connection:
        shop = await find_shop(connection, merchant_id, shop_id)
    if shop is None:
        raise NotFound("shop", remedy="Connect the shop first.")
    return shop.seller_id
