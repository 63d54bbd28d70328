"""Asks each shop now and then which products were edited there, so that they are read back soon."""

from datetime import datetime, timedelta

import structlog

from aliexpress.client import Client
from aliexpress.operation import AccessToken
from aliexpress.products import MAX_PRODUCT_PAGE, PRODUCT_STATUSES, ListedProduct, list_products
from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.drift import store
from feed_publisher.drift.edited import OVERLAP, choose_edited
from feed_publisher.drift.visit_shops import ShopVisitor
from feed_publisher.listings.store import DueShop, expect_read_back

log = structlog.get_logger()

JOB = "look-for-edits"
PAGES_AT_MOST = 200
"""Of one status. What stands on further pages is found by the daily read-back."""


class LookForEdits:
    """The job that finds products edited in the seller centre or by other programs."""

    def __init__(
        self,
        pool: Pool,
        client: Client,
        visitor: ShopVisitor,
        *,
        every: timedelta,
        first_reach: timedelta,
        limit: int,
    ) -> None:
        self._pool = pool
        self._client = client
        self._visitor = visitor
        self._every = every
        self._first_reach = first_reach
        self._limit = limit

    async def take_turn(self) -> bool:
        """Look at the shops that are due; whether there were any."""
        now = clock.now()
        async with reading(self._pool) as connection:
            shops = await store.list_unlooked_shops(
                connection, JOB, now=now, before=now - self._every
            )
        return await self._visitor.visit_all(JOB, shops, self._look)

    async def _look(self, shop: DueShop, token: AccessToken) -> bool:
        now = clock.now()
        async with reading(self._pool) as connection:
            through = await store.find_edited_through(connection, shop)
        begin = (through or now - self._first_reach) - OVERLAP
        listed = await self._list(shop, token, begin)
        async with unit_of_work(self._pool) as connection:
            ids = [product.product_id for product in listed]
            known = await store.load_known(connection, shop, ids)
            edits = choose_edited(listed, known, limit=self._limit, looked_at=now)
            await expect_read_back(connection, shop, edits.product_ids)
            await store.save_look(connection, shop, looked_at=now, edited_through=edits.through)
        if edits.product_ids:
            log.info("drift.edited", merchant=shop.merchant_id, products=len(edits.product_ids))
        return False

    async def _list(
        self, shop: DueShop, token: AccessToken, modified_from: datetime
    ) -> list[ListedProduct]:
        """The shop's products modified since then, whatever their status."""
        listed: list[ListedProduct] = []
        for status in PRODUCT_STATUSES:
            for number in range(1, PAGES_AT_MOST + 1):
                page = await list_products(
                    self._client,
                    token,
                    status,
                    page=number,
                    page_size=MAX_PRODUCT_PAGE,
                    modified_from=modified_from,
                )
                listed += page.products
                if not page.has_more:
                    break
            else:
                log.warning("drift.look_cut_short", shop=shop.shop_id, status=status)
        return listed
