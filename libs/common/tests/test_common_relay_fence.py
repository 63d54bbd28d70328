"""A relay that lost the lock with a batch on its way."""

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from common.messaging.outbox import add_events
from common.messaging.relay import Relay
from common.postgres.unit_of_work import unit_of_work
from stack.testing import ProxiedKafka, eventually

from .backbone_harness import PARTITIONS, Harness, product


@pytest.fixture(scope="module")
def kafka_bootstrap(proxied_kafka: ProxiedKafka) -> str:
    """The test's own hands, and the successor, reach the broker whatever happens."""
    return proxied_kafka.bootstrap


async def test_a_batch_held_up_on_its_way_does_not_overtake_the_successors(
    harness: Harness, proxied_kafka: ProxiedKafka
) -> None:
    """The last record of a key in the log is its newest: that is all a compacted topic keeps."""
    proxy = proxied_kafka.proxy
    late = Relay(harness.url, proxy.address, service="test", topic_prefix=harness.prefix)
    late.start()
    await _add(harness, "first")
    await eventually(lambda: _outbox_has(harness, 0))
    proxy.freeze()
    await _add(harness, "second")

    async def is_on_its_way() -> bool:
        return proxy.bytes_held_back > 0

    await eventually(is_on_its_way)
    successor = Relay(
        harness.url, proxied_kafka.bootstrap, service="test", topic_prefix=harness.prefix
    )
    successor.start()
    await harness.cut_relay_off()
    await eventually(lambda: _outbox_has(harness, 0))
    await _add(harness, "third")
    await eventually(lambda: _outbox_has(harness, 0))

    proxy.thaw()

    async def has_noticed() -> bool:
        return not late.is_active

    await eventually(has_noticed)
    assert (await _published(harness))[-1] == "third"
    await successor.stop()
    await late.stop()


async def _add(harness: Harness, name: str) -> None:
    async with unit_of_work(harness.pool) as connection:
        await add_events(connection, [product("one", name=name)], source="/test")


async def _outbox_has(harness: Harness, rows: int) -> bool:
    return await harness.count("outbox") == rows


async def _published(harness: Harness) -> list[str]:
    """The names in the log's order; the product's partition is the only one used."""
    reader = AIOKafkaConsumer(bootstrap_servers=harness.bootstrap, auto_offset_reset="earliest")
    await reader.start()
    partitions = [TopicPartition(harness.prefix + "catalog.updated", n) for n in range(PARTITIONS)]
    reader.assign(partitions)
    ends = await reader.end_offsets(partitions)
    names = []
    while any([await reader.position(place) < end for place, end in ends.items()]):
        for batch in (await reader.getmany(timeout_ms=200)).values():
            names += [r.value.split(b'"name":"')[1].split(b'"')[0].decode() for r in batch]
    await reader.stop()
    return names
