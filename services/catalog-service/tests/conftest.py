"""What catalog-service's tests share: its database, and ways to hand it records."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import httpx2
import msgspec
import pytest
from pydantic import SecretStr

from aliexpress.client import Client
from aliexpress.gateway import new_gateway
from aliexpress.limits import DEFAULT_LIMITS, BucketLimiter
from aliexpress.oauth import create_token
from aliexpress.operation import AppCredentials
from aliexpress.store import PostgresBuckets
from aliexpress.transport import HttpTransport
from catalog_service.app import SERVICE
from catalog_service.categories.marketplace import Marketplace
from catalog_service.drafts.evaluate_draft import DraftEvaluator
from catalog_service.normalizing.worker import Normalizer
from catalog_service.shops.store import keep_shops
from catalog_service.sources.consumer import on_catalog_updated
from catalog_service.sources.versions import content_of_event
from common import clock
from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import decode, encode
from common.contracts.event import Event
from common.contracts.product import ProductNormalized
from common.contracts.shop import ShopState
from common.messaging.records import Delivery, NotApplied, Record
from common.postgres.migrate import upgrade
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from common.shop_tokens import ShopToken
from stack.sandbox import Sandbox
from stack.testing import Databases
from stack.testing.conditions import eventually

from .rest import AsMerchant, Open, opened_api

SELLER = "2200100001"
REDIRECT_URI = "http://127.0.0.1:8001/v1/oauth/callback"


async def migrate(url: str) -> None:
    await asyncio.to_thread(upgrade, SERVICE.migrations, url)


@pytest.fixture(scope="session")
async def shared_pool(databases: Databases) -> AsyncIterator[tuple[str, Pool]]:
    """A database, by its URL, and connections to it, for all tests of this worker."""
    async with databases.shared(migrate) as shared:
        yield shared


@pytest.fixture
async def database_url(shared_pool: tuple[str, Pool], databases: Databases) -> AsyncIterator[str]:
    """The service's database, its tables empty."""
    url, _ = shared_pool
    await databases.empty(url)
    yield url
    await databases.replay_as_stranger(url)


@pytest.fixture
def pool(shared_pool: tuple[str, Pool], database_url: str) -> Pool:
    _, opened = shared_pool
    return opened


@pytest.fixture
def open_api(pool: Pool, database_url: str) -> Open:
    """Opens the service's REST, by settings of the test's."""
    return partial(opened_api, pool, database_url)


@pytest.fixture
async def merchants(open_api: Open, connected_shop: None) -> AsyncIterator[AsMerchant]:
    async with open_api() as as_merchant:
        declared = await as_merchant("m").put(
            "/v1/merchants/m/catalogues/c", json={"versioning": "explicit", "fed_by": "events"}
        )
        assert declared.status_code == 200, declared.text
        yield as_merchant


@pytest.fixture
def api(merchants: AsMerchant) -> httpx2.AsyncClient:
    return merchants("m")


@pytest.fixture
def evaluator(pool: Pool) -> DraftEvaluator:
    return DraftEvaluator(pool, lifetime=timedelta(hours=24))


_offsets = count(1)


def delivery_of(event: Event, *, timestamp_ms: int = 1, offset: int | None = None) -> Delivery[Any]:
    """The event as a consumer is given it."""
    encoded = encode(event, source="/tests")
    place = next(_offsets) if offset is None else offset
    record = Record(
        event.topic, 0, place, timestamp_ms, encoded.key, encoded.value, encoded.headers
    )
    envelope = decode(type(event), record.key, record.value, record.headers)
    prepared = content_of_event(event) if isinstance(event, CatalogUpdated) else None
    return Delivery(envelope, record, prepared)


@pytest.fixture
def deliver() -> Callable[..., Delivery[Any]]:
    """Makes of an event what a consumer is given."""
    return delivery_of


