"""The consumer and the relay behind a bad network to Kafka."""

from datetime import timedelta

import pytest
from backbone_bed import Bed, product, until
from backbone_process import on_catalog_updated_and_tell, told_products

from common.contracts.catalog import CatalogUpdated
from common.messaging.consumer import Consumer
from common.messaging.records import Subscription
from common.messaging.relay import Relay
from stack.testing import ProxiedKafka

PRODUCTS = 60
"""Before the fault, and as many after it."""


@pytest.fixture(scope="module")
def kafka_bootstrap(proxied_kafka: ProxiedKafka) -> str:
    """The test's own hands reach the broker whatever happens."""
    return proxied_kafka.bootstrap


@pytest.mark.parametrize("fault", ["cut", "freeze", "drop answers"])
async def test_a_bad_network_to_kafka_costs_time_and_nothing_else(
    bed: Bed, proxied_kafka: ProxiedKafka, fault: str
) -> None:
    proxy = proxied_kafka.proxy
    consumer = Consumer(
        bed.pool,
        proxy.address,
        "test.sources",
        [Subscription(CatalogUpdated, on_catalog_updated_and_tell)],
        instance_id="behind",
        topic_prefix=bed.prefix,
        session_timeout=timedelta(seconds=6),
        max_batch_records=10,
    )
    relay = Relay(bed.url, proxy.address, topic_prefix=bed.prefix)
    consumer.start()
    relay.start()
    await bed.send(*(product(f"a{n}") for n in range(PRODUCTS)))
    await until(bed.table_has("seen", 10))
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
    await bed.send(*(product(f"b{n}") for n in range(PRODUCTS)))
    await until(has_struck)
    proxy.drop_answers(dropping=False)
    proxy.thaw()

    async def all_is_told() -> bool:
        return await bed.count("seen") == 2 * PRODUCTS and await bed.count("outbox") == 0

    await until(all_is_told, seconds=60)
    assert {row["times"] for row in await bed.fetch("SELECT times FROM seen")} == {1}
    assert await told_products(bed) == {f"{c}{n}" for c in "ab" for n in range(PRODUCTS)}
    await consumer.stop()
    await relay.stop()
