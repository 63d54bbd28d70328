"""Many outages of every kind under load; at length by `make outages`."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from common.contracts.catalog import CatalogUpdated
from common.messaging.consumer import Consumer
from common.messaging.outbox import add_events
from common.messaging.records import Subscription
from common.messaging.relay import Relay
from common.postgres.unit_of_work import unit_of_work
from stack.kafka import EmbeddedKafka
from stack.ports import LOOPBACK, free_port
from stack.testing import eventually

from .backbone_harness import Harness, product
from .backbone_process import on_catalog_updated_and_publish, published_products

LENGTHS = {"short": (2, 1.0, 3.0), "long": (60, 1.0, 60.0)}
"""How many outages, and how long they last at least and at most, in seconds. The kinds that the
short form leaves out are in `test_common_kafka_outage.py`."""
BACK_WITHIN = 90.0
EVENTS_A_SECOND = 50
CONNECTS_A_SECOND_AT_MOST = 100
"""Of a consumer and a producer together; without a pause it is thousands."""


class Broker:
    """A broker that goes away and comes back, at either of two addresses."""

    def __init__(self, folder: Path) -> None:
        self._ports = (free_port(), free_port())
        self._kafka = EmbeddedKafka(folder / "kafka", folder / "kafka.log", port=self._ports[0])
        self.start, self.stop = self._kafka.start, self._kafka.stop

    @property
    def bootstrap(self) -> str:
        """Both addresses, as an installation of several brokers gives them."""
        return ",".join(f"{LOOPBACK}:{port}" for port in self._ports)

    async def refused(self, lasts: float) -> None:
        """It ends in good order and is away: connections are refused."""
        await self._kafka.stop()
        await passed(lasts)
        await self._kafka.start()

    async def killed(self, lasts: float) -> None:
        """It dies, and recovers its log when it comes back."""
        await self._kafka.kill()
        await self._kafka.stop()  # or it would come back by itself
        await passed(lasts)
        await self._kafka.start()

    async def suspended(self, lasts: float) -> None:
        """It keeps its connections and does not answer."""
        await self._kafka.process.suspend()
        await passed(lasts)
        self._kafka.process.resume()

    async def restarted(self, lasts: float) -> None:
        """A fresh process on the same address and data, twice, the first for a while."""
        await self._kafka.restart()
        await passed(lasts)
        await self._kafka.restart()

    async def moved(self, lasts: float) -> None:
        """It comes back at its other address."""
        await self._kafka.stop()
        await passed(lasts)
        self._kafka.port = next(port for port in self._ports if port != self._kafka.port)
        await self._kafka.start()


async def passed(seconds: float) -> None:
    await asyncio.sleep(seconds)  # rule: sleep-in-test - the outage's own length


@pytest.fixture(scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Broker]:
    made = Broker(tmp_path_factory.mktemp("broker"))
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture(scope="module")
def kafka_bootstrap(broker: Broker) -> str:
    return broker.bootstrap


@pytest.fixture
async def consumer(harness: Harness) -> AsyncIterator[Consumer]:
    made = Consumer(
        harness.pool,
        harness.bootstrap,
        "test.sources",
        [Subscription(CatalogUpdated, on_catalog_updated_and_publish)],
        instance_id="outages",
        topic_prefix=harness.prefix,
        session_timeout=timedelta(seconds=6),
        max_batch_records=50,
    )
    relay = Relay(harness.url, harness.bootstrap, service="test", topic_prefix=harness.prefix)
    made.start()
    relay.start()
    yield made
    await made.stop()
    await relay.stop()


@asynccontextmanager
async def load(harness: Harness, sent: list[str]) -> AsyncIterator[None]:
    """Events all the while, whether the broker is there or not."""

    is_over = asyncio.Event()

    async def send() -> None:
        while not is_over.is_set():
            number = len(sent)
            async with unit_of_work(harness.pool) as connection:
                await add_events(connection, [product(f"p{number}")], source="/shop-system")
            sent.append(f"p{number}")
            await passed(1 / EVENTS_A_SECOND)

    sending = asyncio.create_task(send())
    yield
    is_over.set()
    await sending


@pytest.mark.timeout(7_200)
async def test_after_every_outage_nothing_waits_and_nobody_had_to_help(
    harness: Harness,
    broker: Broker,
    consumer: Consumer,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    number, shortest, longest = LENGTHS[pytestconfig.getoption("--length")]
    seed = int(os.environ.get("OUTAGES_SEED", random.randrange(1_000_000)))
    chosen = random.Random(seed)
    kinds: list[Callable[[float], Awaitable[None]]] = [
        broker.moved, broker.restarted, broker.refused, broker.killed, broker.suspended,
    ]  # fmt: skip
    sent: list[str] = []
    recovered: list[float] = []
    played: Counter[str] = Counter()
    eagerness: list[float] = []
    for round_number in range(number):
        outage = kinds[round_number % len(kinds)]
        away = time.monotonic()
        async with load(harness, sent):
            await outage(chosen.uniform(shortest, longest))
        began = time.monotonic()

        async def nothing_waits() -> bool:
            seen = await harness.count("seen") == len(sent)
            return seen and consumer.is_ready and await harness.count("outbox") == 0

        await eventually(nothing_waits, within=BACK_WITHIN)
        recovered.append(time.monotonic() - began)
        tried = sum("Unable connect" in record.msg for record in caplog.records)
        eagerness.append(tried / (time.monotonic() - away))
        caplog.clear()
        played[outage.__name__] += 1
    rows = await harness.fetch("SELECT product_id, times FROM seen")
    assert {row["product_id"] for row in rows} == set(sent)
    assert await published_products(harness) == set(sent)
    assert max(eagerness) < CONNECTS_A_SECOND_AT_MOST
    # An acknowledgement that an outage took is waited for in vain: the relay publishes again, under
    # the same id, and whoever reads it goes by the version.
    repeated = sum(row["times"] > 1 for row in rows)
    average, slowest, eager = sum(recovered) / number, max(recovered), max(eagerness)
    record_property(
        "summary",
        f"seed {seed}: {number} outages {dict(played)}, {len(sent)} events ({repeated} published"
        f" twice), lag zero after {average:.1f} s on average and {slowest:.1f} s at most,"
        f" {eager:.0f} attempts to connect a second at most",
    )
