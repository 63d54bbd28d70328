"""Calls AliExpress for shops, each by one replica at a time; what does not answer now is left."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

import structlog

from aliexpress.errors import MarketplaceFailure, TokenDead
from aliexpress.operation import AccessToken
from common.errors import Outage
from common.postgres.leases import LeaseLost, hold_lease
from common.postgres.pool import Pool
from common.postgres.set_aside import RowKey, alone
from common.shop_tokens import ShopNotConnected, ShopTokens
from feed_publisher.listings.store import DueShop

log = structlog.get_logger()

LEASE = timedelta(seconds=30)

Visit = Callable[[DueShop, AccessToken], Awaitable[bool]]
"""Does something for a shop; whether there was anything to do."""


class ShopVisitor:
    """Visits shops with their tokens, under a lease for each shop and purpose."""

    def __init__(self, pool: Pool, tokens: ShopTokens, *, holder: str) -> None:
        self._pool = pool
        self._tokens = tokens
        self._holder = holder

    async def visit_all(self, purpose: str, shops: Sequence[DueShop], visit: Visit) -> bool:
        """Visit each shop; whether anything was done. A shop that fails holds up no other."""
        did = False
        for shop in shops:
            row = RowKey(shop.merchant_id, shop.shop_id)
            one = partial(self._visit, purpose, shop, visit)
            did |= bool(await alone(self._pool, purpose, row, one))
        return did

    async def _visit(self, purpose: str, shop: DueShop, visit: Visit) -> bool:
        name = f"{purpose}:{shop.merchant_id}/{shop.shop_id}"
        try:
            async with hold_lease(self._pool, name, self._holder, lasts=LEASE) as lease:
                return lease is not None and await self._visit_with_token(shop, visit)
        except LeaseLost:
            return False
        except (MarketplaceFailure, Outage, ShopNotConnected) as failure:
            log.info("drift.not_read", shop=shop.shop_id, purpose=purpose, reason=str(failure))
            return False

    async def _visit_with_token(self, shop: DueShop, visit: Visit) -> bool:
        token = await self._tokens.token(shop.merchant_id, shop.shop_id)
        try:
            return await visit(shop, AccessToken(token.seller_id, token.value.get_secret_value()))
        except TokenDead:
            await self._tokens.report_dead(shop.merchant_id, shop.shop_id, token.generation)
            raise
