"""The rolling read-back: every live product is compared with the shop once in a while.

Drift is reported (`GET .../products?status=drifted`), never undone unasked: what the seller
changes on AliExpress itself may be meant (M1.7).
"""

from datetime import timedelta

import msgspec
import structlog

from aliexpress.client import Client
from aliexpress.errors import MarketplaceFailure, TokenDead
from aliexpress.operation import AccessToken
from common import clock
from common.errors import Outage
from common.postgres.leases import LeaseLost, hold_lease
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.shop_tokens import ShopNotConnected, ShopTokens
from feed_publisher.drift.differences import find_differences
from feed_publisher.listings import store
from feed_publisher.listings.store import DueShop
from feed_publisher.sending.look_up import read_products

log = structlog.get_logger()

READ_AT_ONCE = 50
LEASE = timedelta(seconds=30)

_encoder = msgspec.json.Encoder()


class ReadBack:
    """The job that reads the shops back."""

    def __init__(
        self, pool: Pool, client: Client, tokens: ShopTokens, *, every: timedelta, holder: str
    ) -> None:
        self._pool = pool
        self._client = client
        self._tokens = tokens
        self._every = every
        self._holder = holder

    async def take_turn(self) -> bool:
        """Compare some listings of each shop; whether there were any."""
        now = clock.now()
        async with reading(self._pool) as connection:
            shops = await store.list_due_shops(connection, now=now, before=now - self._every)
        did = False
        for shop in shops:
            did |= await self._read_shop(shop)
        return did

    async def _read_shop(self, shop: DueShop) -> bool:
        name = f"read-back:{shop.merchant_id}/{shop.shop_id}"
        try:
            async with hold_lease(self._pool, name, self._holder, lasts=LEASE) as lease:
                return lease is not None and await self._compare(shop)
        except LeaseLost:
            return False
        except (MarketplaceFailure, Outage, ShopNotConnected) as failure:
            log.info("drift.not_read", shop=shop.shop_id, reason=str(failure))
            return False

    async def _compare(self, shop: DueShop) -> bool:
        token = await self._tokens.token(shop.merchant_id, shop.shop_id)
        access = AccessToken(token.seller_id, token.value.get_secret_value())
        now = clock.now()
        async with reading(self._pool) as connection:
            listings = await store.list_due(
                connection, shop, before=now - self._every, limit=READ_AT_ONCE
            )
        wanted = [listing.marketplace_product_id or "" for listing in listings]
        try:
            products = await read_products(self._client, access, wanted)
        except TokenDead:
            await self._tokens.report_dead(shop.merchant_id, shop.shop_id, token.generation)
            raise
        drift = {}
        for listing in listings:
            found = find_differences(listing, products[listing.marketplace_product_id or ""])
            if found:
                drift[(listing.feed_id, listing.family_id)] = _encoder.encode(found)
        async with unit_of_work(self._pool) as connection:
            await store.save_comparison(connection, shop.merchant_id, listings, drift, now)
        if drift:
            log.warning("drift.found", merchant=shop.merchant_id, products=len(drift))
        return bool(listings)
