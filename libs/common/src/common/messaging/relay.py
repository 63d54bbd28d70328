"""The relay: publish the outbox's lowest ids, delete per key up to the first not acknowledged.

One relay per service is active; others stand by on the same session advisory lock, and the
connection that holds the lock does the reads and the deletes, so a relay that lost it cannot
delete. What it had on its way to a broker then would overtake what its successor sends: the
successor's producer fences it off (`start_only`). A command that waits for the lock
(`raise_partitions`) is let in between two batches. There is no cursor to overtake: what is still in
the table is still to publish. A record that no broker would take is held back alone, like a row
that a job fails on (`set_aside`).
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidMessageError, KafkaError, MessageSizeTooLargeError
from opentelemetry.trace import Span

from common import clock
from common.contracts.envelope import claimed_merchant, headers_from_json
from common.errors import Outage
from common.failpoints import reach
from common.kafka_access import KafkaAccess
from common.messaging.clients import close_producer, new_producer, start_only
from common.messaging.outbox import PUBLISHING, forget_published, list_lowest
from common.messaging.refusals import note_refusal
from common.messaging.tracing import begin_send, end_send
from common.postgres.known_types import TypesKnown
from common.postgres.pool import FOR_EVERYBODY, OUTAGE_ERRORS, Connection
from common.postgres.set_aside import (
    RowKey,
    forget_failures,
    is_about_the_data,
    load_failures,
    note_failure_on,
)
from common.supervision import Component, bounded, close
from common.telemetry.names import RELAY_PUBLISHED
from common.telemetry.setup import counter

log = structlog.get_logger()

CLAIM_ROWS = 1_000
ACK_TIMEOUT = timedelta(seconds=20)
CONNECTED_WITHIN = timedelta(seconds=15)
CLOSED_WITHIN = timedelta(seconds=3)
IDLE_POLL = timedelta(milliseconds=500)
"""What this process adds is published at once; this is for what other processes add."""
STANDBY_POLL = timedelta(seconds=1)
LOOK_EVERY = timedelta(seconds=1)
RENEWED_AFTER = timedelta(days=1)
"""A producer is used for so long: Kafka forgets a name that asked for no epoch in a week, and with
it whom the next one fences off (`transactional.id.expiration.ms`)."""
LOCK_KEY = 0x0C4A11E1
JOB = "relay"

_published = counter(RELAY_PUBLISHED)


class Relay(Component):
    """Publishes one database's outbox, which is that of `service`."""

    def __init__(
        self, database_url: str, kafka: KafkaAccess | str, *, service: str, topic_prefix: str = ""
    ) -> None:
        super().__init__("relay", stop_within=timedelta(seconds=4))
        self._database_url = database_url
        self._kafka = kafka
        self._prefix = topic_prefix
        self._only_one = f"{topic_prefix}{service}.relay"
        self.is_active = False
        PUBLISHING.subscribe(self)

    async def _turn(self) -> timedelta:
        try:
            await self._publish_until_broken()
        finally:
            self.is_active = False
        return timedelta()

    def _on_failure(self, error: BaseException) -> None:
        if note_refusal(error, self.name):
            return
        if isinstance(error, (*OUTAGE_ERRORS, KafkaError, Outage)):
            log.warning("relay.outage", reason=repr(error))
        else:
            log.error("relay.failed", exc_info=error)

    async def _publish_until_broken(self) -> None:
        connection = await bounded(
            asyncpg.connect(
                self._database_url,
                timeout=10,
                command_timeout=30,
                server_settings=FOR_EVERYBODY,
                connection_class=TypesKnown,
            ),
            CONNECTED_WITHIN,
        )
        try:
            if not await self._lock(connection):
                return
            producer = new_producer(self._kafka, only_one=self._only_one)
            try:
                await bounded(start_only(producer), CONNECTED_WITHIN)
                self.is_active = True
                await self._publish_until_awaited(connection, producer)
            finally:
                await close_producer(producer)
        finally:
            await close(connection.close(timeout=2), "relay's connection", within=CLOSED_WITHIN)

    async def _publish_until_awaited(
        self, connection: Connection, producer: AIOKafkaProducer
    ) -> None:
        look_at = time.monotonic()
        renew_at = look_at + RENEWED_AFTER.total_seconds()
        while not self.is_stopping and look_at < renew_at:
            if time.monotonic() >= look_at:
                if await _is_awaited(connection):
                    log.info("relay.gives_way")
                    return
                look_at = time.monotonic() + LOOK_EVERY.total_seconds()
            if await self.publish_batch(connection, producer) == 0:
                await self.rest(IDLE_POLL)

    async def _lock(self, connection: Connection) -> bool:
        while not self.is_stopping:
            if await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
                return True
            await self.pause(STANDBY_POLL)
        return False

    async def publish_batch(self, connection: Connection, producer: AIOKafkaProducer) -> int:
        """Publish and delete the lowest ids; how many were claimed.

        Raises the first refusal of the broker after deleting what it did acknowledge.
        """
        failures = await load_failures(connection, JOB)
        now = clock.now()
        held = [int(row.subject) for row, until in failures.items() if until > now]
        rows = await list_lowest(connection, limit=CLAIM_ROWS, without=held)
        if not rows:
            return 0
        reach("relay.after-claim")
        outcomes = await bounded(self._send(producer, rows), ACK_TIMEOUT)
        reach("relay.after-publish")
        sent: list[asyncpg.Record] = []
        answers: list[BaseException | None] = []
        for row, outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, Exception) and _is_about_the_record(outcome):
                await note_failure_on(connection, JOB, _row_key(row), outcome)
            else:
                sent.append(row)
                answers.append(outcome)
        acknowledged, failure = settled(
            [(row["id"], (row["topic"], row["key"])) for row in sent], answers
        )
        if failures:
            await forget_failures(
                connection, JOB, [_row_key(row) for row in sent if row["id"] in {*acknowledged}]
            )
        if acknowledged:
            await forget_published(connection, acknowledged)
            _published.add(len(acknowledged))
            reach("relay.after-delete")
        if failure is not None:
            raise failure
        return len(rows)

    async def _send(
        self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]
    ) -> list[BaseException | None]:
        begun = [await self._begin(producer, row) for row in rows]
        await until_answered([sending for sending, _ in begun])
        return [outcome_of(sending, span) for sending, span in begun]

    async def _begin(
        self, producer: AIOKafkaProducer, row: asyncpg.Record
    ) -> tuple["asyncio.Future[object]", Span | None]:
        """The acknowledgement to come; of a record that cannot be sent, why not. And the span of
        sending it, if it is traced."""
        span: Span | None = None
        try:
            headers, span = begin_send(row["topic"], headers_from_json(row["headers"]))
            sending: asyncio.Future[object] = await producer.send(  # may wait for room
                self._prefix + row["topic"],
                value=row["value"],
                key=row["key"],
                headers=headers,
            )
        except Exception as error:
            if not _is_about_the_record(error):
                raise
            refused: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            refused.set_exception(error)
            return refused, span
        else:
            return sending, span


