"""The consumer and the relay while their broker is away for longer than a request may take."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any
from weakref import WeakSet

import pytest
from aiokafka.errors import KafkaError

from common.contracts.catalog import CatalogUpdated
from common.messaging import clients
from common.messaging.consumer import Consumer
from common.messaging.outbox import add_events
from common.messaging.records import Subscription
from common.messaging.relay import Relay
from common.postgres.unit_of_work import unit_of_work
from stack.kafka import EmbeddedKafka, serves
from stack.ports import LOOPBACK
from stack.testing import eventually

from .backbone_harness import Harness, product
from .backbone_process import on_catalog_updated_and_publish, published_products

PRODUCTS = 60
"""Before the outage, and as many during it."""
SHORTER = 4.0
"""In the short form requests may take, and outages last, so many times less time."""
BACK_WITHIN = timedelta(seconds=60)


@pytest.fixture(scope="module")
def kafka_bootstrap(broker: EmbeddedKafka) -> str:
    return broker.bootstrap


@asynccontextmanager
async def killed_and_refused(kafka: EmbeddedKafka, shorter: float) -> AsyncIterator[None]:
    """Another process with the same data comes back at the same address."""
    await kafka.kill()
    await kafka.stop()  # or it would come back by itself
    yield
    await stays_silent(kafka, timedelta(seconds=20) / shorter)
    await kafka.start()


@asynccontextmanager
async def suspended(kafka: EmbeddedKafka, shorter: float) -> AsyncIterator[None]:
    """Connections stay open and are not answered; a request may take 15 seconds."""
    await kafka.process.suspend()
    yield
    await stays_silent(kafka, timedelta(seconds=17) / shorter)
    kafka.process.resume()


async def stays_silent(kafka: EmbeddedKafka, lasts: timedelta) -> None:
    ends_at = time.monotonic() + lasts.total_seconds()
    while time.monotonic() < ends_at:
        assert not await serves(LOOPBACK, kafka.port)
        await asyncio.sleep(0.2)


Tasks = WeakSet[asyncio.Task[Any]]
_made_here: ContextVar[Tasks | None] = ContextVar("made_here", default=None)


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    """What is made, directly or by each other, from where `_made_here` is set to it. Clients that
    tests of this worker share make others meanwhile."""

    def make(
        loop: asyncio.AbstractEventLoop,
        call: Generator[Any, None, Any] | Coroutine[Any, Any, Any],
        **named: Any,
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(call, loop=loop, **named)
        if (made := _made_here.get()) is not None:
            made.add(task)
        return task

    loop = asyncio.get_running_loop()
    loop.set_task_factory(make)
    yield WeakSet()
    loop.set_task_factory(None)


def of_clients(tasks: Tasks) -> list[asyncio.Task[Any]]:
    """Those of them that are not done and are a Kafka client's."""
    return [
        task for task in tasks if not task.done() and "/aiokafka/" in str(task.get_stack(limit=1))
    ]


@pytest.mark.parametrize("outage", [killed_and_refused, suspended])
async def test_after_an_outage_the_consumer_is_ready_and_nothing_waits(
    harness: Harness,
    broker: EmbeddedKafka,
    outage: Callable[[EmbeddedKafka, float], AbstractAsyncContextManager[None]],
    tasks: Tasks,
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shorter = 1.0 if pytestconfig.getoption("--length") == "long" else SHORTER
    for name in ("CONSUMER_ANSWERED_WITHIN", "PRODUCER_ANSWERED_WITHIN"):
        monkeypatch.setattr(clients, name, getattr(clients, name) / shorter)
    _made_here.set(tasks)
    consumer = Consumer(
        harness.pool,
        broker.bootstrap,
        "test.sources",
        [Subscription(CatalogUpdated, on_catalog_updated_and_publish)],
        instance_id="outage",
        topic_prefix=harness.prefix,
        session_timeout=timedelta(seconds=max(6 / shorter, 2)),
        max_batch_records=10,
    )
    relay = Relay(harness.url, broker.bootstrap, service="test", topic_prefix=harness.prefix)
    consumer.start()
    relay.start()
    await harness.send(*(product(f"a{n}") for n in range(PRODUCTS)))
    await eventually(harness.table_has("seen", 10))

    async with outage(broker, shorter), unit_of_work(harness.pool) as connection:
        events = [product(f"b{n}") for n in range(PRODUCTS)]
        await add_events(connection, events, source="/shop-system")

    async def is_caught_up() -> bool:
        seen = await harness.count("seen") == 2 * PRODUCTS
        return consumer.is_ready and seen and await harness.count("outbox") == 0

    await eventually(is_caught_up, within=BACK_WITHIN.total_seconds())
    assert {row["times"] for row in await harness.fetch("SELECT times FROM seen")} == {1}
    assert await published_products(harness) == {f"{c}{n}" for c in "ab" for n in range(PRODUCTS)}
    await consumer.stop()
    await relay.stop()
    await harness.producer.stop()

    await eventually(lambda: of_clients(tasks) == [])


async def test_a_producer_that_waits_for_metadata_is_thrown_away_whole(
    harness: Harness, broker: EmbeddedKafka, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "PRODUCER_ANSWERED_WITHIN", timedelta(seconds=1))
    monkeypatch.setattr(clients, "STOP_WITHIN", timedelta(seconds=0.1))
    topic = harness.prefix + CatalogUpdated.topic
    _made_here.set(tasks)
    producer = clients.new_producer(broker.bootstrap)
    await producer.start()
    await producer.send_and_wait(topic, b"before")
    try:
        await broker.process.suspend()
        record = await producer.send(topic, b"during")
        await eventually(lambda: producer.client._md_update_fut is not None)
        await clients.close_producer(producer)
    finally:
        broker.process.resume()
    with pytest.raises(KafkaError, match="thrown away"):
        await record

    await eventually(lambda: of_clients(tasks) == [])
