"""Gives the channel's topics more partitions, and keeps the records of every key in order:
`python -m common.messaging.raise_partitions KAFKA --partitions 24 --databases AUTH_DATABASE_URL`
and those of the other services.

More partitions change which partition a key goes to. A key's later records must not be read before
its earlier ones: so relays are held, consumers read to the end, and only then partitions are made.
Services go on running; their events wait in the outbox. Services and other producers that were
stopped or are held find the new partitions when they begin again; a new partition is read from its
first record.
"""

import argparse
import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.errors import KafkaError

from common.contracts.topics import OTHERS, TOPICS, Topic
from common.kafka_access import KafkaAccess
from common.messaging.clients import close_consumer, new_admin
from common.messaging.positions import list_positions
from common.messaging.relay import LOCK_KEY
from common.postgres.pool import FOR_EVERYBODY, Connection
from common.settings import KafkaSettings

ANSWERED_WITHIN = timedelta(seconds=20)
HELD_WITHIN = timedelta(seconds=45)
"""A relay ends the batch in hand first, which may wait 20 s for acknowledgements."""
ASK_EVERY = timedelta(milliseconds=300)

Offsets = Mapping[TopicPartition, int]


class RaiseRefused(Exception):
    """No topic was changed; the text says why and what to do first."""


class WrittenMeanwhile(Exception):
    """Partitions were made, and records came at that very moment: the text says to which topics."""


@dataclass(frozen=True)
class Lag:
    """A consumer group has not read so many records of a topic."""

    group: str
    topic: str
    records: int


async def raise_partitions(
    kafka: KafkaAccess | str,
    database_urls: Sequence[str],
    prefix: str = "",
    *,
    partitions: int,
    topics: Sequence[Topic] = TOPICS,
    drained_within: timedelta = timedelta(minutes=5),
    silent_for: timedelta = timedelta(seconds=5),
) -> list[str]:
    """Give each topic `partitions` partitions, unless it has as many; the names of those raised.

    `database_urls` are those of every service of the installation. Nobody may write to the topics
    meanwhile but services: `silent_for` is how long this is watched. Raises `RaiseRefused`,
    `WrittenMeanwhile`, and aiokafka's errors when the broker refuses or does not answer.
    """
    async with AsyncExitStack() as stack:
        admin = new_admin(kafka, answered_within=ANSWERED_WITHIN)
        await admin.start()
        stack.push_async_callback(admin.close)
        reader = AIOKafkaConsumer(**KafkaAccess.of(kafka).client_options())
        await reader.start()
        stack.push_async_callback(close_consumer, reader)
        present = await _partitions_of(admin, [prefix + topic.name for topic in topics])
        small = [topic for topic in topics if len(present[prefix + topic.name]) < partitions]
        if not small:
            return []
        names = [prefix + topic.name for topic in small]
        old = [partition for name in names for partition in present[name]]
        databases = [await stack.enter_async_context(_held_relay(url)) for url in database_urls]
        await _check_that_all_consumers_are_known(databases, small, prefix)
        ends = await _read_to_the_end(
            reader, databases, old, drained_within=drained_within, silent_for=silent_for
        )
        await admin.create_partitions({name: NewPartitions(partitions) for name in names})
        await _until_made(admin, names, partitions)
        if moved := _moved(ends, await reader.end_offsets(old)):
            raise WrittenMeanwhile(
                f"partitions were made, and {', '.join(moved)} was written to at that moment: a"
                " key's last record before may be read after its next. Let its producers send"
                " again what they sent in the last minute"
            )
        return names


@asynccontextmanager
async def _held_relay(database_url: str) -> AsyncIterator[Connection]:
    """A session that holds the relay's lock: no replica publishes until it ends."""
    connection = await asyncpg.connect(
        database_url, timeout=10, command_timeout=30, server_settings=FOR_EVERYBODY
    )
    try:
        try:
            await connection.execute(
                f"SELECT pg_advisory_lock({LOCK_KEY})", timeout=HELD_WITHIN.total_seconds()
            )
        except TimeoutError:
            raise RaiseRefused(
                "a relay does not give way within"
                f" {HELD_WITHIN.total_seconds():g} s. Is its service of this version? See its log"
            ) from None
        yield connection
    finally:
        await connection.close(timeout=5)


async def _check_that_all_consumers_are_known(
    databases: Sequence[Connection], topics: Sequence[Topic], prefix: str
) -> None:
    """Where a service's database was not given, its lag would be overlooked."""
    groups = {
        (position.group, position.topic)
        for connection in databases
        for position in await list_positions(connection, [prefix + topic.name for topic in topics])
    }
    for topic in topics:
        for consumer in topic.consumers:
            of_consumer = [
                group
                for group, name in groups
                if name == prefix + topic.name and group.startswith(f"{prefix}{consumer}.")
            ]
            if consumer != OTHERS and not of_consumer:
                raise RaiseRefused(
                    f"no database given has a position of {consumer} on {topic.name}. Name the"
                    " databases of all services, and let each service run once before"
                )


