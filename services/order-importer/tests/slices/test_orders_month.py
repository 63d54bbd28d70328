"""A month of orders: database and AliExpress one to one, and each change published once."""

import os
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer

from common.contracts.order import Order, OrderReceived, OrderShipped, OrderUpdated
from common.messaging.create_topics import create_topics
from common.messaging.relay import Relay
from stack.testing import eventually

from ..orders_facts import plain
from ..orders_harness import Harness
from ..orders_month import DEADLINE, Month, Size

SIZES = {
    "short": Size(orders=80, steps=7, importers=4, acts=30, acts_an_import=10),
    "long": Size(orders=5_000, steps=30, importers=16, acts=300, acts_an_import=60),
}
"""`MONTH_SEED` runs a month again, `MONTH_ORDERS` sets another number of orders."""

Facts = OrderReceived | OrderUpdated | OrderShipped


async def published(bootstrap: str, prefix: str) -> dict[str, list[Facts]]:
    """Every fact about orders in Kafka, by topic, each order's in the order it was written."""
    found: dict[str, list[Facts]] = {}
    for event in (OrderReceived, OrderUpdated, OrderShipped):
        found[event.topic] = await _records(bootstrap, prefix + event.topic, event)
    return found


async def _records(bootstrap: str, topic: str, event: type[Facts]) -> list[Facts]:
    reader = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None
    )
    await reader.start()
    try:
        ends = await reader.end_offsets(list(reader.assignment()))
        records: list[Facts] = []
        while any([await reader.position(place) < end for place, end in ends.items()]):
            for batch in (await reader.getmany(timeout_ms=200)).values():
                records += [msgspec.json.decode(one.value, type=event) for one in batch]
        return records
    finally:
        await reader.stop()


def lasting(order: Order) -> Order:
    """The order without what changes by itself."""
    return msgspec.structs.replace(order, modified_at=order.placed_at, ship_before=None)


def require_each_change_once(facts: dict[str, list[Facts]]) -> dict[str, Order]:
    """Received once, revisions rising, no content twice in a row; the last content per order."""
    contents: dict[str, list[tuple[int, Order]]] = defaultdict(list)
    for received in facts["order.received"]:
        assert received.order.order_id not in contents, "received once"
        contents[received.order.order_id].append((received.revision, received.order))
    for updated in facts["order.updated"]:
        contents[updated.order.order_id].append((updated.revision, updated.order))
    for order_id, versions in contents.items():
        revisions = [revision for revision, _ in versions]
        assert revisions == sorted(set(revisions)), order_id
        for (_, before), (_, after) in pairwise(versions):
            assert lasting(before) != lasting(after), f"{order_id} was published twice the same"
    return {order_id: versions[-1][1] for order_id, versions in contents.items()}


def require_each_parcel_once(facts: dict[str, list[Facts]], last: dict[str, Order]) -> int:
    """Every parcel that AliExpress has or had was published as shipped once; how many."""
    shipped = [
        (event.order.order_id, event.shipment_id)
        for event in facts["order.shipped"]
        if isinstance(event, OrderShipped)
    ]
    known = {
        (order_id, parcel.shipment_id)
        for order_id, order in last.items()
        for parcel in order.parcels
        if parcel.state == "confirmed"
    }
    assert sorted(shipped) == sorted(known)
    return len(shipped)


@pytest.mark.timeout(0)
async def test_a_month_of_orders(
    harness: Harness,
    kafka_bootstrap: str,
    topic_prefix: str,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    size = SIZES[pytestconfig.getoption("--length")]
    size = replace(size, orders=int(os.environ.get("MONTH_ORDERS", size.orders)))
    month = Month(harness, size, int(os.environ.get("MONTH_SEED", random.randrange(10**6))))
    await create_topics(kafka_bootstrap, topic_prefix, partitions=1)
    relay = Relay(
        harness.database_url, kafka_bootstrap, service="order-importer", topic_prefix=topic_prefix
    )
    relay.start()
    try:
        await month.run()
        shown = await month.orders_here()
        await month.require_same(shown)

        async def is_published() -> bool:
            waiting: int = await harness.pool.fetchval("SELECT count(*) FROM outbox")
            return waiting == 0

        await eventually(is_published, within=60)
    finally:
        await relay.stop()
    facts = await published(kafka_bootstrap, topic_prefix)
    last = require_each_change_once(facts)
    parcels = require_each_parcel_once(facts, last)
    latest = {order_id: plain(order) for order_id, order in last.items()}
    await month.require_same(latest, but_for=[DEADLINE])
    updates = len(facts["order.updated"])
    record_property(
        "summary",
        f"MONTH_SEED={month.seed}: {len(shown)} orders, {updates} changes, {parcels} parcels,"
        f" {dict(month.done)}",
    )
