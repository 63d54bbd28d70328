"""What a Kafka client does not tell: that it is stuck, that nobody in the group has a partition,
and that the group has caught up."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Never

import structlog
from aiokafka import TopicPartition

from common.messaging.assignment import Assignment
from common.messaging.clients import ClientStuck
from common.messaging.lag import Lag
from common.messaging.positions import load_positions
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading

log = structlog.get_logger()

CLAIMED_WITHIN = timedelta(seconds=10)
"""How long a partition may be nobody's before the group is asked to share them out again."""
CHECK_PROGRESS_EVERY = timedelta(seconds=5)
CHECK_GOAL_EVERY = timedelta(seconds=0.2)
STUCK_AFTER = timedelta(seconds=30)
TOPICS_KNOWN_WITHIN = timedelta(seconds=30)


class Watchdog:
    """Watches one client while it works.

    `caught_up` is set once the group has passed the end offsets seen when the watch began.
    """

    def __init__(
        self,
        pool: Pool,
        assignment: Assignment,
        topics: Sequence[str],
        caught_up: asyncio.Event,
        lag: Lag,
    ) -> None:
        self._pool = pool
        self._assignment = assignment
        self._topics = topics
        self._caught_up = caught_up
        self._lag = lag
        self._partitions: list[TopicPartition] = []
        self._claimed: set[TopicPartition] = set()
        self._rejoin_at = time.monotonic() + CLAIMED_WITHIN.total_seconds()

    async def watch(self) -> Never:
        """Raises `ClientStuck` or `PositionLost`, or what a failing look raised."""
        self._partitions = await self._all_partitions()
        goal = await self._assignment.end_offsets(self._partitions)
        while True:
            if not self._caught_up.is_set() and await self._has_reached(goal):
                self._caught_up.set()
            await self._check_progress()
            await self._check_claims()
            wait = CHECK_PROGRESS_EVERY if self._caught_up.is_set() else CHECK_GOAL_EVERY
            await asyncio.sleep(wait.total_seconds())

    async def _all_partitions(self) -> list[TopicPartition]:
        client = self._assignment.client
        async with asyncio.timeout(TOPICS_KNOWN_WITHIN.total_seconds()):
            while True:
                found = {topic: client.partitions_for_topic(topic) for topic in self._topics}
                if all(found.values()):
                    return [
                        TopicPartition(topic, number)
                        for topic, numbers in found.items()
                        for number in sorted(numbers or ())
                    ]
                await asyncio.sleep(0.2)

    async def _check_claims(self) -> None:
        """Join again while no member has ever had a partition: it is newer than the last rebalance.

        aiokafka looks for new partitions only in the member that was elected leader, and a leader
        that was restarted (a static member, so without a rebalance) does not know that it is one.
        """
        client = self._assignment.client
        known = {
            TopicPartition(topic, number)
            for topic in self._topics
            for number in client.partitions_for_topic(topic) or ()
        }
        unclaimed = sorted(known - self._claimed)
        if not unclaimed or not self._assignment.is_joined:
            return
        async with reading(self._pool) as connection:
            self._claimed |= (
                await load_positions(connection, self._assignment.group, unclaimed)
            ).keys()
        if self._claimed >= known or time.monotonic() < self._rejoin_at:
            return
        log.info("consumer.partitions_unclaimed", group=self._assignment.group)
        client._coordinator.request_rejoin()  # noqa: SLF001 - it has no name of its own
        self._rejoin_at = time.monotonic() + CLAIMED_WITHIN.total_seconds()

    async def _has_reached(self, goal: Mapping[TopicPartition, int]) -> bool:
        wanted = {partition: end for partition, end in goal.items() if end > 0}
        async with reading(self._pool) as connection:
            stored = await load_positions(connection, self._assignment.group, list(wanted))
        return all(stored.get(partition, 0) >= end for partition, end in wanted.items())

    async def _check_progress(self) -> None:
        assignment = self._assignment
        assigned = list(assignment.client.assignment())
        unpositioned = [p for p in assigned if p not in assignment.positions]
        if assignment.is_joined and unpositioned:
            await assignment.seek_to_stored(unpositioned)
        positions = dict(assignment.positions)
        ends = await assignment.end_offsets(list(positions) or self._partitions)
        if assignment.is_joined:
            self._lag.see({partition: ends[partition] for partition in positions})
        for partition, position in positions.items():
            if position > ends[partition]:
                await assignment.check_range([partition])
        has_lag = any(ends[partition] > position for partition, position in positions.items())
        if assignment.is_joined and not has_lag:
            assignment.note_progress()
        if assignment.silent > STUCK_AFTER:
            raise ClientStuck(f"no progress for {assignment.silent.total_seconds():.0f} s")
