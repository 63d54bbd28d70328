"""Calls to AliExpress for one shop, with its token; a token found dead is reported once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from aliexpress.client import Client
from aliexpress.errors import TokenDead
from aliexpress.operation import AccessToken
from common.errors import Outage
from common.shop_tokens import ShopTokens
from order_importer.shops.pauses import FIRST

log = structlog.get_logger()


class ShopAccess:
    """The client and the tokens it is used with; `first_pause` is how long what a call has failed
    for waits at first."""

    def __init__(
        self, client: Client, tokens: ShopTokens, *, first_pause: timedelta = FIRST
    ) -> None:
        self.client = client
        self.first_pause = first_pause
        self._tokens = tokens

    @asynccontextmanager
    async def token_of(self, merchant_id: str, shop_id: str) -> AsyncIterator[AccessToken]:
        """The shop's token for the calls of this block.

        Raises `ShopNotConnected`, also when AliExpress calls the token dead within the block and
        auth-service then ends the connection. Raises `Outage` where that is disproved, and
        while auth-service does not answer.
        """
        given = await self._tokens.token(merchant_id, shop_id)
        try:
            yield AccessToken(given.seller_id, given.value.get_secret_value())
        except TokenDead as dead:
            log.warning("shop.token_dead", shop=f"{merchant_id}/{shop_id}")
            await self._tokens.report_dead(merchant_id, shop_id, given.generation)
            await self._tokens.token(merchant_id, shop_id)
            raise Outage("AliExpress refused a token that it takes otherwise") from dead
