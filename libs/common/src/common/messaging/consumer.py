"""The consumer runtime: fetch a batch, apply it in one transaction, again. See the package's page.

A `Consumer` owns one Kafka client at a time. Positions come from Postgres on every assignment and
after every failed compare; the client's own idea of where it stands is never trusted.
"""

import asyncio
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog
from aiokafka import (
    AIOKafkaConsumer,
    ConsumerRebalanceListener,
    ConsumerRecord,
    OffsetAndMetadata,
    TopicPartition,
)
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from common.failpoints import reach
from common.messaging.applying import Applier, Decoded, is_about_the_data, origins_of
from common.messaging.positions import (
    PositionLost,
    PositionMoved,
    load_positions,
    move_positions,
    store_first_positions,
)
from common.messaging.quarantine import Breaker, impose
from common.messaging.records import Record, Rejected, Setback, Subscription
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from common.telemetry.names import (
    CONSUMER_BATCH,
    CONSUMER_FENCED,
    CONSUMER_LAG,
    CONSUMER_REBUILDS,
)
from common.telemetry.setup import Gauge, counter, histogram

log = structlog.get_logger()

_lag = Gauge(CONSUMER_LAG)
_batch_duration = histogram(CONSUMER_BATCH)
_fenced = counter(CONSUMER_FENCED)
_rebuilds = counter(CONSUMER_REBUILDS)

FETCHED_AT_ONCE = 100
DECODED_AT_ONCE = 10
"""Records fetched, and decoded, before the batch being applied gets its turn."""
FETCH_WAIT = timedelta(milliseconds=200)
SHOW_POSITIONS_EVERY = timedelta(seconds=1)
CHECK_PROGRESS_EVERY = timedelta(seconds=5)
STUCK_AFTER = timedelta(seconds=30)


@dataclass(frozen=True)
class _Fetched:
    """A batch, and the positions' epoch in which it was asked for."""

    epoch: int
    decoded: Decoded


class ClientStuck(Exception):
    """The client made no progress although records wait: it is thrown away."""