@pytest.fixture
def ingest(pool: Pool) -> Callable[..., Awaitable[list[NotApplied]]]:
    """Hands events to the consumer's handler as one batch."""

    async def run(*events: Event | Delivery[Any]) -> list[NotApplied]:
        batch = [e if isinstance(e, Delivery) else delivery_of(e) for e in events]
        async with unit_of_work(pool) as connection:
            return list(await on_catalog_updated(connection, batch))

    return run


@dataclass
class SellerTokens:
    """The token of one seller of the sandbox, for any shop; takes auth-service's place."""

    token_of_seller: ShopToken
    reported: list[int] = field(default_factory=list)

    async def token(self, _merchant_id: str, _shop_id: str) -> ShopToken:
        return self.token_of_seller

    async def report_dead(self, _merchant_id: str, _shop_id: str, generation: int) -> None:
        self.reported.append(generation)


@pytest.fixture
async def client(pool: Pool, sandbox: Sandbox) -> AsyncIterator[Client]:
    """A client of the sandbox."""
    opened = Client(
        AppCredentials(sandbox.app_key, sandbox.app_secret),
        new_gateway(sandbox.url),
        HttpTransport(),
        BucketLimiter(PostgresBuckets(pool), DEFAULT_LIMITS),
    )
    yield opened
    await opened.aclose()


@pytest.fixture
async def tokens(client: Client, sandbox: Sandbox) -> SellerTokens:
    """The token of the sandbox's first seller."""
    async with httpx2.AsyncClient(base_url=sandbox.url, timeout=10) as control:
        answer = await control.post(
            "/control/codes", json={"seller_id": SELLER, "redirect_uri": REDIRECT_URI}
        )
        code = answer.raise_for_status().json()["code"]
    grant = await create_token(client, code)
    return SellerTokens(
        ShopToken(SecretStr(grant.access_token), SELLER, 1, clock.now() + timedelta(days=1))
    )


@pytest.fixture
async def marketplace(
    pool: Pool, client: Client, tokens: SellerTokens
) -> AsyncIterator[Marketplace]:
    """The job's object that fetches trees and schemas, on the sandbox's first seller."""
    opened = Marketplace(
        pool,
        client,
        tokens,
        holder="test",
        schema_lifetime=timedelta(hours=24),
        tree_lifetime=timedelta(days=30),
    )
    yield opened
    await opened.aclose()


@pytest.fixture
def shop_state() -> ShopState:
    """Shop s of merchant m, connected, as auth-service reports it."""
    return ShopState(
        merchant_id="m",
        shop_id="s",
        revision=1,
        is_eligible=True,
        connection="connected",
        generation=1,
        seller_id=SELLER,
    )


@pytest.fixture
async def connected_shop(pool: Pool, shop_state: ShopState) -> None:
    """Shop s of merchant m, known to the service as connected."""
    async with unit_of_work(pool) as connection:
        await keep_shops(connection, [shop_state])


@pytest.fixture
def settle(pool: Pool, marketplace: Marketplace) -> Callable[[], Awaitable[None]]:
    """Runs the normalizing and schema jobs until no family is dirty and no schema lacking."""
    normalizer = Normalizer(pool)

    async def is_settled() -> bool:
        while await normalizer.run() or await marketplace.fetch_schemas():
            pass
        return not await pool.fetchval(
            """
            SELECT (SELECT count(*) FROM family_mark)
                + (SELECT count(*) FROM category_schema JOIN shop USING (merchant_id, shop_id)
                    WHERE is_usable AND fetched_at IS NULL)
            """
        )

    async def run() -> None:
        await eventually(is_settled, within=60)

    return run


@pytest.fixture
def emitted(pool: Pool) -> Callable[[], Awaitable[list[ProductNormalized]]]:
    """Takes the `product.normalized` events out of the outbox, in order."""

    async def take() -> list[ProductNormalized]:
        rows = await pool.fetch(
            "WITH taken AS (DELETE FROM outbox RETURNING id, topic, value)"
            " SELECT topic, value FROM taken ORDER BY id"
        )
        return [
            msgspec.json.decode(row["value"], type=ProductNormalized)
            for row in rows
            if row["topic"] == ProductNormalized.topic
        ]

    return take
