"""feed-publisher at work: on consumers, topics and tables that a worker's tests share, or its own.

What a shared one has beside them, its REST, its jobs and its handlers of events, is made anew for
each test; its tables are empty.
"""

import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx2
import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from aliexpress.client import Client
from aliexpress.gateway import new_gateway
from aliexpress.limits import BucketLimiter
from aliexpress.memory_limits import MemoryBuckets
from aliexpress.operation import AccessToken, AppCredentials
from aliexpress.transport import HttpTransport
from common.contracts.topics import TOPICS
from common.jobs import Job
from common.messaging.consumer import Consumer
from common.messaging.create_topics import create_topics
from common.postgres.pool import Pool, open_pool
from common.service import Context, Parts, create_app
from common.web.identity import Verifier
from feed_publisher.app import SERVICE
from feed_publisher.settings import PublisherSettings
from stack.sandbox import Sandbox
from stack.testing import Databases, NewDatabase, eventually, running_parts, serving

from .publisher_auth import SELLER, TokenIssuer, public_key
from .publisher_category import learn_category
from .publisher_harness import Harness, migrate

JOBS_EVERY = timedelta(milliseconds=500)
"""Nobody waits in a test for jobs that are due every ten seconds."""
POLL = JOBS_EVERY
"""What the parts are built with."""
OWN_TOPICS = [topic for topic in TOPICS if SERVICE.name in {*topic.producers, *topic.consumers}]


@dataclass(frozen=True)
class Ground:
    """What a service under test stands on."""

    settings: PublisherSettings
    pool: Pool
    market: httpx2.AsyncClient
    issuer: TokenIssuer
    producer: AIOKafkaProducer


@dataclass(frozen=True)
class SharedGround(Ground):
    """That of a worker's tests, and the consumers that work on it."""

    consumers: Sequence[Consumer]

    def give(self, parts: Parts) -> None:
        """Let these parts handle what comes; they need not wait for it."""
        for running, new in zip(self.consumers, parts.consumers, strict=True):
            running.applier._by_topic = new.applier._by_topic
            new.caught_up.set()

    async def has_taken(self, ends: dict[tuple[str, int], int]) -> bool:
        """Whether each group that reads these partitions has come to their ends."""
        prefix = self.settings.topic_prefix
        rows = await self.pool.fetch("SELECT topic, partition, next_offset FROM consumer_position")
        return all(
            row["next_offset"] >= ends.get((prefix + row["topic"], row["partition"]), 0)
            for row in rows
        )


def build(pool: Pool, settings: PublisherSettings) -> tuple[Context[PublisherSettings], Parts]:
    verifier = Verifier("http://127.0.0.1:1/nowhere")
    verifier.trust({"k1": public_key()})
    context = Context(settings, pool, verifier, POLL)
    return context, SERVICE.build(context)


@pytest.fixture(scope="session")
async def shared_ground(
    databases: Databases, kafka_bootstrap: str, sandbox_process: Sandbox
) -> AsyncIterator[SharedGround]:
    """Made once for this worker."""
    prefix = f"t{uuid.uuid4().hex[:8]}."
    url = await databases.create(migrate)
    async with new_ground(url, kafka_bootstrap, prefix, sandbox_process) as ground:
        _, parts = build(ground.pool, ground.settings)
        async with running_parts(replace(parts, jobs=())):
            for consumer in parts.consumers:
                await consumer.caught_up.wait()
            yield SharedGround(**vars(ground), consumers=parts.consumers)
    await databases.drop(url)


@pytest.fixture
async def harness(
    shared_ground: SharedGround, sandbox: Sandbox, databases: Databases
) -> AsyncIterator[Harness]:
    """The service with a connected shop and a feed, and nothing in it."""
    url = shared_ground.settings.database_url.get_secret_value()
    await databases.empty(url, kept=["consumer_position"])
    shared_ground.issuer.begin_anew()
    context, parts = build(shared_ground.pool, shared_ground.settings)
    shared_ground.give(parts)
    async with new_harness_on(shared_ground, sandbox, context, parts) as made:
        async with running_parts(replace(at_pace(parts), consumers=())):
            await made.take(made.shop_state(), made.feed_state())
            yield made
        await eventually(lambda: shared_ground.has_taken(made.ends))
    await databases.replay_as_stranger(url)


