"""What is true from outside: the invariants, read from Kafka's log and the services' databases."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from common.contracts.catalog import CatalogUpdated
from common.contracts.product import ProductNormalized

from .traffic import CATALOGUE, FAMILY_SIZE, MERCHANT, Traffic

CATALOG_GROUP = "catalog-service.sources"
PUBLISHER_GROUP = "feed-publisher.desired"
OUTAGES = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # its connection was cut in the middle of a statement
    KafkaError,
)


async def query(url: str, sql: str, *arguments: object) -> list[Any]:
    """Rows, on a connection of their own."""
    connection = await asyncpg.connect(url, timeout=5)
    try:
        return list(await connection.fetch(sql, *arguments))
    finally:
        await connection.close(timeout=5)


@dataclass
class Watcher:
    """Samples, all through the storm, what must hold at every moment."""

    bootstrap: str
    databases: dict[str, str]
    groups: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {
            CATALOG_GROUP: ("catalog", CatalogUpdated.topic),
            PUBLISHER_GROUP: ("publisher", ProductNormalized.topic),
        }
    )
    samples: int = 0
    ahead: list[str] = field(default_factory=list)

    async def run(self, is_over: asyncio.Event) -> None:
        """Sample until the storm is over; an outage is only a missing sample.

        It is not cancelled: aiokafka swallows a cancellation while it stops a client.
        """
        while not is_over.is_set():
            try:
                await self.sample()
            except OUTAGES:
                await asyncio.sleep(0.5)
            await asyncio.sleep(0.3)

    async def sample(self) -> None:
        """The positions committed to Kafka, then the stored ones, which must not be behind."""
        for group, (database, topic) in self.groups.items():
            in_kafka = await committed(self.bootstrap, group, topic)
            stored = await positions(self.databases[database], group, topic)
            self.ahead += [
                f"{group} {topic}/{partition}: in Kafka {offset}, stored {stored.get(partition, 0)}"
                for partition, offset in in_kafka.items()
                if offset > stored.get(partition, 0)
            ]
        self.samples += 1


async def committed(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    """The group's positions that were committed to Kafka."""
    async with reader(bootstrap, group_id=group) as client:
        partitions = await partitions_of(client, topic)
        found = {p.partition: await client.committed(p) for p in partitions}
    return {partition: offset for partition, offset in found.items() if offset is not None}


async def positions(database: str, group: str, topic: str) -> dict[int, int]:
    """The stored positions."""
    rows = await query(
        database,
        """SELECT partition, next_offset FROM consumer_position
        WHERE consumer_group = $1 AND topic = $2""",
        group,
        topic,
    )
    return {row["partition"]: row["next_offset"] for row in rows}


class reader:  # noqa: N801 - a context manager
    """A client that reads without taking part in anything."""

    def __init__(self, bootstrap: str, **settings: Any) -> None:
        self._client = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            request_timeout_ms=5_000,
            **settings,
        )

    async def __aenter__(self) -> AIOKafkaConsumer:
        try:
            await asyncio.wait_for(self._client.start(), 10)
        except BaseException:
            await self._stop()
            raise
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _stop(self) -> None:
        try:
            await asyncio.wait_for(self._client.stop(), 5)
        except TimeoutError:
            return