async def until_answered(sendings: Sequence["asyncio.Future[object]"]) -> None:
    """Return once Kafka has answered each, well or not. It answers some hundred at a time, and one
    wait for each answer takes less than a callback for each record, as `gather` has them."""
    try:
        for sending in sendings:
            if not sending.done():
                await asyncio.wait([sending])
    except asyncio.CancelledError:
        for sending in sendings:
            sending.cancel()
        raise


def outcome_of(sending: "asyncio.Future[object]", span: Span | None) -> BaseException | None:
    """Why the record was not acknowledged; None where it was."""
    failure = asyncio.CancelledError() if sending.cancelled() else sending.exception()
    if span is not None:
        end_send(span, failure or sending.result())
    return failure


async def _is_awaited(connection: Connection) -> bool:
    """Whether a session waits for the relay's lock. Relays that stand by never do: they try."""
    awaited: bool = await connection.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM pg_locks
            WHERE locktype = 'advisory' AND NOT granted AND objid::bigint = $1
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        )
        """,
        LOCK_KEY,
    )
    return awaited


def _is_about_the_record(error: Exception) -> bool:
    """Whether no broker would ever take the record."""
    if isinstance(error, KafkaError):
        return isinstance(error, MessageSizeTooLargeError | InvalidMessageError)
    return is_about_the_data(error)


def _row_key(row: asyncpg.Record) -> RowKey:
    return RowKey(claimed_merchant(row["key"].partition(b"/")[0]), str(row["id"]))


def settled(
    claimed: Sequence[tuple[int, tuple[str, bytes]]], outcomes: Sequence[BaseException | None]
) -> tuple[list[int], BaseException | None]:
    """Which ids may be deleted: per key, those before the first not acknowledged; and that failure.

    `claimed` are (id, key) in rising order, `outcomes` None where the broker acknowledged.
    """
    held: set[tuple[str, bytes]] = set()
    deletable = []
    failure: BaseException | None = None
    for (row_id, key), outcome in zip(claimed, outcomes, strict=True):
        if outcome is not None:
            held.add(key)
            failure = failure or outcome
        elif key not in held:
            deletable.append(row_id)
    return deletable, failure