@pytest.fixture
async def own_harness(
    database: NewDatabase, kafka_bootstrap: str, topic_prefix: str, sandbox: Sandbox
) -> AsyncIterator[Harness]:
    """The same on topics, consumers and tables of its own: others may join its consumers."""
    async with new_harness(database, kafka_bootstrap, topic_prefix, sandbox) as made:
        yield made


@contextlib.asynccontextmanager
async def new_harness(
    database: NewDatabase,
    kafka_bootstrap: str,
    topic_prefix: str,
    sandbox: Sandbox,
    *,
    with_jobs: bool = True,
    **changes: object,
) -> AsyncIterator[Harness]:
    """One on its own, with other settings, or without the service's jobs."""
    url = await database(migrate)
    async with new_ground(url, kafka_bootstrap, topic_prefix, sandbox, **changes) as ground:
        context, parts = build(ground.pool, ground.settings)
        working = at_pace(parts) if with_jobs else replace(parts, jobs=())
        async with (
            new_harness_on(ground, sandbox, context, parts) as made,
            running_parts(working),
        ):
            await made.take(made.shop_state(), made.feed_state())
            yield made


def at_pace(parts: Parts) -> Parts:
    """The same parts, whose jobs look for work as often as tests would have it."""
    for job in parts.jobs:
        if isinstance(job, Job) and job.name != "conditions":  # nine long queries
            job._every = min(job._every, JOBS_EVERY)
    return parts


@contextlib.asynccontextmanager
async def new_ground(
    url: str, kafka_bootstrap: str, topic_prefix: str, sandbox: Sandbox, **changes: object
) -> AsyncIterator[Ground]:
    """Topics, a database's connections, and what the service sees of auth-service."""
    await create_topics(kafka_bootstrap, topic_prefix, partitions=2, topics=OWN_TOPICS)
    pool = await open_pool(url, max_size=4)
    issuer = TokenIssuer()
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    async with (
        serving(issuer.app) as auth_url,
        httpx2.AsyncClient(base_url=sandbox.url, timeout=10) as market,
    ):
        settings = PublisherSettings(
            **{
                "database_url": SecretStr(url),
                "kafka_bootstrap": kafka_bootstrap,
                "topic_prefix": topic_prefix,
                "auth_url": auth_url,
                "marketplace_url": sandbox.url,
                "app_key": sandbox.app_key,
                "app_secret": SecretStr(sandbox.app_secret),
                "instance_id": "one",
                "session_timeout_seconds": 6,
                "fast_lane": False,  # tests ask for their runs, and count what these send
                **changes,
            }  # type: ignore[arg-type]
        )
        yield Ground(settings, pool, market, issuer, producer)
    await producer.stop()
    await pool.close()


@contextlib.asynccontextmanager
async def new_harness_on(
    ground: Ground, sandbox: Sandbox, context: Context[PublisherSettings], parts: Parts
) -> AsyncIterator[Harness]:
    """The way to the service of these parts; its shop is connected at AliExpress."""
    client = Client(
        AppCredentials(sandbox.app_key, sandbox.app_secret),
        new_gateway(sandbox.url),
        HttpTransport(),
        BucketLimiter(MemoryBuckets()),
    )
    transport = httpx2.ASGITransport(app=create_app(SERVICE, context, parts))
    async with httpx2.AsyncClient(transport=transport, base_url="http://publisher") as http:
        made = Harness(
            ground.pool,
            http,
            ground.market,
            sandbox,
            client,
            ground.issuer,
            ground.producer,
            ground.settings.topic_prefix,
            ground.settings,
        )
        await made.connect()
        token = AccessToken(SELLER, ground.issuer.token or "")
        made.category = await learn_category(client, token, sandbox.url)
        yield made
    await client.aclose()
