"""The relay: publish the outbox's lowest ids, delete per key up to the first not acknowledged.

One relay per service is active; others stand by on the same session advisory lock, and the
connection that holds the lock does the reads and the deletes, so a relay that lost it cannot
delete. There is no cursor to overtake: what is still in the table is still to publish.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from common import clock
from common.contracts.envelope import headers_from_json
from common.failpoints import reach
from common.postgres.pool import OUTAGE_ERRORS, Connection
from common.telemetry.names import OUTBOX_AGE, OUTBOX_SIZE, RELAY_PUBLISHED
from common.telemetry.setup import Gauge, counter

log = structlog.get_logger()

CLAIM_ROWS = 1_000
ACK_TIMEOUT = timedelta(seconds=20)
IDLE_POLL = timedelta(milliseconds=100)
STANDBY_POLL = timedelta(seconds=1)
LOCK_KEY = 0x0C4A11E1

_published = counter(RELAY_PUBLISHED)
_age = Gauge(OUTBOX_AGE)
_size = Gauge(OUTBOX_SIZE)


class Relay:
    """Publishes one database's outbox. `start()` may fail; `stop()` may come twice or unstarted."""

    def __init__(self, database_url: str, bootstrap: str, *, topic_prefix: str = "") -> None:
        self._database_url = database_url
        self._bootstrap = bootstrap
        self._prefix = topic_prefix
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self.is_active = False

    def start(self) -> None:
        """Begin to publish, or to stand by."""
        self._task = asyncio.create_task(self._run(), name="relay")

    async def stop(self) -> None:
        """End after the batch in hand, in bounded time."""
        self._stopping.set()
        if self._task is not None:
            _, pending = await asyncio.wait([self._task], timeout=4)
            for task in pending:
                task.cancel()
            self._task = None

    async def _run(self) -> None:
        delay = 0.2
        while not self._stopping.is_set():
            try:
                await self._publish_until_broken()
                delay = 0.2
            except (*OUTAGE_ERRORS, KafkaError) as error:
                log.warning("relay.outage", reason=repr(error))
            except Exception:
                log.exception("relay.failed")
            self.is_active = False
            await self._pause(delay)
            delay = min(delay * 2, 5.0)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _publish_until_broken(self) -> None:
        connection = await asyncpg.connect(self._database_url, timeout=10, command_timeout=30)
        try:
            if not await self._lock(connection):
                return
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                enable_idempotence=True,
                acks="all",
                linger_ms=5,
                max_batch_size=256 * 1024,
                max_request_size=1_100_000,
                request_timeout_ms=10_000,
            )
            try:
                await asyncio.wait_for(producer.start(), 15)
                self.is_active = True
                while not self._stopping.is_set():
                    if await self.publish_batch(connection, producer) == 0:
                        await self._pause(IDLE_POLL.total_seconds())
            finally:
                with suppress(Exception):
                    await asyncio.wait_for(producer.stop(), 3)
        finally:
            with suppress(Exception):
                await connection.close(timeout=2)

    async def _lock(self, connection: Connection) -> bool:
        while not self._stopping.is_set():
            if await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
                return True
            await self._pause(STANDBY_POLL.total_seconds())
        return False

    async def publish_batch(self, connection: Connection, producer: AIOKafkaProducer) -> int:
        """Publish and delete the lowest ids; how many were claimed.

        Raises the first refusal of the broker after deleting what it did acknowledge.
        """
        rows = await connection.fetch(
            "SELECT id, topic, key, value, headers, added_at FROM outbox ORDER BY id LIMIT $1",
            CLAIM_ROWS,
        )
        _age.set((clock.now() - rows[0]["added_at"]).total_seconds() if rows else 0.0)
        _size.set(len(rows))
        if not rows:
            return 0
        reach("relay.after-claim")
        outcomes = await self._send(producer, rows)
        reach("relay.after-publish")
        acknowledged, failure = settled(
            [(row["id"], (row["topic"], row["key"])) for row in rows], outcomes
        )
        if acknowledged:
            await connection.execute("DELETE FROM outbox WHERE id = ANY($1)", acknowledged)
            _published.add(len(acknowledged))
            reach("relay.after-delete")
        if failure is not None:
            raise failure
        return len(rows)

    async def _send(
        self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]
    ) -> list[BaseException | None]:
        futures = []
        async with asyncio.timeout(ACK_TIMEOUT.total_seconds()):
            for row in rows:
                futures.append(  # noqa: PERF401 - each send may wait for room in the buffer
                    await producer.send(
                        self._prefix + row["topic"],
                        value=row["value"],
                        key=row["key"],
                        headers=headers_from_json(row["headers"]),
                    )
                )
            results = await asyncio.gather(*futures, return_exceptions=True)
        return [result if isinstance(result, BaseException) else None for result in results]


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
