"""The marketplace access token of a shop, handed out by auth-service, kept in memory only.

A token is cached for at most ten minutes and never past its expiry, so that a short outage of
auth-service stops nobody. One the marketplace calls dead is reported with its generation: a late
report never ends a renewed connection.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from weakref import WeakValueDictionary

import httpx2
import msgspec
from pydantic import SecretStr

from common import clock
from common.errors import Outage

CACHED_FOR_AT_MOST = timedelta(minutes=10)

F = TypeVar("F")


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
        self._client = httpx2.AsyncClient(base_url=auth_url, timeout=5.0)
        self._bearer = _Bearer(self._client, client_id, client_secret)
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
        answer = await self._request(
            "POST",
            f"/internal/v1/shops/{merchant_id}/{shop_id}/token/dead",
            {"generation": generation},
        )
        if answer.status_code != 404:
            _expect_success(answer)

    def forget(self, merchant_id: str, shop_id: str) -> None:
        """Drop the cached token; called when `shop.state` tells of another generation."""
        self._times_forgotten += 1
        self._cached.pop((merchant_id, shop_id), None)

    async def aclose(self) -> None:
        """Close the connections to auth-service."""
        await self._client.aclose()

    def _look(self, shop: _Shop) -> ShopToken | None:
        cached = self._cached.get(shop)
        return cached.token if cached is not None and clock.now() < cached.until else None

    async def _ask(self, shop: _Shop) -> ShopToken:
        asked_at, forgotten_before = clock.now(), self._times_forgotten
        merchant_id, shop_id = shop
        answer = await self._request("GET", f"/internal/v1/shops/{merchant_id}/{shop_id}/token")
        if answer.status_code in {404, 409}:
            self._cached.pop(shop, None)
            raise ShopNotConnected(f"{merchant_id}/{shop_id}")
        given = _read(answer, _HandOut)
        if clock.now() >= given.expires_at:
            raise ShopNotConnected(f"{merchant_id}/{shop_id}")
        token = ShopToken(
            SecretStr(given.access_token), given.seller_id, given.generation, given.expires_at
        )
        if self._times_forgotten == forgotten_before:  # else it may be of an earlier generation
            until = min(asked_at + CACHED_FOR_AT_MOST, token.expires_at)
            self._cached[shop] = _Cached(token, until)
        return token

    async def _request(
        self, method: str, path: str, body: dict[str, int] | None = None
    ) -> httpx2.Response:
        """The answer. A bearer that is refused, as when its signing key was withdrawn, is dropped,
        and another is tried once. Raises `Outage` when there is no answer."""
        answer = await self._request_once(method, path, body)
        if answer.status_code == 401:
            answer = await self._request_once(method, path, body)
        return answer

    async def _request_once(
        self, method: str, path: str, body: dict[str, int] | None
    ) -> httpx2.Response:
        try:
            bearer = await self._bearer.get()
            answer = await self._client.request(
                method, path, json=body, headers={"authorization": f"Bearer {bearer}"}
            )
        except httpx2.HTTPError as error:
            raise Outage("auth-service does not answer") from error
        if answer.status_code == 401:
            self._bearer.drop(bearer)
        return answer


class _Bearer:
    """This service's own token at auth-service, kept for most of its life."""

    def __init__(
        self, client: httpx2.AsyncClient, client_id: str, client_secret: SecretStr
    ) -> None:
        self._client = client
        self._client_id = client_id
        self._client_secret = client_secret
        self._kept: tuple[str, datetime] | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """The token. Raises `Outage`, or `httpx2.HTTPError` when there is no answer."""
        if (kept := self._look()) is not None:
            return kept
        async with self._lock:
            return self._look() or await self._ask()

    def drop(self, refused: str) -> None:
        """Forget the token, unless another has taken its place."""
        if self._kept is not None and self._kept[0] == refused:
            self._kept = None

    def _look(self) -> str | None:
        return self._kept[0] if self._kept is not None and clock.now() < self._kept[1] else None

    async def _ask(self) -> str:
        asked_at = clock.now()
        answer = await self._client.post(
            "/v1/token",
            data={
                "grant_type": "client_credentials",
                "client_id": self._client_id,
                "client_secret": self._client_secret.get_secret_value(),
            },
        )
        given = _read(answer, _ServiceToken)
        self._kept = (given.access_token, asked_at + timedelta(seconds=given.expires_in * 0.8))
        return given.access_token


def _expect_success(answer: httpx2.Response) -> None:
    if answer.is_error:
        raise Outage(f"auth-service answered {answer.status_code}")


def _read(answer: httpx2.Response, form: type[F]) -> F:
    _expect_success(answer)
    try:
        return msgspec.json.decode(answer.content, type=form)
    except msgspec.MsgspecError as error:  # something in between answered
        raise Outage("auth-service answered something else") from error
