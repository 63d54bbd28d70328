"""Read a shop's currency off its products: AliExpress shows it nowhere else.

An empty shop has none to show; it is looked at again until it has a product. A shop's currency
never changes.
"""

import asyncio
from datetime import datetime, timedelta
from functools import partial

import structlog

from aliexpress.client import Client
from aliexpress.errors import AppRefused, BadAnswer, CallerFault, TokenDead
from aliexpress.operation import AccessToken
from aliexpress.products import PRODUCT_STATUSES, list_products
from catalog_service.categories.marketplace import Tokens, access_token
from catalog_service.currencies.store import list_unknown, save_currency
from catalog_service.shops.store import ShopKey
from common import clock
from common.errors import Outage
from common.postgres.leases import hold_lease
from common.postgres.pool import Pool
from common.postgres.set_aside import RowKey, alone
from common.postgres.unit_of_work import reading, unit_of_work
from common.shop_tokens import ShopNotConnected

log = structlog.get_logger()

JOB = "currencies"
SHOPS_PER_TURN = 8
PAUSE = timedelta(hours=1)
"""How long an empty shop, or one whose call failed, is left alone."""
PAUSE_REFUSED = timedelta(minutes=1)
"""How long one is left alone while AliExpress refuses our app."""


class CurrencyReader:
    """The job that reads currencies, each shop's by one replica at a time."""

    def __init__(self, pool: Pool, client: Client, tokens: Tokens, *, holder: str) -> None:
        self._pool = pool
        self._client = client
        self._tokens = tokens
        self._holder = holder

    async def run(self) -> bool:
        """Look at the next shops; whether there were any."""
        async with reading(self._pool) as connection:
            shops = await list_unknown(
                connection, JOB, older_than=clock.now() - PAUSE, limit=SHOPS_PER_TURN
            )
        looks = (
            alone(self._pool, JOB, RowKey(*shop), partial(self._look_at, shop)) for shop in shops
        )
        return any(await asyncio.gather(*looks))

    async def _look_at(self, shop: ShopKey) -> bool:
        async with hold_lease(
            self._pool, "catalog.currency:" + "/".join(shop), self._holder
        ) as held:
            if held is None:
                return False
            currency, checked_at = await self._check(shop)
            async with unit_of_work(self._pool) as connection:
                await save_currency(connection, shop, currency, checked_at=checked_at)
        return True

    async def _check(self, shop: ShopKey) -> tuple[str | None, datetime]:
        """The currency, if it can be had now; and the time from which the shop is left alone."""
        try:
            return await self._read(shop), clock.now()
        except AppRefused:
            return None, clock.now() - PAUSE + PAUSE_REFUSED

    async def _read(self, shop: ShopKey) -> str | None:
        """The currency; None where it cannot be had now. Raises `AppRefused`."""
        try:
            token = await self._tokens.token(*shop)
            try:
                return await self._of_any_product(access_token(token))
            except TokenDead:
                await self._tokens.report_dead(*shop, token.generation)
        except ShopNotConnected:
            return None
        except AppRefused:
            raise
        except (CallerFault, Outage, BadAnswer) as failure:
            log.warning("currency.not_read", shop=shop[1], reason=str(failure))
        return None

    async def _of_any_product(self, token: AccessToken) -> str | None:
        for status in PRODUCT_STATUSES:
            page = await list_products(self._client, token, status, page_size=1)
            for product in page.products:
                if product.currency is not None:
                    return product.currency
        return None
