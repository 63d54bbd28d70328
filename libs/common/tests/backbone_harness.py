"""A small service of its own for the backbone's tests: one table, one consumer, real stores."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import Headers, encode
from common.contracts.topics import BY_NAME
from common.messaging.consumer import Consumer
from common.messaging.create_topics import create_topics
from common.messaging.records import Delivery, NotApplied, Parked, Rejected, Subscription
from common.postgres.migrate import BACKBONE_VERSIONS, backbone_statements
from common.postgres.pool import Connection, Pool, open_pool
from stack.testing import Databases, NewDatabase

PARTITIONS = 3
USED = [BY_NAME["catalog.updated"], BY_NAME["shop.state"]]
"""The topics of the harness: read, and published to."""


async def prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    for version in BACKBONE_VERSIONS:
        for statement in backbone_statements(version):
            await connection.execute(statement)
    await connection.execute(
        """
        CREATE TABLE seen (product_id text PRIMARY KEY, version bigint, times integer NOT NULL);
        CREATE TABLE catalogue (catalogue_id text PRIMARY KEY);
        INSERT INTO catalogue VALUES ('main')
        """
    )
    await connection.close()


async def on_catalog_updated(
    connection: Connection, deliveries: Sequence[Delivery[CatalogUpdated]]
) -> Sequence[NotApplied]:
    """Counts how often each product took effect, keeping the highest version."""
    known = {row["catalogue_id"] for row in await connection.fetch("SELECT * FROM catalogue")}
    not_applied: list[NotApplied] = []
    for delivery in deliveries:
        event = delivery.event
        if event.catalogue_id not in known:
            not_applied.append(Parked(delivery.record, f"catalogue:{event.catalogue_id}"))
        elif event.fields.get("refuse"):
            not_applied.append(Rejected(delivery.record, "asked-for", "the test wants it", "none"))
        else:
            await connection.execute(
                """
                INSERT INTO seen VALUES ($1, $2, 1) ON CONFLICT (product_id) DO UPDATE
                    SET times = seen.times + 1, version = greatest(seen.version, $2)
                """,
                event.product_id,
                event.fields.get("version", event.version),
            )
    return not_applied


def product(
    product_id: str, *, merchant: str = "m1", catalogue: str = "main", **fields: object
) -> CatalogUpdated:
    return CatalogUpdated(
        merchant_id=merchant,
        catalogue_id=catalogue,
        product_id=product_id,
        action="upsert",
        version=1,
        fields=fields,  # type: ignore[arg-type]
    )


@dataclass
class Harness:
    """A database, a Kafka with topics of its own, a producer and consumers."""

    url: str
    execute_as_owner: Callable[[str], Awaitable[None]]
    pool: Pool
    bootstrap: str
    prefix: str
    producer: AIOKafkaProducer
    consumers: list[Consumer] = field(default_factory=list)

    def consumer(
        self, instance: str = "one", *, max_batch_records: int = 100, pool: Pool | None = None
    ) -> Consumer:
        consumer = Consumer(
            pool or self.pool,
            self.bootstrap,
            "test.sources",
            [Subscription(CatalogUpdated, on_catalog_updated)],
            instance_id=instance,
            topic_prefix=self.prefix,
            session_timeout=timedelta(seconds=6),
            max_batch_records=max_batch_records,
        )
        self.consumers.append(consumer)
        return consumer

    async def send(self, *events: CatalogUpdated, source: str = "/shop-system") -> None:
        for event in events:
            record = encode(event, source=source)
            await self.producer.send(
                self.prefix + record.topic, record.value, record.key, headers=record.headers
            )
        await self.producer.flush()

    async def send_raw(
        self, value: bytes | None, key: bytes | None, headers: Headers | None = None
    ) -> None:
        default = [("ce_type", b"channel.catalog.updated.v1"), ("ce_source", b"/broken")]
        await self.producer.send_and_wait(
            self.prefix + "catalog.updated",
            value,
            key,
            headers=default if headers is None else headers,
        )

    async def shown(self) -> int:
        """How many records Kafka was shown as taken."""
        reader = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=self.prefix + "test.sources"
        )
        await reader.start()
        partitions = [TopicPartition(self.prefix + "catalog.updated", n) for n in range(PARTITIONS)]
        shown = sum([await reader.committed(partition) or 0 for partition in partitions])
        await reader.stop()
        return shown

    async def cut_relay_off(self) -> None:
        """End the database session whose lock makes a relay the active one."""
        admin = await asyncpg.connect(self.url)
        await admin.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_locks
            WHERE locktype = 'advisory' AND database =
                (SELECT oid FROM pg_database WHERE datname = current_database())
            """
        )
        await admin.close()

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        return await self.pool.fetch(query, *arguments)

    async def count(self, table: str) -> int:
        return int(await self.pool.fetchval(f"SELECT count(*) FROM {table}"))

    def table_has(self, table: str, rows: int) -> Callable[[], Awaitable[bool]]:
        async def has() -> bool:
            return await self.count(table) >= rows

        return has


@pytest.fixture
async def harness(
    databases: Databases, database: NewDatabase, kafka_bootstrap: str, topic_prefix: str
) -> AsyncIterator[Harness]:
    url = await database(prepare)
    await create_topics(kafka_bootstrap, topic_prefix, partitions=PARTITIONS, topics=USED)
    # a batch that is sent again must not count as an event that took effect twice
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_bootstrap, enable_idempotence=True, linger_ms=2
    )
    await producer.start()
    pool = await open_pool(url, max_size=8)
    as_owner = partial(databases.execute_as_owner, url)
    made = Harness(url, as_owner, pool, kafka_bootstrap, topic_prefix, producer)
    yield made
    for consumer in made.consumers:
        await consumer.stop()
    await producer.stop()
    await pool.close()
