"""What catalog-service's tests share: its database, and ways to hand it records."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

import pytest

from catalog_service.app import SERVICE
from catalog_service.sources.consumer import on_catalog_updated
from common.contracts.envelope import decode, encode
from common.contracts.event import Event
from common.messaging.records import Delivery, Record, Setback
from common.postgres.migrate import upgrade
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import unit_of_work


async def migrate(url: str) -> None:
    await asyncio.to_thread(upgrade, SERVICE.migrations, url)


@pytest.fixture
async def database_url(database: Callable[..., Awaitable[str]]) -> str:
    return await database(migrate)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, max_size=6)
    yield opened
    await opened.close()


_offsets = count(1)


def delivery_of(event: Event, *, timestamp_ms: int = 1, offset: int | None = None) -> Delivery:
    """The event as a consumer is given it."""
    encoded = encode(event, source="/tests")
    place = next(_offsets) if offset is None else offset
    record = Record(
        event.topic, 0, place, timestamp_ms, encoded.key, encoded.value, encoded.headers
    )
    return Delivery(decode(type(event), record.key, record.value, record.headers), record)


@pytest.fixture
def deliver() -> Callable[..., Delivery]:
    """Makes of an event what a consumer is given."""
    return delivery_of


@pytest.fixture
def ingest(pool: Pool) -> Callable[..., Awaitable[list[Setback]]]:
    """Hands events to the consumer's handler as one batch."""

    async def run(*events: Event | Delivery) -> list[Setback]:
        batch = [e if isinstance(e, Delivery) else delivery_of(e) for e in events]
        async with unit_of_work(pool) as connection:
            return list(await on_catalog_updated(connection, batch))

    return run
