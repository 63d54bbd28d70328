"""Kafka's clients: how they are made, and how they are thrown away whatever state they are in."""

import asyncio
import time
from collections.abc import Collection
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import KafkaError

from common.kafka_access import KafkaAccess
from common.kafka_refusals import name_refusals
from common.supervision import abandon, close

CONSUMER_ANSWERED_WITHIN = timedelta(seconds=15)
PRODUCER_ANSWERED_WITHIN = timedelta(seconds=10)
METADATA_AGE = timedelta(seconds=30)
"""How old a client's view of the cluster may be: new partitions are found then at the latest."""
BUSY_FETCH = timedelta(milliseconds=100)
"""How long a fetch lasts that finds nothing, while records come. It leaves out partitions whose
last records were not taken yet, and aiokafka fetches nothing else from the broker meanwhile: what
they have more of waits for partitions that have nothing."""
IDLE_FETCH = timedelta(seconds=1)
"""The same while none come; a record ends it at once. By aiokafka's defaults an idle member of a
group asks every half second and looks every fifth whether to ask."""
STOP_WITHIN = timedelta(seconds=3)
RELEASE_WITHIN = timedelta(seconds=1)
METADATA_PAUSE = timedelta(milliseconds=100)
"""Between two requests for metadata, as Kafka's own client has it (`retry.backoff.ms`)."""


class ClientStuck(Exception):
    """The client does not go on: it is thrown away and a new one made."""


def new_consumer(
    kafka: KafkaAccess | str, group: str, instance: str, *, session_timeout: timedelta
) -> AIOKafkaConsumer:
    """A static member of the group. It commits nothing by itself and assumes no position."""
    access = KafkaAccess.of(kafka)
    session_ms = _milliseconds(session_timeout)
    client = AIOKafkaConsumer(
        **access.client_options(),
        group_id=group,
        group_instance_id=instance,
        enable_auto_commit=False,
        auto_offset_reset="none",
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=session_ms // 4,
        rebalance_timeout_ms=session_ms,
        max_poll_interval_ms=300_000,
        fetch_max_wait_ms=_milliseconds(BUSY_FETCH),
        consumer_timeout_ms=_milliseconds(IDLE_FETCH),
        fetch_max_bytes=16 * 1024 * 1024,
        max_partition_fetch_bytes=2 * 1024 * 1024,
        metadata_max_age_ms=_milliseconds(METADATA_AGE),
        request_timeout_ms=_milliseconds(CONSUMER_ANSWERED_WITHIN),
    )
    _pace_metadata(client._client)  # noqa: SLF001 - it has no name of its own
    name_refusals(client._client, access)  # noqa: SLF001 - as above
    return client


def let_fetches_wait(client: AIOKafkaConsumer, longest: timedelta) -> None:
    """How long the client's next fetches last where they find nothing."""
    client._fetcher._fetch_max_wait_ms = _milliseconds(longest)  # noqa: SLF001 - the option is for good


def new_producer(kafka: KafkaAccess | str, *, only_one: str | None = None) -> AIOKafkaProducer:
    """An idempotent producer; start one that is the `only_one` of a name by `start_only`."""
    access = KafkaAccess.of(kafka)
    client = AIOKafkaProducer(
        **access.client_options(),
        enable_idempotence=True,
        transactional_id=only_one,
        acks="all",
        linger_ms=5,
        max_batch_size=256 * 1024,
        max_request_size=1_100_000,
        request_timeout_ms=_milliseconds(PRODUCER_ANSWERED_WITHIN),
    )
    _pace_metadata(client.client)
    name_refusals(client.client, access)
    return client


async def start_only(producer: AIOKafkaProducer) -> None:
    """Start a producer, and fence off those that were started under its name before: of a partition
    that this one wrote to, the broker refuses them from then on (`ProducerFenced`).

    Kafka fences by the epoch it gives out for a transactional id, and checks it on records outside
    of transactions too. A transaction per batch would cost its markers in every partition, which
    readers that count by offsets never reach.
    """
    await producer.start()
    producer._txn_manager.transactional_id = None  # noqa: SLF001 - see above: no transactions


def new_admin(kafka: KafkaAccess | str, *, answered_within: timedelta) -> AIOKafkaAdminClient:
    """A client that makes topics and asks about groups; start it, then close it."""
    access = KafkaAccess.of(kafka)
    client = AIOKafkaAdminClient(
        **access.client_options(), request_timeout_ms=_milliseconds(answered_within)
    )
    name_refusals(client._client, access)  # noqa: SLF001 - it has no name of its own
    return client


def _milliseconds(time: timedelta) -> int:
    return int(time / timedelta(milliseconds=1))


def _pace_metadata(client: AIOKafkaClient) -> None:
    """Let it ask for metadata ten times a second at most.

    While a partition has no leader, sender and fetcher ask for metadata without any pause
    (aio-libs/aiokafka#1155): when the broker then goes away, that is a core's time in attempts to
    connect, and thousands of lines of log a second.
    """
    update = client._metadata_update  # noqa: SLF001 - every request for metadata goes through it
    pause = METADATA_PAUSE.total_seconds()
    asked_at = -pause

    async def paced(metadata: ClusterMetadata, topics: Collection[str]) -> bool:
        nonlocal asked_at
        await asyncio.sleep(asked_at + pause - time.monotonic())
        asked_at = time.monotonic()
        return bool(await update(metadata, topics))

    client._metadata_update = paced  # noqa: SLF001 - as above


async def close_consumer(client: AIOKafkaConsumer) -> None:
    """Stop the client in bounded time. When its `stop` fails half way, end what it leaves open."""
    if not await close(client.stop(), "consumer", within=STOP_WITHIN):
        _end_tasks(client._coordinator, client._fetcher)  # noqa: SLF001 - nobody else knows them
        await _close_sockets(client._client, "consumer's sockets")  # noqa: SLF001 - as above


async def close_producer(client: AIOKafkaProducer) -> None:
    """Stop the client in bounded time. One whose `stop` fails sends nothing more: the outbox still
    has it, and a late record could overtake its successors."""
    if not await close(client.stop(), "producer", within=STOP_WITHIN):
        _end_tasks(client._sender)  # noqa: SLF001 - nobody else knows them
        client._message_accumulator.fail_all(KafkaError("thrown away"))  # noqa: SLF001 - as above
        await _close_sockets(client.client, "producer's sockets")


async def _close_sockets(client: AIOKafkaClient, what: str) -> None:
    """Close them, and let those go on that wait for metadata: nobody reads any from here on, and a
    record that was about to be sent again would wait for ever, its sender with it."""
    await close(client.close(), what, within=RELEASE_WITHIN)
    awaited = client._md_update_fut  # noqa: SLF001 - nobody else resolves it
    if awaited is not None and not awaited.done():
        awaited.set_result(False)


def _end_tasks(*parts: object) -> None:
    for part in parts:
        for value in vars(part).values() if part is not None else ():
            for task in list(value) if isinstance(value, set) else [value]:
                if isinstance(task, asyncio.Task):
                    abandon(task)
