"""The consumer: a member of a group that outlives its Kafka clients. See the package's page.

A `Consumer` owns one client at a time. One that breaks, whatever that looks like, is thrown away
with its `Assignment`, and a new one begins at the positions in Postgres.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from common.kafka_access import KafkaAccess
from common.messaging.applying import Applier
from common.messaging.assignment import Assignment
from common.messaging.batch_loop import BatchLoop
from common.messaging.clients import close_consumer, new_consumer
from common.messaging.lag import Lag
from common.messaging.positions import PositionLost
from common.messaging.quarantine import Breaker
from common.messaging.records import Subscription
from common.messaging.refusals import note_refusal
from common.messaging.watchdog import STUCK_AFTER, Watchdog
from common.postgres.pool import Pool
from common.supervision import Component, abandon, bounded
from common.telemetry.names import CONSUMER_REBUILDS
from common.telemetry.setup import counter

log = structlog.get_logger()

_rebuilds = counter(CONSUMER_REBUILDS)

STARTED_WITHIN = timedelta(seconds=30)


class Consumer(Component):
    """One member of a consumer group."""

    def __init__(
        self,
        pool: Pool,
        kafka: KafkaAccess | str,
        group: str,
        subscriptions: Sequence[Subscription],
        *,
        instance_id: str,
        topic_prefix: str = "",
        session_timeout: timedelta = timedelta(seconds=10),
        max_batch_records: int = 1_000,
    ) -> None:
        super().__init__(group, stop_within=timedelta(seconds=6))
        self.applier = Applier(group, subscriptions)
        self.caught_up = asyncio.Event()
        """Set once the group has passed the end offsets this member saw at its start."""
        self.failure: PositionLost | None = None
        self.lag = Lag(group, prefix=topic_prefix)
        self._pool = pool
        self._kafka = kafka
        self._prefix = topic_prefix
        self._topics = [topic_prefix + s.event.topic for s in subscriptions]
        self._instance = f"{topic_prefix}{group}-{instance_id}"
        self._session_timeout = session_timeout
        self._max_records = max_batch_records
        self._breaker = Breaker()
        self._assignment: Assignment | None = None

    @property
    def group(self) -> str:
        """The consumer group, without the installation's prefix."""
        return self.name

    @property
    def is_ready(self) -> bool:
        """Joined, and progressing or without lag."""
        assignment = self._assignment
        if assignment is None or self.failure is not None:
            return False
        return assignment.is_joined and assignment.silent < STUCK_AFTER

    async def _turn(self) -> timedelta:
        try:
            await self._run_client()
        except PositionLost as lost:
            self.failure = lost
            log.critical("consumer.position_lost", group=self.group, remedy=str(lost))
            await self.until_stopped()
        return timedelta()

    def _on_failure(self, error: BaseException) -> None:
        if not note_refusal(error, self.group):
            log.warning("consumer.rebuild", group=self.group, reason=repr(error))
        _rebuilds.add(1, {"group": self.group})

    async def _run_client(self) -> None:
        group = self._prefix + self.group
        client = new_consumer(
            self._kafka, group, self._instance, session_timeout=self._session_timeout
        )
        assignment = Assignment(
            self._pool,
            client,
            group,
            prefix=self._prefix,
            drained_within=self._session_timeout / 2,
        )
        client.subscribe(self._topics, listener=assignment)
        watchdog = Watchdog(self._pool, assignment, self._topics, self.caught_up, self.lag)
        loop = BatchLoop(
            self,
            self._pool,
            assignment,
            self.applier,
            self._breaker,
            max_records=self._max_records,
        )
        self._assignment = assignment
        watching = None
        try:
            await bounded(client.start(), STARTED_WITHIN)
            watching = asyncio.create_task(watchdog.watch())
            await loop.work(watching)
        finally:
            self._assignment = None
            if watching is not None:
                abandon(watching)
            await close_consumer(client)
