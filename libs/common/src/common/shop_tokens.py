"""The marketplace access token of a shop, handed out by auth-service, kept in memory only.

A token is cached for at most ten minutes and never past its expiry, so that a short outage of
auth-service stops nobody. One the marketplace calls dead is reported with its generation: a late
report never ends a renewed connection.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx2
import msgspec
from pydantic import SecretStr

from common import clock
from common.errors import Outage

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


class _ServiceToken(msgspec.Struct):
    access_token: str
    expires_in: int


class ShopTokens:
    """Asks auth-service for tokens, as an API client of its own. Close it with `aclose`."""

    def __init__(self, auth_url: str, client_id: str, client_secret: SecretStr) -> None:
        self._client = httpx2.AsyncClient(base_url=auth_url, timeout=5.0)
        self._client_id = client_id
        self._client_secret = client_secret
        self._bearer: tuple[str, datetime] | None = None
        self._cached: dict[tuple[str, str], tuple[ShopToken, datetime]] = {}
        self._lock = asyncio.Lock()

    async def token(self, merchant_id: str, shop_id: str) -> ShopToken:
        """The shop's token. Raises `ShopNotConnected`, or `Outage` when auth-service is away."""
        cached = self._cached.get((merchant_id, shop_id))
        now = clock.now()
        if cached is not None and now < min(cached[1], cached[0].expires_at):
            return cached[0]
        async with self._lock:
            answer = await self._request("GET", f"/internal/v1/shops/{merchant_id}/{shop_id}/token")
        if answer.status_code in {404, 409}:
            self._cached.pop((merchant_id, shop_id), None)
            raise ShopNotConnected(f"{merchant_id}/{shop_id}")
        _expect_success(answer)
        given = msgspec.json.decode(answer.content, type=_HandOut)
        token = ShopToken(
            SecretStr(given.access_token), given.seller_id, given.generation, given.expires_at
        )
        if now >= token.expires_at:
            raise ShopNotConnected(f"{merchant_id}/{shop_id}")
        self._cached[(merchant_id, shop_id)] = (token, now + CACHED_FOR_AT_MOST)
        return token

    async def report_dead(self, merchant_id: str, shop_id: str, generation: int) -> None:
        """Tell auth-service that the marketplace refuses this generation's token."""
        self._cached.pop((merchant_id, shop_id), None)
        answer = await self._request(
            "POST",
            f"/internal/v1/shops/{merchant_id}/{shop_id}/token/dead",
            {"generation": generation},
        )
        if answer.status_code != 404:
            _expect_success(answer)

    def forget(self, merchant_id: str, shop_id: str) -> None:
        """Drop the cached token; called when `shop.state` tells of another generation."""
        self._cached.pop((merchant_id, shop_id), None)

    async def aclose(self) -> None:
        """Close the connections to auth-service."""
        await self._client.aclose()

    async def _request(
        self, method: str, path: str, body: dict[str, int] | None = None
    ) -> httpx2.Response:
        try:
            bearer = await self._bearer_token()
            return await self._client.request(
                method, path, json=body, headers={"authorization": f"Bearer {bearer}"}
            )
        except httpx2.HTTPError as error:
            raise Outage("auth-service does not answer") from error

    async def _bearer_token(self) -> str:
        now = clock.now()
        if self._bearer is not None and now < self._bearer[1]:
            return self._bearer[0]
        answer = await self._client.post(
            "/v1/token",
            data={
                "grant_type": "client_credentials",
                "client_id": self._client_id,
                "client_secret": self._client_secret.get_secret_value(),
            },
        )
        _expect_success(answer)
        given = msgspec.json.decode(answer.content, type=_ServiceToken)
        self._bearer = (given.access_token, now + timedelta(seconds=given.expires_in * 0.8))
        return given.access_token


def _expect_success(answer: httpx2.Response) -> None:
    if answer.is_error:
        raise Outage(f"auth-service answered {answer.status_code}")