class Consumer:
    """One member of a consumer group. `start()` may fail; `stop()` may come twice or unstarted."""

    def __init__(
        self,
        pool: Pool,
        bootstrap: str,
        group: str,
        subscriptions: Sequence[Subscription],
        *,
        instance_id: str,
        topic_prefix: str = "",
        session_timeout: timedelta = timedelta(seconds=10),
        max_batch_records: int = 1_000,
    ) -> None:
        self.applier = Applier(group, subscriptions)
        self.group = group
        self.caught_up = asyncio.Event()
        """Set once the group has passed the end offsets this member saw at its start."""
        self.failure: PositionLost | None = None
        self._pool = pool
        self._bootstrap = bootstrap
        self._prefix = topic_prefix
        self._topics = [topic_prefix + s.event.topic for s in subscriptions]
        self._instance = f"{topic_prefix}{group}-{instance_id}"
        self._session_timeout = session_timeout
        self._max_records = max_batch_records
        self._breaker = Breaker()
        self._stopping = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._shown: dict[TopicPartition, int] = {}
        self._joined = False
        self._epoch = 0
        self._progress_at = time.monotonic()

    @property
    def name(self) -> str:
        """What health checks call it."""
        return self.group

    @property
    def is_ready(self) -> bool:
        """Joined, and progressing or without lag."""
        silent = time.monotonic() - self._progress_at
        return self._joined and self.failure is None and silent < STUCK_AFTER.total_seconds()

    def start(self) -> None:
        """Begin to consume."""
        self._task = asyncio.create_task(self._supervise(), name=self.group)

    async def stop(self) -> None:
        """End after the batch in hand; at most about six seconds."""
        self._stopping.set()
        if self._task is not None:
            _, pending = await asyncio.wait([self._task], timeout=6)
            for task in pending:
                task.cancel()
            self._task = None

    # -- the supervisor: a broken client is thrown away and a new one built ------------------

    async def _supervise(self) -> None:
        delay = 0.2
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                await self._run_client()
            except PositionLost as lost:
                self.failure = lost
                log.critical("consumer.position_lost", group=self.group, remedy=str(lost))
                return
            except Exception as error:
                log.warning("consumer.rebuild", group=self.group, reason=repr(error))
                _rebuilds.add(1, {"group": self.group})
            if time.monotonic() - began > 30:
                delay = 0.2
            await self._pause(delay * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            delay = min(delay * 2, 5.0)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _run_client(self) -> None:
        client = self._new_client()
        self._joined = False
        self._positions.clear()
        self._progress_at = time.monotonic()
        client.subscribe(self._topics, listener=_Listener(self, client))
        watcher: asyncio.Task[None] | None = None
        try:
            await asyncio.wait_for(client.start(), 30)
            watcher = asyncio.create_task(self._watch(client))
            await self._work(client, watcher)
        finally:
            if watcher is not None:
                watcher.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await watcher
            self._joined = False
            self._positions.clear()
            with suppress(Exception):
                await asyncio.wait_for(client.stop(), 3)

    def _new_client(self) -> AIOKafkaConsumer:
        session_ms = int(self._session_timeout.total_seconds() * 1000)
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._prefix + self.group,
            group_instance_id=self._instance,
            enable_auto_commit=False,
            auto_offset_reset="none",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // 4,
            rebalance_timeout_ms=session_ms,
            max_poll_interval_ms=300_000,
            fetch_max_bytes=16 * 1024 * 1024,
            max_partition_fetch_bytes=2 * 1024 * 1024,
            metadata_max_age_ms=30_000,
            request_timeout_ms=15_000,
        )

    # -- the work ---------------------------------------------------------------------------

    async def _work(self, client: AIOKafkaConsumer, watcher: asyncio.Task[None]) -> None:
        shown_at = time.monotonic()
        showing: asyncio.Task[None] | None = None
        following = asyncio.create_task(self._fetch(client))
        while not self._stopping.is_set():
            if watcher.done():
                watcher.result()
            batch = await following
            if batch.epoch != self._epoch:
                # Positions were sought since it was asked for: it may leave a gap. Fetch anew.
                self._seek(client, dict(self._positions))
                following = asyncio.create_task(self._fetch(client))
                continue
            following = asyncio.create_task(self._fetch(client))
            if batch.decoded.records:
                await self._apply_or_back_off(client, batch.decoded)
            due = time.monotonic() - shown_at >= SHOW_POSITIONS_EVERY.total_seconds()
            if due and (showing is None or showing.done()):
                shown_at = time.monotonic()
                showing = asyncio.create_task(self._show_positions(client))
        await asyncio.wait([following], timeout=1)
        if showing is not None:
            await asyncio.wait([showing], timeout=1)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._show_positions(client), 2)

    async def _fetch(self, client: AIOKafkaConsumer) -> _Fetched:
        """The next batch, decoded, while the one before is applied: a few records at a time, so
        that that one waits for its database only."""
        epoch = self._epoch
        batch = Decoded.of(())
        wait = FETCH_WAIT
        while room := min(FETCHED_AT_ONCE, self._max_records - len(batch.records)):
            records = await self._fetch_records(client, room, wait)
            if not records:
                break
            batch.add(records)
            for start in range(0, len(records), DECODED_AT_ONCE):
                self.applier.decode_into(batch, records[start : start + DECODED_AT_ONCE])
                await asyncio.sleep(0)
            wait = timedelta()
        self._observe_lag(client)
        return _Fetched(epoch, batch)

    async def _fetch_records(
        self, client: AIOKafkaConsumer, at_most: int, wait: timedelta
    ) -> list[Record]:
        try:
            async with asyncio.timeout(30):
                fetched = await client.getmany(
                    timeout_ms=int(wait.total_seconds() * 1000), max_records=at_most
                )
        except NoOffsetForPartitionError:
            # The client looked for a committed offset before our seek; the seek stands.
            self._seek(client, self._positions)
            return []
        except OffsetOutOfRangeError as error:
            await self._check_range(client, list(self._positions))
            raise ClientStuck(str(error)) from error
        records = []
        for partition, batch in fetched.items():
            if (position := self._positions.get(partition)) is None:
                continue
            topic = partition.topic.removeprefix(self._prefix)
            records += [_record(topic, raw) for raw in batch if raw.offset >= position]
        return records

    async def _apply_or_back_off(self, client: AIOKafkaConsumer, batch: Decoded) -> None:
        began = time.monotonic()
        self._idle.clear()
        try:
            await self._apply_in_halves(batch)
        except PositionMoved:
            _fenced.add(1, {"group": self.group})
            log.info("consumer.fenced", group=self.group)
            await self._position(client, list(self._positions))
        except Exception as error:
            log.warning("consumer.batch_failed", group=self.group, reason=repr(error))
            await self._pause(random.uniform(0.3, 1.0))  # noqa: S311 - jitter
            await self._position(client, list(self._positions))
        else:
            self._progress_at = time.monotonic()
        finally:
            self._idle.set()
        _batch_duration.record(time.monotonic() - began, {"group": self.group})

    async def _apply_in_halves(self, batch: Decoded) -> None:
        """Apply the batch; when a record in it cannot be taken, halve it until that one is alone.

        Both halves are in the log's order per partition, so that each moves positions forward.
        """
        records = batch.records
        try:
            await self._apply(batch)
        except PositionMoved:
            raise
        except Exception as error:
            if not is_about_the_data(error):
                raise
            if len(records) > 1:
                middle = len(records) // 2
                await self._apply_in_halves(self.applier.decode(records[:middle]))
                await self._apply_in_halves(self.applier.decode(records[middle:]))
            else:
                log.exception("consumer.record_refused", group=self.group)
                refused = Rejected.by_handler(records[0], error)
                await self._apply(replace(batch, deliveries=[], setbacks=[refused]))

    async def _apply(self, batch: Decoded) -> None:
        records = batch.records
        reach("consumer.after-decode")
        moves = self._moves(records)
        async with unit_of_work(self._pool) as connection:
            await move_positions(connection, self._prefix + self.group, moves)
            setbacks = await self.applier.apply(connection, batch)
            reach("consumer.before-commit")
        reach("consumer.after-commit")
        for partition, (_, new) in moves.items():
            if partition in self._positions:
                self._positions[partition] = new
        self.applier.count(records, setbacks)
        await self._trip(batch, setbacks)

    async def _trip(self, batch: Decoded, setbacks: Sequence[Setback]) -> None:
        bad = [setback.record for setback in setbacks if isinstance(setback, Rejected)]
        tripped = self._breaker.observe(batch.origins, origins_of(bad))
        if tripped:
            log.error("consumer.quarantine", group=self.group, origins=sorted(tripped))
            async with unit_of_work(self._pool) as connection:
                await impose(
                    connection, self.group, tripped, reason="mostly records that cannot be taken"
                )

    def _moves(self, records: Sequence[Record]) -> dict[TopicPartition, tuple[int, int]]:
        ends = {(record.topic, record.partition): record.offset + 1 for record in records}
        moves = {}
        for (topic, number), end in ends.items():
            partition = TopicPartition(self._prefix + topic, number)
            expected = self._positions.get(partition)
            if expected is None:
                raise PositionMoved(self.group)
            moves[partition] = (expected, end)
        return moves

    # -- positions --------------------------------------------------------------------------

    async def _position(
        self, client: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
    ) -> None:
        """Seek to the stored positions; a partition seen for the first time begins at its start."""
        if not partitions:
            return
        group = self._prefix + self.group
        async with unit_of_work(self._pool) as connection:
            stored = await load_positions(connection, group, partitions)
        unseen = [partition for partition in partitions if partition not in stored]
        if unseen:
            earliest = await asyncio.wait_for(client.beginning_offsets(unseen), 15)
            async with unit_of_work(self._pool) as connection:
                await store_first_positions(connection, group, earliest)
                stored |= await load_positions(connection, group, unseen)
        self._seek(client, stored)

    def _seek(self, client: AIOKafkaConsumer, positions: Mapping[TopicPartition, int]) -> None:
        self._epoch += 1
        assigned = client.assignment()
        for partition, offset in list(positions.items()):
            if partition in assigned:
                client.seek(partition, offset)
                self._positions[partition] = offset
            else:
                self._positions.pop(partition, None)

    async def _check_range(
        self, client: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
    ) -> None:
        """Raises `PositionLost` when a stored position lies outside the log."""
        begin = await asyncio.wait_for(client.beginning_offsets(partitions), 15)
        end = await asyncio.wait_for(client.end_offsets(partitions), 15)
        for partition in partitions:
            position = self._positions.get(partition)
            if position is not None and not begin[partition] <= position <= end[partition]:
                raise PositionLost(partition, position, begin[partition], end[partition])

    async def _show_positions(self, client: AIOKafkaConsumer) -> None:
        """Show stored positions to Kafka, for lag dashboards; never ahead of what is stored."""
        changed = {
            partition: OffsetAndMetadata(position, "")
            for partition, position in self._positions.items()
            if self._shown.get(partition) != position
        }
        if not changed:
            return
        try:
            await client.commit(changed)
        except (KafkaError, TimeoutError) as error:
            log.debug("consumer.positions_not_shown", group=self.group, reason=repr(error))
        else:
            self._shown.update({p: shown.offset for p, shown in changed.items()})

    # -- rebalances -------------------------------------------------------------------------

    async def revoked(self, partitions: Iterable[TopicPartition]) -> None:
        """Let the batch in hand end, in bounded time; the fence does the rest."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self._session_timeout.total_seconds() / 2)
        self._epoch += 1
        for partition in partitions:
            self._positions.pop(partition, None)
            self._shown.pop(partition, None)

    async def assigned(
        self, client: AIOKafkaConsumer, partitions: Iterable[TopicPartition]
    ) -> None:
        """Stand at the stored positions. A failure here is retried by the watcher."""
        self._joined = True
        self._progress_at = time.monotonic()
        await self._position(client, list(partitions))

    # -- the watchdog -----------------------------------------------------------------------

    async def _watch(self, client: AIOKafkaConsumer) -> None:
        """Raises `ClientStuck` or `PositionLost`; also finds when the group has caught up."""
        goal = await self._end_offsets(client, await self._all_partitions(client))
        while True:
            if not self.caught_up.is_set() and await self._has_reached(goal):
                self.caught_up.set()
            await self._check_progress(client)
            wait = CHECK_PROGRESS_EVERY if self.caught_up.is_set() else timedelta(seconds=0.2)
            await asyncio.sleep(wait.total_seconds())

    async def _all_partitions(self, client: AIOKafkaConsumer) -> list[TopicPartition]:
        async with asyncio.timeout(30):
            while True:
                found = {topic: client.partitions_for_topic(topic) for topic in self._topics}
                if all(found.values()):
                    return [
                        TopicPartition(topic, number)
                        for topic, numbers in found.items()
                        for number in sorted(numbers or ())
                    ]
                await asyncio.sleep(0.2)

    async def _end_offsets(
        self, client: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        ends: dict[TopicPartition, int] = await asyncio.wait_for(client.end_offsets(partitions), 20)
        return ends

    async def _has_reached(self, goal: Mapping[TopicPartition, int]) -> bool:
        wanted = {partition: end for partition, end in goal.items() if end > 0}
        async with unit_of_work(self._pool) as connection:
            stored = await load_positions(connection, self._prefix + self.group, list(wanted))
        return all(stored.get(partition, 0) >= end for partition, end in wanted.items())

    async def _check_progress(self, client: AIOKafkaConsumer) -> None:
        assigned = list(client.assignment())
        unpositioned = [p for p in assigned if p not in self._positions]
        if self._joined and unpositioned:
            await self._position(client, unpositioned)
        positions = dict(self._positions)
        ends = await self._end_offsets(client, list(positions)) if positions else {}
        for partition, position in positions.items():
            if position > ends[partition]:
                await self._check_range(client, [partition])
        has_lag = any(ends[partition] > position for partition, position in positions.items())
        if self._joined and not has_lag:
            self._progress_at = time.monotonic()
        silent = time.monotonic() - self._progress_at
        if silent > STUCK_AFTER.total_seconds():
            raise ClientStuck(f"no progress for {silent:.0f} s")

    def _observe_lag(self, client: AIOKafkaConsumer) -> None:
        for partition, position in self._positions.items():
            end = client.highwater(partition)
            if end is not None:
                _lag.set(
                    max(0, end - position),
                    {
                        "group": self.group,
                        "topic": partition.topic,
                        "partition": str(partition.partition),
                    },
                )


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    def __init__(self, consumer: Consumer, client: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._client = client

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._consumer.revoked(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        await self._consumer.assigned(self._client, assigned)


def _record(topic: str, raw: ConsumerRecord) -> Record:
    return Record(topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, raw.headers)
