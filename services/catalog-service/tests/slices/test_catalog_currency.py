"""A shop's currency is read off its products; a feed in another is refused, or says so (M3.9)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import httpx2
import pytest
from pydantic import SecretStr

from aliexpress.client import Client
from aliexpress.gateway import new_gateway
from aliexpress.limits import BucketLimiter, Limits
from aliexpress.oauth import create_token
from aliexpress.operation import AppCredentials
from aliexpress.store import PostgresBuckets
from aliexpress.transport import HttpTransport
from catalog_service.currencies.read_currency import PAUSE, CurrencyReader
from catalog_service.currencies.store import load_currencies
from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common import clock
from common.contracts.product import ProductNormalized
from common.errors import Refusal
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from common.shop_tokens import ShopToken
from stack.sandbox import Sandbox

from ..wall_clocks import form, row

SELLER = "2200100002"
REDIRECT_URI = "http://127.0.0.1:8001/v1/oauth/callback"


@dataclass
class OneToken:
    """The seller's token; takes auth-service's place."""

    granted: ShopToken

    async def token(self, _merchant_id: str, _shop_id: str) -> ShopToken:
        return self.granted

    async def report_dead(self, _merchant_id: str, _shop_id: str, generation: int) -> None:
        raise AssertionError(generation)


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=sandbox.url, timeout=10) as client:
        yield client


@pytest.fixture
async def reader(
    pool: Pool, sandbox: Sandbox, control: httpx2.AsyncClient
) -> AsyncIterator[CurrencyReader]:
    client = Client(
        AppCredentials(sandbox.app_key, sandbox.app_secret),
        new_gateway(sandbox.url),
        HttpTransport(),
        BucketLimiter(PostgresBuckets(pool), Limits(per_app={}, per_seller={})),
    )
    asked = {"seller_id": SELLER, "redirect_uri": REDIRECT_URI}
    answer = (await control.post("/control/codes", json=asked)).raise_for_status()
    grant = await create_token(client, answer.json()["code"])
    until = clock.now() + timedelta(days=1)
    token = ShopToken(SecretStr(grant.access_token), SELLER, 1, until)
    yield CurrencyReader(pool, client, OneToken(token), holder="test")
    await client.aclose()


@pytest.mark.usefixtures("connected_shop")
async def test_a_feed_is_in_its_shops_currency(
    pool: Pool,
    reader: CurrencyReader,
    control: httpx2.AsyncClient,
    ingest: Callable[..., Awaitable[list[NotApplied]]],
    settle: Callable[[], Awaitable[None]],
    emitted: Callable[[], Awaitable[list[ProductNormalized]]],
) -> None:
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))
        await apply_configuration(connection, "m", "wrong", form(currency="EUR"))
        await apply_configuration(connection, "m", "right", form())
    assert await reader.run()  # an empty shop shows no currency, and is left alone for a while
    assert not await reader.run()
    await ingest(row("a", 1))
    await settle()
    assert {event.offers is None for event in await emitted()} == {False}

    products = {"seller_id": SELLER, "sku_codes": ["BY-HAND-CURRENCY"]}
    (await control.post("/control/products", json=products)).raise_for_status()
    clock.set_to(clock.now() + PAUSE * 1.01)
    try:
        assert await reader.run()
        assert not await reader.run()
    finally:
        clock.set_to(clock.wall_now())
    await settle()
    (event,) = await emitted()
    assert (event.feed_id, event.offers) == ("wrong", None)
    assert event.offers_part is not None
    assert [(i.rule, i.field, i.value) for i in event.offers_part.issues] == [
        ("M3.9", "currency", "EUR")
    ]
    async with unit_of_work(pool) as connection:
        assert await load_currencies(connection, [("m", "s")]) == {("m", "s"): "USD"}
        with pytest.raises(Refusal, match="sells in USD"):
            await apply_configuration(
                connection, "m", "wrong", form(currency="EUR", countries=["US"])
            )
        await apply_configuration(connection, "m", "wrong", form())
    await settle()
    assert [event.offers is None for event in await emitted()] == [False]


@pytest.mark.usefixtures("connected_shop")
async def test_a_shop_is_looked_at_soon_after_our_app_was_refused(
    pool: Pool, reader: CurrencyReader, control: httpx2.AsyncClient
) -> None:
    products = {"seller_id": SELLER, "sku_codes": ["BY-HAND-REFUSED"]}
    (await control.post("/control/products", json=products)).raise_for_status()
    fault = {"kind": "error", "code": "isv.permission-ip-whitelist-limit"}
    (await control.post("/control/faults", json=fault)).raise_for_status()
    assert await reader.run()
    assert not await reader.run()
    (await control.delete("/control/faults")).raise_for_status()
    clock.set_to(clock.now() + timedelta(minutes=1, seconds=1))
    try:
        assert await reader.run()
    finally:
        clock.set_to(clock.wall_now())
    async with unit_of_work(pool) as connection:
        assert await load_currencies(connection, [("m", "s")]) == {("m", "s"): "USD"}