async def partitions_of(client: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    """The topic's partitions, once the client knows them."""
    async with asyncio.timeout(15):
        while True:
            metadata = await client._client.fetch_all_metadata()
            numbers = metadata.partitions_for_topic(topic)
            if numbers:
                return [TopicPartition(topic, number) for number in sorted(numbers)]


async def end_offsets(bootstrap: str, topic: str) -> dict[int, int]:
    """Where the log ends, by partition."""
    async with reader(bootstrap) as client:
        ends = await client.end_offsets(await partitions_of(client, topic))
    return {partition.partition: end for partition, end in ends.items()}


async def newest_records(bootstrap: str, topic: str) -> dict[str, dict[str, Any]]:
    """The newest value of each key of a state topic."""
    async with reader(bootstrap, auto_offset_reset="earliest") as client:
        partitions = await partitions_of(client, topic)
        client.assign(partitions)
        ends = await client.end_offsets(partitions)
        newest: dict[str, dict[str, Any]] = {}
        async with asyncio.timeout(60):
            while any([await client.position(p) < ends[p] for p in partitions]):
                for batch in (await client.getmany(timeout_ms=200)).values():
                    for record in batch:
                        newest[record.key.decode()] = json.loads(record.value)
    return newest


async def work_in_flight(bootstrap: str, catalog: str, publisher: str, sent: int) -> int:
    """Records not yet taken, families not yet evaluated and events not yet published. Families that
    wait for a category's schema count: after an outage in mid-fetch until its lease ends."""
    taken = sum((await positions(catalog, CATALOG_GROUP, CatalogUpdated.topic)).values())
    waiting = (
        await query(
            catalog,
            """SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM family_mark)
                + (SELECT count(*) FROM family_wait) AS n""",
        )
    )[0]["n"]
    ends = await end_offsets(bootstrap, ProductNormalized.topic)
    stored = await positions(publisher, PUBLISHER_GROUP, ProductNormalized.topic)
    return sent - taken + int(waiting) + sum(ends.values()) - sum(stored.values())


async def violations(traffic: Traffic, bootstrap: str, catalog: str, publisher: str) -> list[str]:
    """Whatever is not as it must be once all is quiet; empty when the promise was kept."""
    found = await _source_violations(traffic, catalog)
    found += await _dead_letter_violations(traffic, catalog)
    for database, group, topic in (
        (catalog, CATALOG_GROUP, CatalogUpdated.topic),
        (publisher, PUBLISHER_GROUP, ProductNormalized.topic),
    ):
        ends = await end_offsets(bootstrap, topic)
        stored = await positions(database, group, topic)
        if {p: end for p, end in ends.items() if end} != {p: o for p, o in stored.items() if o}:
            found.append(f"{group}: positions {stored}, the log ends at {ends}")
    found += await _desired_violations(traffic, bootstrap, publisher)
    return found


async def _source_violations(traffic: Traffic, catalog: str) -> list[str]:
    rows = await query(
        catalog,
        """SELECT product_id, version, is_deleted, fields FROM source_product
        WHERE merchant_id = $1 AND catalogue_id = $2""",
        MERCHANT,
        CATALOGUE,
    )
    stored = {row["product_id"]: row for row in rows}
    found = [f"{product}: stored but never sent" for product in stored.keys() - traffic.newest]
    for product, event in traffic.newest.items():
        row = stored.get(product)
        if row is None:
            found.append(f"{product}: lost")
        elif row["version"] != event.version:
            found.append(f"{product}: version {row['version']}, sent {event.version}")
        elif row["is_deleted"] != (event.action == "delete"):
            found.append(f"{product}: deleted is {row['is_deleted']}")
        elif event.action == "upsert" and json.loads(row["fields"]) != event.fields:
            found.append(f"{product}: other fields than version {event.version} had")
    return found


async def _dead_letter_violations(traffic: Traffic, catalog: str) -> list[str]:
    rows = await query(catalog, "SELECT key, value, reason FROM dead_letter")
    poison = {(r.key, r.value or b"") for r in traffic.records if r.event is None}
    kept = [(row["key"], row["value"] or b"") for row in rows]
    found = [
        f"good record among the dead letters: {key}" for key, v in kept if (key, v) not in poison
    ]
    if len(kept) != len(set(kept)):
        found.append("a dead letter is there twice")
    if missing := poison - set(kept):
        found.append(f"{len(missing)} poison records are nowhere")
    parked = await query(catalog, "SELECT count(*) AS n FROM parked_event")
    if parked[0]["n"]:
        found.append(f"{parked[0]['n']} records are parked still")
    return found


async def _desired_violations(traffic: Traffic, bootstrap: str, publisher: str) -> list[str]:
    newest = await newest_records(bootstrap, ProductNormalized.topic)
    rows = await query(publisher, "SELECT family_id, revision, presence FROM desired_product")
    desired = {row["family_id"]: row for row in rows}
    found = []
    for key, record in newest.items():
        row = desired.get(record["family_id"])
        if row is None or row["revision"] != record["revision"]:
            found.append(f"{key}: the publisher has {row and row['revision']}")
    expected = _expected_offers(traffic)
    for family, offers in expected.items():
        state = newest.get(f"{MERCHANT}/storm/{family}")
        if state is None:
            found.append(f"{family}: never normalized")
            continue
        published = {
            offer["sku_code"]: (offer["price"], offer["inventory"])
            for offer in state.get("offers") or []
        }
        if published != offers:
            found.append(f"{family}: offers {published}, expected {offers}")
    return found


def _expected_offers(traffic: Traffic) -> dict[str, dict[str, tuple[str, int]]]:
    families: dict[str, dict[str, tuple[str, int]]] = {}
    for product, event in traffic.newest.items():
        number = int(product[1:])
        family = f"P{number - number % FAMILY_SIZE}"
        if family not in traffic.newest:
            continue  # its parent was never sent: reported on each child (M4.1)
        offers = families.setdefault(family, {})
        if number % FAMILY_SIZE and event.action == "upsert":
            offers[f"SKU-{number}"] = (str(event.fields["price"]), int(str(event.fields["stock"])))
    return {family: offers for family, offers in families.items() if offers}
