"""Where one Kafka client stands: the positions of its partitions, as Postgres has them.

They are read on every assignment and after every failed compare; the client's own idea of where it
stands is never trusted. A client that is thrown away takes its `Assignment` with it.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import structlog
from aiokafka import (
    AIOKafkaConsumer,
    ConsumerRebalanceListener,
    ConsumerRecord,
    OffsetAndMetadata,
    TopicPartition,
)
from aiokafka.errors import KafkaError

from common.errors import Outage
from common.messaging.positions import (
    PositionLost,
    PositionMoved,
    load_positions,
    store_first_positions,
)
from common.messaging.records import Record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.supervision import bounded, has_passed

log = structlog.get_logger()

ANSWERED_WITHIN = timedelta(seconds=20)
SHOWN_WITHIN = timedelta(seconds=10)

Moves = Mapping[TopicPartition, tuple[int, int]]
"""From the expected offset to the next, by partition."""


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """The partitions a client was assigned, and the positions it may go on from.

    `group` and the partitions' topics are named as Kafka has them, with the installation's
    `prefix`; records are named without.
    """

    def __init__(
        self,
        pool: Pool,
        client: AIOKafkaConsumer,
        group: str,
        *,
        prefix: str,
        drained_within: timedelta,
    ) -> None:
        self.client = client
        self.group = group
        self.positions: dict[TopicPartition, int] = {}
        self.epoch = 0
        """Rises whenever positions are sought or given up: what was fetched before may leave a
        gap."""
        self.is_joined = False
        self.idle = asyncio.Event()
        """Clear while a batch is being applied."""
        self.idle.set()
        self._pool = pool
        self._prefix = prefix
        self._drained_within = drained_within
        self._shown: dict[TopicPartition, int] = {}
        self._progress_at = time.monotonic()

    @property
    def silent(self) -> timedelta:
        """The time since there was progress, or nothing to do."""
        return timedelta(seconds=time.monotonic() - self._progress_at)

    def note_progress(self) -> None:
        """A batch was applied, or there is none to apply."""
        self._progress_at = time.monotonic()

    # -- rebalances -------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let the batch in hand end, in bounded time; the fence does the rest."""
        await has_passed(self.idle, self._drained_within)
        self.epoch += 1
        for partition in revoked:
            self.positions.pop(partition, None)
            self._shown.pop(partition, None)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Stand at the stored positions. A failure here is retried by the watchdog."""
        self.is_joined = True
        self.note_progress()
        await self.seek_to_stored(list(assigned))

    # -- positions --------------------------------------------------------------------------

    async def seek_to_stored(self, partitions: Sequence[TopicPartition]) -> None:
        """Seek to the stored positions; a partition seen for the first time begins at its start."""
        if not partitions:
            return
        async with reading(self._pool) as connection:
            stored = await load_positions(connection, self.group, partitions)
        unseen = [partition for partition in partitions if partition not in stored]
        if unseen:
            earliest = await self._begin_offsets(unseen)
            async with unit_of_work(self._pool) as connection:
                await store_first_positions(connection, self.group, earliest)
                stored |= await load_positions(connection, self.group, unseen)
        self.seek(stored)

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        """Go on from these positions, where the partitions are still assigned."""
        self.epoch += 1
        assigned = self.client.assignment()
        for partition, offset in list(positions.items()):
            if partition in assigned:
                self.client.seek(partition, offset)
                self.positions[partition] = offset
            else:
                self.positions.pop(partition, None)

    async def check_range(self, partitions: Sequence[TopicPartition]) -> None:
        """Raises `PositionLost` when a stored position lies outside the log."""
        begin = await self._begin_offsets(partitions)
        end = await self.end_offsets(partitions)
        for partition in partitions:
            position = self.positions.get(partition)
            if position is not None and not begin[partition] <= position <= end[partition]:
                raise PositionLost(partition, position, begin[partition], end[partition])

    async def _begin_offsets(
        self, partitions: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return await bounded(self.client.beginning_offsets(partitions), ANSWERED_WITHIN)

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where the log ends, by partition."""
        return await bounded(self.client.end_offsets(partitions), ANSWERED_WITHIN)

    # -- batches ----------------------------------------------------------------------------

    def records_of(
        self, fetched: Mapping[TopicPartition, Sequence[ConsumerRecord]]
    ) -> list[Record]:
        """What was fetched from the positions on; what lies before them was a client's guess."""
        records = []
        for partition, batch in fetched.items():
            if (position := self.positions.get(partition)) is None:
                continue
            topic = partition.topic.removeprefix(self._prefix)
            records += [_record(topic, raw) for raw in batch if raw.offset >= position]
        return records

    def moves_past(self, records: Sequence[Record]) -> Moves:
        """How positions move with the records, which are in the log's order.

        Raises `PositionMoved` when one is given up, or the records begin before it: those were
        fetched while the batch before was applied, and a client may hand out again what that had.
        """
        ends = {(record.topic, record.partition): record.offset + 1 for record in records}
        starts = {(record.topic, record.partition): record.offset for record in reversed(records)}
        moves = {}
        for (topic, number), end in ends.items():
            partition = TopicPartition(self._prefix + topic, number)
            expected = self.positions.get(partition)
            if expected is None or starts[topic, number] < expected:
                raise PositionMoved(self.group)
            moves[partition] = (expected, end)
        return moves

    def advance(self, moves: Moves) -> None:
        """The moves are committed."""
        for partition, (_, new) in moves.items():
            if partition in self.positions:
                self.positions[partition] = new

    # -- what others see --------------------------------------------------------------------

    async def show_positions(self) -> None:
        """Show stored positions to Kafka, for lag dashboards; never ahead of what is stored."""
        changed = {
            partition: OffsetAndMetadata(position, "")
            for partition, position in self.positions.items()
            if self._shown.get(partition) != position
        }
        if not changed:
            return
        try:
            await bounded(self.client.commit(changed), SHOWN_WITHIN)
        except (KafkaError, TimeoutError, Outage) as error:
            log.debug("consumer.positions_not_shown", group=self.group, reason=repr(error))
        else:
            self._shown.update({p: shown.offset for p, shown in changed.items()})


def _record(topic: str, raw: ConsumerRecord) -> Record:
    return Record(topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, raw.headers)
