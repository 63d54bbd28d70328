"""The marketplace access token of a shop, handed out by auth-service, kept in memory only.

A token is cached for at most ten minutes and never past its expiry, so that a short outage of
auth-service stops nobody. One the marketplace calls dead is reported with its generation: a late
report never ends a renewed connection.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import msgspec
from pydantic import SecretStr

from common import clock
from common.auth_client import AuthClient, expect_success, read_answer

CACHED_FOR_AT_MOST = timedelta(minutes=10)


class ShopNotConnected(Exception):
    """The shop has no usable token: its merchant must connect or renew it (M1.3)."""


@dataclass(frozen=True)
class ShopToken:
    """A usable access token; `value` shows itself only when asked."""

    value: SecretStr
    seller_id: str
    generation: int
    expires_at: datetime


class _HandOut(msgspec.Struct):
    access_token: str
    seller_id: str
    generation: int
    expires_at: datetime


_Shop = tuple[str, str]
"""Merchant and shop."""


@dataclass(frozen=True)
class _Cached:
    token: ShopToken
    until: datetime


class ShopTokens:
    """Asks auth-service for tokens, as an API client of its own. Close it with `aclose`.

    A slow answer for one shop holds up no other; many who want the same cost one request.
    """

    def __init__(self, auth_url: str, client_id: str, client_secret: SecretStr) -> None:
        self._auth = AuthClient(auth_url, client_id, client_secret)
        self._cached: dict[_Shop, _Cached] = {}
        self._locks: WeakValueDictionary[_Shop, asyncio.Lock] = WeakValueDictionary()
        self._times_forgotten = 0

    async def token(self, merchant_id: str, shop_id: str) -> ShopToken:
        """The shop's token. Raises `ShopNotConnected`, or `Outage` when auth-service is away."""
        shop = (merchant_id, shop_id)
        if (cached := self._look(shop)) is not None:
            return cached
        async with self._locks.setdefault(shop, asyncio.Lock()):
            return self._look(shop) or await self._ask(shop)

    async def report_dead(self, merchant_id: str, shop_id: str, generation: int) -> None:
        """Tell auth-service that the marketplace refuses this generation's token."""
        cached = self._cached.get((merchant_id, shop_id))
        if cached is None or cached.token.generation <= generation:
            self.forget(merchant_id, shop_id)
        answer = await self._auth.request(
            "POST",
            f"/internal/v1/shops/{merchant_id}/{shop_id}/token/dead",
            {"generation": generation},
        )
        if answer.status_code != 404:
            expect_success(answer)

    def forget(self, merchant_id: str, shop_id: str) -> None:
        """Drop the cached token; called when `shop.state` tells of another generation."""
        self._times_forgotten += 1
        self._cached.pop((merchant_id, shop_id), None)

    async def aclose(self) -> None:
        """Close the connections to auth-service."""
        await self._auth.aclose()

    def _look(self, shop: _Shop) -> ShopToken | None:
        cached = self._cached.get(shop)
        return cached.token if cached is not None and clock.now() < cached.until else None

    async def _ask(self, shop: _Shop) -> ShopToken:
        asked_at, forgotten_before = clock.now(), self._times_forgotten
        merchant_id, shop_id = shop
        answer = await self._auth.request(
            "GET", f"/internal/v1/shops/{merchant_id}/{shop_id}/token"
        )
        if answer.status_code in {404, 409}:
            self._cached.pop(shop, None)
            raise ShopNotConnected(f"{merchant_id}/{shop_id}")
        given = read_answer(answer, _HandOut)
        if clock.now() >= given.expires_at:
            raise ShopNotConnected(f"{merchant_id}/{shop_id}")
        token = ShopToken(
            SecretStr(given.access_token), given.seller_id, given.generation, given.expires_at
        )
        if self._times_forgotten == forgotten_before:  # else it may be of an earlier generation
            until = min(asked_at + CACHED_FOR_AT_MOST, token.expires_at)
            self._cached[shop] = _Cached(token, until)
        return token
