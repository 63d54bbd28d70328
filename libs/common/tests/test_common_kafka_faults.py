"""The consumer and the relay behind a bad network to Kafka."""

from datetime import timedelta

import pytest

from common.contracts.catalog import CatalogUpdated
from common.messaging.consumer import Consumer
from common.messaging.records import Subscription
from common.messaging.relay import Relay
from stack.testing import ProxiedKafka, eventually

from .backbone_harness import Harness, product
from .backbone_process import on_catalog_updated_and_publish, published_products

PRODUCTS = 60
"""Before the fault, and as many after it."""


@pytest.fixture(scope="module")
def kafka_bootstrap(proxied_kafka: ProxiedKafka) -> str:
    """The test's own hands reach the broker whatever happens."""
    return proxied_kafka.bootstrap


@pytest.mark.parametrize("fault", ["cut", "freeze", "drop answers"])
async def test_a_bad_network_to_kafka_costs_time_and_nothing_else(
    harness: Harness, proxied_kafka: ProxiedKafka, fault: str
) -> None:
    proxy = proxied_kafka.proxy
    consumer = Consumer(
        harness.pool,
        proxy.address,
        "test.sources",
        [Subscription(CatalogUpdated, on_catalog_updated_and_publish)],
        instance_id="behind",
        topic_prefix=harness.prefix,
        session_timeout=timedelta(seconds=6),
        max_batch_records=10,
    )
    relay = Relay(harness.url, proxy.address, service="test", topic_prefix=harness.prefix)
    consumer.start()
    relay.start()
    await harness.send(*(product(f"a{n}") for n in range(PRODUCTS)))
    await eventually(harness.table_has("seen", 10))
    cut, held = proxy.connections_cut, proxy.bytes_held_back

    async def has_struck() -> bool:
        return proxy.connections_cut > cut + 1 or proxy.bytes_held_back > held

    match fault:
        case "cut":
            proxy.cut()
        case "freeze":
            proxy.freeze()
        case "drop answers":
            proxy.drop_answers()
    await harness.send(*(product(f"b{n}") for n in range(PRODUCTS)))
    await eventually(has_struck)
    proxy.drop_answers(dropping=False)
    proxy.thaw()

    async def all_is_told() -> bool:
        return await harness.count("seen") == 2 * PRODUCTS and await harness.count("outbox") == 0

    await eventually(all_is_told, within=60)
    assert {row["times"] for row in await harness.fetch("SELECT times FROM seen")} == {1}
    assert await published_products(harness) == {f"{c}{n}" for c in "ab" for n in range(PRODUCTS)}
    await consumer.stop()
    await relay.stop()
