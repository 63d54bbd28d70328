"""A shop's carriers: read from AliExpress, cached for a day, read again where one is not found."""

from datetime import timedelta

from aliexpress.logistics import list_carriers
from common import clock
from common.errors import Outage, Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.shop_tokens import ShopNotConnected
from order_importer.carriers import store
from order_importer.carriers.store import CarrierList
from order_importer.shops.shop_access import ShopAccess

FRESH_FOR = timedelta(days=1)
NEW_ENOUGH = timedelta(minutes=5)
"""How old a list may be that lacks the wanted carrier."""


class CarriersUnreadable(Refusal):
    """The shop's carriers were never read, or lack the one asked for, and it is not connected."""

    def __init__(self) -> None:
        super().__init__(
            "the shop is not connected, so its carriers cannot be read",
            status=409,
            slug="shop-not-connected",
            rule="M1.3",
            remedy="Renew the shop's connection, then repeat the request under the same key.",
        )


async def load_carriers(
    pool: Pool,
    access: ShopAccess,
    merchant_id: str,
    shop_id: str,
    *,
    at_most_old: timedelta = FRESH_FOR,
) -> CarrierList:
    """The carriers, not older than that; in an outage, and while the shop is not connected, a list
    older than a day serves on: parcels are asked for then, and sent after the renewal.

    Raises `CarriersUnreadable`, and an `Outage` or `CallerFault` where AliExpress must be asked.
    """
    async with reading(pool) as connection:
        known = await store.find_carriers(connection, merchant_id, shop_id)
    if known is not None and abs(clock.now() - known.fetched_at) <= at_most_old:
        return known
    try:
        async with access.token_of(merchant_id, shop_id) as token:
            carriers = await list_carriers(access.client, token)
    except (ShopNotConnected, Outage) as obstacle:
        if known is not None and at_most_old >= FRESH_FOR:
            return known
        if isinstance(obstacle, ShopNotConnected):
            raise CarriersUnreadable from obstacle
        raise
    async with unit_of_work(pool) as connection:
        return await store.save_carriers(connection, merchant_id, shop_id, carriers)
