"""Each user of Kafka may do what the registry of topics says, and no more."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
)
from structlog.testing import capture_logs

from channel_producer import CatalogPublisher
from common.contracts.shop import ShopState
from common.contracts.topics import TOPICS
from common.kafka_access import KafkaAccess
from common.kafka_refusals import IdentityRefused
from common.messaging.acls import SERVICES, all_grants, apply_grants
from common.messaging.clients import close_consumer, new_consumer, new_producer
from common.messaging.consumer import Consumer
from common.messaging.create_topics import create_topics
from common.messaging.records import Delivery, NotApplied, Subscription
from common.messaging.relay import Relay
from common.postgres.pool import Connection, open_pool
from stack.kafka_identity import ADMINISTRATOR, PRODUCER, USERS
from stack.run import Stack
from stack.testing import NewDatabase, eventually

PREFIX = "matrix."
"""Topics of no installation: what is written there reaches no service."""
NAMES = [
    name for topic in TOPICS for name in (topic.name, topic.dead_letter_name)
    if name == topic.name or set(topic.consumers) & set(SERVICES)
]  # fmt: skip
WITHIN = 20.0
SESSION = timedelta(seconds=10)
REFUSED = "kafka.identity_refused"


async def take_none(
    _connection: Connection, _deliveries: Sequence[Delivery[ShopState]]
) -> list[NotApplied]:
    return []


READS_SHOPS = Subscription(ShopState, take_none)


def may_write(user: str) -> set[str]:
    """What the registry says, read apart from `acls`."""
    if user == PRODUCER:
        return {"catalog.updated"}
    own = {topic.name for topic in TOPICS if user in topic.producers}
    return own | {topic.dead_letter_name for topic in TOPICS if user in topic.consumers}


def may_read(user: str) -> set[str]:
    return {topic.name for topic in TOPICS if user in topic.consumers}


@pytest.fixture(scope="package")
async def administrator(system: Stack) -> KafkaAccess:
    """The administrator's access; each topic of the matrix holds a record."""
    access = system.kafka_access(ADMINISTRATOR)
    await create_topics(access, PREFIX, partitions=1)
    await apply_grants(access, all_grants(PREFIX, producers=[PRODUCER]))
    async with new_producer(access) as producer:
        for name in NAMES:
            await producer.send_and_wait(PREFIX + name, b"{}", b"k")
    return access


async def is_writable(producer: AIOKafkaProducer, name: str) -> bool:
    try:
        async with asyncio.timeout(WITHIN):
            await producer.send_and_wait(PREFIX + name, b"{}", b"k")
    except TopicAuthorizationFailedError:
        return False
    return True


async def is_readable(access: KafkaAccess, name: str) -> bool:
    """Whether a record comes; that none comes must be a refusal, and nothing else."""
    consumer = AIOKafkaConsumer(
        **access.client_options(), group_id=None, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(PREFIX + name, 0)])
        async with asyncio.timeout(WITHIN):
            while PREFIX + name not in consumer._client.cluster.unauthorized_topics:
                if await consumer.getmany(timeout_ms=200):
                    return True
    except TopicAuthorizationFailedError:
        pass
    finally:
        await close_consumer(consumer)
    return False


@pytest.mark.parametrize("user", [*SERVICES, PRODUCER])
async def test_each_user_writes_and_reads_what_is_its_own(
    system: Stack, administrator: KafkaAccess, user: str
) -> None:
    access = system.kafka_access(user)
    async with new_producer(access) as producer:
        written = await asyncio.gather(*(is_writable(producer, name) for name in NAMES))
    assert {name for name, done in zip(NAMES, written, strict=True) if done} == may_write(user)
    read = await asyncio.gather(*(is_readable(access, name) for name in NAMES))
    assert {name for name, done in zip(NAMES, read, strict=True) if done} == may_read(user)


async def joins(access: KafkaAccess, group: str) -> bool:
    """Whether the user may be a member of the group."""
    topic = PREFIX + next(iter(may_read(access.user) or {"shop.state"}))
    consumer = AIOKafkaConsumer(topic, **access.client_options(), group_id=group)
    try:
        async with asyncio.timeout(WITHIN):
            await consumer.start()
            await consumer.committed(TopicPartition(topic, 0))
    except GroupAuthorizationFailedError:
        return False
    finally:
        await close_consumer(consumer)
    return True


async def test_a_service_joins_its_own_groups_alone(
    system: Stack, administrator: KafkaAccess
) -> None:
    pairs = list(product(SERVICES, SERVICES))
    joined = await asyncio.gather(
        *(joins(system.kafka_access(user), f"{PREFIX}{owner}.slice") for user, owner in pairs)
    )
    assert [pair for pair, done in zip(pairs, joined, strict=True) if done] == [
        (service, service) for service in SERVICES
    ]


async def test_who_does_not_know_the_password_or_the_authority_is_named_as_refused(
    system: Stack,
) -> None:
    access = system.kafka_access(USERS[-1])
    for wrong, remedy in (
        (replace(access, password="wrong"), "KAFKA_PASSWORD"),
        (replace(access, user="nobody"), "KAFKA_USER"),
        (replace(access, mechanism="SCRAM-SHA-256"), "KAFKA_SASL_MECHANISM"),
        (replace(access, ca_file=None), "KAFKA_CA_FILE"),
    ):
        producer = new_producer(wrong)
        with pytest.raises(IdentityRefused) as refused:
            await producer.start()
        await producer.stop()
        assert remedy in str(refused.value)
        assert access.password not in str(refused.value)


async def test_the_producer_kit_names_a_refused_identity(system: Stack) -> None:
    wrong = replace(system.kafka_access(), password="wrong")
    with pytest.raises(IdentityRefused, match="KAFKA_PASSWORD"):
        async with CatalogPublisher(wrong, source="/erp"):
            pass


async def test_a_refused_service_says_so_and_tries_again_at_its_pace(
    system: Stack, database: NewDatabase
) -> None:
    wrong = replace(system.kafka_access("auth-service"), password="wrong")
    url = await database()
    pool = await open_pool(url, max_size=1)
    with capture_logs() as logs:
        relay = Relay(url, wrong, service="auth-service")
        consumer = Consumer(pool, wrong, "auth-service.test", [READS_SHOPS], instance_id="one")
        began = time.monotonic()
        relay.start()
        consumer.start()

        def refusals() -> Counter[str]:
            return Counter(log["client"] for log in logs if log["event"] == REFUSED)

        await eventually(lambda: min(refusals()["relay"], refusals()["auth-service.test"]) >= 3)
        pace = max(refusals().values()) / (time.monotonic() - began)
        await asyncio.gather(relay.stop(), consumer.stop())
    await pool.close()
    assert pace < 10
    events = {log["event"] for log in logs}
    assert not events & {"relay.outage", "relay.failed", "consumer.rebuild"}


async def test_nobody_comes_in_plain(system: Stack) -> None:
    plain = KafkaAccess(system.kafka_access().bootstrap)
    consumer = new_consumer(plain, "g", "i", session_timeout=SESSION)
    with pytest.raises(KafkaConnectionError):
        await consumer.start()
    await close_consumer(consumer)
