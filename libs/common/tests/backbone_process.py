"""The harness's consumer and relay as a process of their own, to be killed at a failpoint.

Every product that takes effect is also published as a `shop.state`, through the outbox.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition

from common.contracts.catalog import CatalogUpdated
from common.contracts.shop import ShopState
from common.messaging.consumer import Consumer
from common.messaging.outbox import add_events
from common.messaging.records import Delivery, NotApplied, Subscription
from common.messaging.relay import Relay
from common.postgres.pool import Connection, open_pool

from .backbone_harness import Harness, on_catalog_updated


async def on_catalog_updated_and_publish(
    connection: Connection, deliveries: Sequence[Delivery[CatalogUpdated]]
) -> Sequence[NotApplied]:
    not_applied = await on_catalog_updated(connection, deliveries)
    refused = {id(failure.record) for failure in not_applied}
    published = [
        ShopState(
            merchant_id=delivery.event.merchant_id,
            shop_id=delivery.event.product_id,
            revision=1,
            is_eligible=True,
            connection="connected",
            generation=1,
        )
        for delivery in deliveries
        if id(delivery.record) not in refused
    ]
    await add_events(connection, published, source="/backbone")
    return not_applied


async def published_products(harness: Harness) -> set[str]:
    """The products that were published."""
    topic = harness.prefix + "shop.state"
    reader = AIOKafkaConsumer(bootstrap_servers=harness.bootstrap, auto_offset_reset="earliest")
    await reader.start()
    partitions = [TopicPartition(topic, n) for n in reader.partitions_for_topic(topic) or ()]
    if not partitions:
        partitions = [TopicPartition(topic, n) for n in range(3)]
    reader.assign(partitions)
    ends = await reader.end_offsets(partitions)
    published: set[str] = set()
    async with asyncio.timeout(20):
        while any([await reader.position(p) < ends[p] for p in partitions]):
            for batch in (await reader.getmany(timeout_ms=200)).values():
                published |= {record.key.decode().split("/")[1] for record in batch}
    await reader.stop()
    return published


async def main(url: str, bootstrap: str, prefix: str) -> None:
    pool = await open_pool(url)
    consumer = Consumer(
        pool,
        bootstrap,
        "test.sources",
        [Subscription(CatalogUpdated, on_catalog_updated_and_publish)],
        instance_id="process",
        topic_prefix=prefix,
        session_timeout=timedelta(seconds=6),
        max_batch_records=25,
    )
    relay = Relay(url, bootstrap, service="test", topic_prefix=prefix)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    consumer.start()
    relay.start()
    await stopping.wait()
    await consumer.stop()
    await relay.stop()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