async def _read_to_the_end(
    reader: AIOKafkaConsumer,
    databases: Sequence[Connection],
    partitions: Sequence[TopicPartition],
    *,
    drained_within: timedelta,
    silent_for: timedelta,
) -> Offsets:
    """Wait until all groups stand at the log's end, which itself stands still; where that is."""
    began = time.monotonic()
    first: Offsets = await reader.end_offsets(partitions)
    while True:
        if moved := _moved(first, await reader.end_offsets(partitions)):
            raise RaiseRefused(
                f"{', '.join(moved)} is being written to, by others than our services. Stop its"
                " producers, then try again"
            )
        lags = await _lags(reader, databases, first)
        waited = time.monotonic() - began
        if not lags and waited >= silent_for.total_seconds():
            return first
        if lags and waited >= drained_within.total_seconds():
            shown = "; ".join(f"{lag.group} on {lag.topic}: {lag.records}" for lag in lags)
            raise RaiseRefused(
                f"records are still to be read ({shown}). Start the workers of these services, or"
                " find out why they do not read on (docs/runbook.md, ConsumerLagGrows)"
            )
        await asyncio.sleep(ASK_EVERY.total_seconds())


async def _lags(
    reader: AIOKafkaConsumer, databases: Sequence[Connection], ends: Offsets
) -> list[Lag]:
    begins = await reader.beginning_offsets(list(ends))
    topics = sorted({partition.topic for partition in ends})
    stored: dict[tuple[str, str], dict[int, int]] = {}
    for connection in databases:
        for position in await list_positions(connection, topics):
            of_group = stored.setdefault((position.group, position.topic), {})
            of_group[position.partition] = position.next_offset
    return lags_of(stored, begins, ends)


def lags_of(
    stored: Mapping[tuple[str, str], Mapping[int, int]], begins: Offsets, ends: Offsets
) -> list[Lag]:
    """What each (group, topic) of `stored`, its next offset by partition, has not read yet.

    A partition without a position will be read from its beginning.
    """
    lags = []
    for (group, topic), positions in sorted(stored.items()):
        unread = sum(
            max(0, end - positions.get(partition.partition, begins[partition]))
            for partition, end in ends.items()
            if partition.topic == topic
        )
        if unread:
            lags.append(Lag(group, topic, unread))
    return lags


def _moved(before: Offsets, after: Offsets) -> list[str]:
    return sorted({p.topic for p, offset in before.items() if after[p] != offset})


async def _partitions_of(
    admin: AIOKafkaAdminClient, names: Sequence[str]
) -> dict[str, list[TopicPartition]]:
    """The partitions of each topic that have a leader. Raises `RaiseRefused` without a topic."""
    found = {}
    for described in await admin.describe_topics(list(names)):
        if described["error_code"]:
            raise RaiseRefused(
                f"there is no topic {described['topic']}: make the topics first, by"
                " `python -m common.messaging.create_topics`"
            )
        name = described["topic"]
        found[name] = [
            TopicPartition(name, partition["partition"])
            for partition in described["partitions"]
            if partition["leader"] >= 0
        ]
    return found


async def _until_made(admin: AIOKafkaAdminClient, names: Sequence[str], partitions: int) -> None:
    """Wait until every new partition has a leader: who asks from now on is given all of them."""
    async with asyncio.timeout(ANSWERED_WITHIN.total_seconds()):
        while True:
            if await _are_made(admin, names, partitions):
                return
            await asyncio.sleep(ASK_EVERY.total_seconds())


async def _are_made(admin: AIOKafkaAdminClient, names: Sequence[str], partitions: int) -> bool:
    made = await _partitions_of(admin, names)
    return all(len(with_leader) >= partitions for with_leader in made.values())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Give the channel's topics more partitions.")
    parser.add_argument("bootstrap")
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument(
        "--databases",
        nargs="+",
        required=True,
        metavar="VARIABLE",
        help="the environment variables that hold the URL of each service's database",
    )
    parser.add_argument("--prefix", default="", help="the installation's TOPIC_PREFIX")
    parser.add_argument("--drained-within", type=float, default=300, metavar="SECONDS")
    parser.add_argument("--silent-for", type=float, default=5, metavar="SECONDS")
    chosen = parser.parse_args()
    if missing := [name for name in chosen.databases if name not in os.environ]:
        parser.error(f"no such environment variable: {', '.join(missing)}")
    try:
        raised = asyncio.run(
            raise_partitions(
                KafkaSettings(kafka_bootstrap=chosen.bootstrap).kafka,
                [os.environ[name] for name in chosen.databases],
                chosen.prefix,
                partitions=chosen.partitions,
                drained_within=timedelta(seconds=chosen.drained_within),
                silent_for=timedelta(seconds=chosen.silent_for),
            )
        )
    except (RaiseRefused, WrittenMeanwhile, KafkaError) as error:
        raise SystemExit(str(error) or repr(error)) from None
    print(f"{len(raised)} topics have {chosen.partitions} partitions now")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
