"""feed-publisher comes back after it was away: so many events wait for it in Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiokafka import AIOKafkaProducer
from bench import backbone
from bench.listed import publisher
from bench.listed.filling import MERCHANT, fill, new_database
from bench.plans import NAME, desired
from bench.sized.place import Place, Step
from pydantic import SecretStr

from common.contracts.envelope import encode
from common.contracts.product import ProductNormalized
from common.messaging.consumer import Consumer
from common.messaging.create_topics import create_topics
from common.postgres.pool import open_pool
from common.shop_tokens import ShopTokens
from feed_publisher.app import SERVICE
from feed_publisher.desired.consumer import GROUP, DesiredState
from feed_publisher.settings import PublisherSettings

INSTANCE = "0"


async def catch_up(place: Place) -> None:
    """Consume as the service does until every event is stored."""
    pool = await open_pool(place.url)
    settings = PublisherSettings(database_url=SecretStr(place.url), kafka_bootstrap=place.bootstrap)
    tokens = ShopTokens("http://127.0.0.1:9", "bench", SecretStr("bench"))
    consumer = Consumer(
        pool,
        place.bootstrap,
        GROUP,
        DesiredState(tokens, settings).subscriptions(),
        instance_id=INSTANCE,
        topic_prefix=place.prefix,
        max_batch_records=settings.max_batch_records,
    )
    consumer.start()
    while await pool.fetchval("SELECT sum(next_offset) FROM consumer_position") != place.rows:
        await asyncio.sleep(0.1)
    stored = await pool.fetchval("SELECT count(*) FROM desired_product")
    await consumer.stop()
    await tokens.aclose()
    await pool.close()
    if stored != place.rows:
        raise RuntimeError(f"{stored} products were stored of {place.rows}")


STEPS: dict[str, Step] = {"catch-up": catch_up}


async def _publish(bootstrap: str, prefix: str, rows: int) -> None:
    """The events of so many families."""
    await create_topics(bootstrap, prefix, partitions=backbone.PARTITIONS)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=256_000)
    await producer.start()
    text = msgspec.json.encode(desired("20.00"))
    for number in range(rows):
        of_family = text.replace(NAME.encode(), f"p{number:07}".encode())
        event = msgspec.json.decode(of_family, type=ProductNormalized)
        record = encode(event, source="/bench")
        topic = prefix + event.topic
        await producer.send(topic, record.value, record.key, headers=record.headers)
    await producer.flush()
    await producer.stop()


async def _prepared(admin_url: str, bootstrap: str, rows: int) -> Place:
    """A database that knows the feed and its shop, and the topic."""
    name, prefix = f"catch_up_{rows}", f"rows{rows}."
    owner_url, url = await new_database(admin_url, name, SERVICE.migrations)
    await fill(owner_url, MERCHANT, 1, publisher.ONCE)
    await _publish(bootstrap, prefix, rows)
    return Place(url, rows, bootstrap=bootstrap, prefix=prefix)


@asynccontextmanager
async def places(few: int, many: int) -> AsyncIterator[tuple[Place, Place]]:
    """Both databases and topics, on stores of their own."""
    async with backbone.durable_stores() as (admin_url, bootstrap):
        small = await _prepared(admin_url, bootstrap, few)
        yield small, await _prepared(admin_url, bootstrap, many)
