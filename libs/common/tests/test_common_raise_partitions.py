"""More partitions under a running system, on real Kafka and Postgres."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.catalog import CatalogUpdated
from common.contracts.topics import BY_NAME
from common.messaging import clients
from common.messaging.consumer import Consumer
from common.messaging.outbox import add_events
from common.messaging.raise_partitions import Lag, RaiseRefused, lags_of, raise_partitions
from common.messaging.records import Delivery, NotApplied, Subscription
from common.messaging.relay import Relay
from common.postgres.pool import Connection
from common.postgres.unit_of_work import unit_of_work
from stack.testing import eventually

from .backbone_harness import PARTITIONS, USED, Harness, product

KEYS = 40
RAISED = 7
TOPIC = BY_NAME["catalog.updated"]


async def in_order(
    connection: Connection, deliveries: Sequence[Delivery[CatalogUpdated]]
) -> Sequence[NotApplied]:
    """Notes each event of a product in the order they come in."""
    await connection.executemany(
        "INSERT INTO taken (product_id, number, partition) VALUES ($1, $2, $3)",
        [
            (one.event.product_id, one.event.fields["number"], one.record.partition)
            for one in deliveries
        ],
    )
    return []


def reader(harness: Harness, instance: str = "one") -> Consumer:
    consumer = Consumer(
        harness.pool,
        harness.bootstrap,
        "catalog-service.sources",
        [Subscription(CatalogUpdated, in_order)],
        instance_id=instance,
        topic_prefix=harness.prefix,
        session_timeout=timedelta(seconds=6),
        max_batch_records=100,
    )
    harness.consumers.append(consumer)
    return consumer


@pytest.fixture
async def taken(harness: Harness) -> None:
    await harness.execute_as_owner(
        """
        CREATE TABLE taken (
            place bigint GENERATED ALWAYS AS IDENTITY, product_id text, number int, partition int
        );
        GRANT ALL ON taken TO PUBLIC
        """
    )


async def publish(harness: Harness, numbers: range) -> None:
    for number in numbers:
        async with unit_of_work(harness.pool) as connection:
            events = [product(f"p{key}", number=number) for key in range(KEYS)]
            await add_events(connection, events, source="/test")


def has_taken(harness: Harness, each: int) -> Callable[[], Awaitable[bool]]:
    async def has() -> bool:
        distinct = "SELECT count(DISTINCT (product_id, number)) FROM taken"
        return bool(await harness.pool.fetchval(distinct) == KEYS * each)

    return has


async def raise_now(harness: Harness, *, drained_within: float = 30) -> list[str]:
    return await raise_partitions(
        harness.bootstrap,
        [harness.url],
        harness.prefix,
        partitions=RAISED,
        topics=[TOPIC],
        drained_within=timedelta(seconds=drained_within),
        silent_for=timedelta(seconds=1),
    )


async def partitions_of(harness: Harness) -> int:
    await harness.producer.client.force_metadata_update()
    return len(await harness.producer.partitions_for(harness.prefix + TOPIC.name))


async def test_events_of_a_key_stay_in_order_while_partitions_are_raised(
    harness: Harness, taken: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "METADATA_AGE", timedelta(seconds=2))
    relay = Relay(harness.url, harness.bootstrap, service="test", topic_prefix=harness.prefix)
    consumer = reader(harness)
    consumer.start()
    relay.start()
    await publish(harness, range(1))
    await eventually(has_taken(harness, 1))
    await consumer.stop()
    await publish(harness, range(1, 25))

    async def is_published() -> bool:
        return await harness.count("outbox") == 0

    await eventually(is_published)
    raising = asyncio.create_task(raise_now(harness))
    await publish(harness, range(25, 30))  # as services do: they know nothing of it
    await asyncio.wait([raising], timeout=3)  # the time it would be wrong in
    reader(harness).start()

    assert await raising == [harness.prefix + TOPIC.name]

    await publish(harness, range(30, 35))
    await eventually(has_taken(harness, 35), within=60)
    await relay.stop()
    rows = await harness.fetch("SELECT product_id, number, partition FROM taken ORDER BY place")
    moved = 0
    for key in range(KEYS):
        of_key = [row for row in rows if row["product_id"] == f"p{key}"]
        numbers = [row["number"] for row in of_key]
        assert numbers == sorted(numbers)
        moved += of_key[0]["partition"] != of_key[-1]["partition"]
    assert moved > KEYS // 4


async def test_while_records_are_unread_nothing_is_raised(harness: Harness, taken: None) -> None:
    consumer = reader(harness)
    consumer.start()
    await harness.send(product("a", number=0))
    await eventually(harness.table_has("taken", 1))
    await consumer.stop()
    await harness.send(product("a", number=1))
    refusal = r"still to be read \(.*catalog-service.sources on .*catalog.updated: 1\)"
    with pytest.raises(RaiseRefused, match=refusal):
        await raise_now(harness, drained_within=1)
    assert await partitions_of(harness) == PARTITIONS


async def test_while_a_foreign_producer_writes_nothing_is_raised(
    harness: Harness, taken: None
) -> None:
    reader(harness).start()
    await harness.send(product("a", number=0))
    await eventually(harness.table_has("taken", 1))
    raising = asyncio.create_task(raise_now(harness))
    number = 0
    while not raising.done():
        number += 1
        await harness.send(product("a", number=number))
    with pytest.raises(RaiseRefused, match="written to, by others"):
        await raising
    assert await partitions_of(harness) == PARTITIONS


async def test_a_service_whose_database_is_not_given_is_named(harness: Harness) -> None:
    with pytest.raises(RaiseRefused, match=r"position of catalog-service on catalog\.updated"):
        await raise_now(harness)
    assert await partitions_of(harness) == PARTITIONS


async def test_a_relay_goes_on_after_a_refusal(harness: Harness, taken: None) -> None:
    relay = Relay(harness.url, harness.bootstrap, service="test", topic_prefix=harness.prefix)
    relay.start()

    async def is_active() -> bool:
        return relay.is_active

    await eventually(is_active)
    with pytest.raises(RaiseRefused):
        await raise_now(harness)
    await publish(harness, range(1))
    reader(harness).start()
    await eventually(has_taken(harness, 1))
    await relay.stop()


async def test_topics_of_as_many_partitions_are_left(harness: Harness) -> None:
    raised = await raise_partitions(
        harness.bootstrap, [harness.url], harness.prefix, partitions=PARTITIONS, topics=USED
    )
    assert raised == []


async def test_a_missing_topic_is_named(harness: Harness) -> None:
    with pytest.raises(RaiseRefused, match="no topic no-such"):
        await raise_partitions(harness.bootstrap, [harness.url], "no-such.", partitions=RAISED)


async def test_the_command_line_names_what_is_wrong() -> None:
    words = ["kafka:1", "--partitions", "9", "--databases", "NO_SUCH_DATABASE_URL"]
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "common.messaging.raise_partitions", *words),
        stderr=asyncio.subprocess.PIPE,
    )
    _, error = await command.communicate()
    assert command.returncode == 2
    assert b"no such environment variable: NO_SUCH_DATABASE_URL" in error


@given(st.dictionaries(st.integers(0, 5), st.integers(0, 50), max_size=6), st.integers(0, 9))
def test_unread_records_are_counted_from_the_position_or_else_the_beginning(
    positions: dict[int, int], begin: int
) -> None:
    ends = {TopicPartition("t", number): 50 for number in range(6)}
    begins = dict.fromkeys(ends, begin)
    unread = sum(50 - positions.get(number, begin) for number in range(6))
    assert lags_of({("g", "t"): positions}, begins, ends) == (
        [Lag("g", "t", unread)] if unread else []
    )
