"""The consumer behind a bad network to Postgres."""

from collections.abc import AsyncIterator

import pytest

from common.postgres.pool import open_pool
from stack.testing import FaultProxy, eventually, proxy_to

from .backbone_harness import Harness, product


@pytest.fixture
async def proxy(harness: Harness) -> AsyncIterator[FaultProxy]:
    async with proxy_to(harness.url) as made:
        yield made


def break_network(proxy: FaultProxy, fault: str) -> None:
    match fault:
        case "cut":
            proxy.cut()
        case "freeze":
            proxy.freeze()
        case "drop answers":
            proxy.drop_answers()


@pytest.mark.parametrize("fault", ["cut", "freeze", "drop answers"])
async def test_a_bad_network_to_postgres_costs_time_and_nothing_else(
    harness: Harness, proxy: FaultProxy, fault: str
) -> None:
    behind = await open_pool(proxy.reroute(harness.url), max_size=4)
    consumer = harness.consumer(max_batch_records=10, pool=behind)
    consumer.start()
    await harness.send(*(product(f"a{n}") for n in range(60)))
    await eventually(harness.table_has("seen", 60))

    async def is_in_a_batch() -> bool:
        return bool(
            await harness.fetch(
                "SELECT FROM pg_locks WHERE NOT granted AND relation = 'seen'::regclass"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )

    async def has_struck() -> bool:
        return proxy.connections_cut > 0 or proxy.bytes_held_back > 0

    async with harness.pool.acquire() as other, other.transaction():
        await other.execute("LOCK TABLE seen IN EXCLUSIVE MODE")
        await harness.send(*(product(f"b{n}") for n in range(60)))
        await eventually(is_in_a_batch)
        break_network(proxy, fault)
    await eventually(has_struck)
    proxy.drop_answers(dropping=False)
    proxy.thaw()
    await eventually(harness.table_has("seen", 120))
    assert {row["times"] for row in await harness.fetch("SELECT times FROM seen")} == {1}
    await consumer.stop()
    behind.terminate()


async def test_while_postgres_is_away_kafka_is_shown_nothing(
    harness: Harness, proxy: FaultProxy
) -> None:
    behind = await open_pool(proxy.reroute(harness.url), max_size=4)
    consumer = harness.consumer(max_batch_records=10, pool=behind)
    consumer.start()
    await harness.send(*(product(f"a{n}") for n in range(10)))
    await eventually(harness.table_has("seen", 10))
    proxy.freeze()
    await harness.send(*(product(f"b{n}") for n in range(60)))

    async def is_held() -> bool:
        return proxy.bytes_held_back > 0

    await eventually(is_held)
    await consumer.stop()
    stored = await harness.pool.fetchval("SELECT sum(next_offset) FROM consumer_position")
    assert await harness.shown() <= stored == 10
    proxy.thaw()
    behind.terminate()
