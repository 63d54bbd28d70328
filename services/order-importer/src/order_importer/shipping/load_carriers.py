"""A shop's carriers: read from AliExpress, kept for a day, read again where one is not found."""

from datetime import timedelta

from aliexpress.logistics import list_carriers
from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from order_importer.shipping import store
from order_importer.shipping.store import CarrierList
from order_importer.shops.access import ShopAccess

FRESH_FOR = timedelta(days=1)
NEW_ENOUGH = timedelta(minutes=5)
"""How old a list may be that lacks the wanted carrier."""


async def load_carriers(
    pool: Pool,
    access: ShopAccess,
    merchant_id: str,
    shop_id: str,
    *,
    at_most_old: timedelta = FRESH_FOR,
) -> CarrierList:
    """The carriers, not older than that.

    Raises `ShopNotConnected`, and an `Outage` or `CallerFault` where AliExpress must be asked.
    """
    known = await store.find_carriers(pool, merchant_id, shop_id)
    if known is not None and abs(clock.now() - known.fetched_at) <= at_most_old:
        return known
    async with access.token_of(merchant_id, shop_id) as token:
        carriers = await list_carriers(access.client, token)
    async with unit_of_work(pool) as connection:
        return await store.save_carriers(connection, merchant_id, shop_id, carriers)
