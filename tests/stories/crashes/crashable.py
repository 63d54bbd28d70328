"""A system whose services can be killed at named places, and what is seen of it from outside.

Every failpoint is armed in every service, but a mark lies on each, so that none strikes until its
mark is removed (`common.failpoints`).
"""

import asyncio
import signal
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from common.contracts.topics import TOPICS
from common.failpoints import NAMES
from common.postgres.pool import Pool
from stack import processes
from stack.run import Stack
from stack.system import CATALOG, ORDERS, PUBLISHER, SERVICES
from stack.testing import StartSystem, eventually

WITHIN = 150.0
TOKEN_HOURS_BEFORE_FIRST_STEP = 2
SHORT_TOKENS: Mapping[str, str] = {
    "SANDBOX_TOKEN_SECONDS": str((14 * 24 + TOKEN_HOURS_BEFORE_FIRST_STEP) * 3_600),
}
"""Tokens whose first step (14 days before the end) is near."""

UNDONE: Mapping[str, Mapping[str, str]] = {
    CATALOG.name: {
        "family_mark": "true",
        "family_wait": "true",
        "catalogue_import": "state IN ('uploading', 'waiting', 'reading')",
    },
    PUBLISHER.name: {
        "feed_run": "state IN ('queued', 'planning', 'running')",
        "run_item": "status IN ('sending', 'in_job')",
        "remote_call": "state IN ('intended', 'unknown', 'following', 'stuck')",
    },
    ORDERS.name: {
        "order_import": "state <> 'done'",
        "shipment": "state IN ('pending', 'sent')",
        "tracking_correction": "state IN ('pending', 'sent')",
    },
}
"""What counts as work not done, by service and table."""


@dataclass(frozen=True)
class CrashableSystem:
    """The system, its services' databases and its topics."""

    stack: Stack
    marks: Path
    databases: Mapping[str, Pool]
    topics: "Topics"

    @asynccontextmanager
    async def killed_at(self, service: str, *places: str) -> AsyncIterator[None]:
        """While the block runs the service gets SIGKILL, once for each of the places.

        A place named twice kills the second time as well, and so on. Fails unless the service came
        to every one of them and the first process ended there by SIGKILL.
        """
        process = self.stack.process(service)
        victim = process._running
        assert victim is not None
        points = [
            _Failpoint(self.marks / service / place, times)
            for place, times in Counter(places).items()
        ]
        for point in points:
            point.mark.unlink()
        arming = asyncio.create_task(_arm_again(points))
        try:
            yield
        finally:
            arming.cancel()
            for point in points:
                point.has_struck()
                point.mark.touch()
        missed = [str(point) for point in points if not point.is_done]
        assert not missed, f"{service} was never, or not often enough, at {missed}"
        assert victim.pid in {pid for point in points for pid in point.killed}
        await eventually(lambda: victim.returncode == -signal.SIGKILL, within=WITHIN)
        await process.wait_until_ready()

    async def wait_until_idle(self) -> None:
        """Wait until nothing is left to do, without a person (invariant 9).

        Two readings must be the same: what moves on meanwhile cannot hide from both. Fails at once
        when a position was committed to Kafka ahead of the stored one (invariant 2).
        """
        deadline = time.monotonic() + WITHIN
        before = None
        while True:
            undone, ends = await self._undone(), await self._lag()
            if not undone and ends.is_reached and ends == before:
                return
            before = ends
            assert time.monotonic() < deadline, (undone, ends)
            await asyncio.sleep(0.05)

    async def _undone(self) -> list[str]:
        """Rows of work, by service; each database as it is at one moment."""
        found = []
        for service, pool in self.databases.items():
            tables = {"outbox": "true", "parked_event": "true"} | dict(UNDONE.get(service, {}))
            counts = [f"(SELECT count(*) FROM {t} WHERE {c}) AS {t}" for t, c in tables.items()]
            row = await pool.fetchrow(f"SELECT {', '.join(counts)}")
            assert row is not None
            found += [f"{service}: {rows} in {table}" for table, rows in row.items() if rows]
        return found

    async def _lag(self) -> "Lag":
        databases = self.databases.values()
        groups = [
            row["consumer_group"]
            for pool in databases
            for row in await pool.fetch("SELECT DISTINCT consumer_group FROM consumer_position")
        ]
        committed = {group: await self.topics.committed(group) for group in groups}
        stored = {
            (group, TopicPartition(*place)): offset
            for pool in databases
            for group, *place, offset in await pool.fetch("SELECT * FROM consumer_position")
        }
        ahead = [
            (group, partition)
            for group, positions in committed.items()
            for partition, offset in positions.items()
            if offset > stored[group, partition]
        ]
        assert ahead == []
        return Lag(stored, await self.topics.ends())


@dataclass
class _Failpoint:
    """One that strikes so many times, by its mark, which then holds the id of what it killed."""

    mark: Path
    times: int
    killed: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.mark.name} ({len(self.killed)} of {self.times} times)"

    @property
    def is_done(self) -> bool:
        """Whether it struck as often as it should."""
        return len(self.killed) == self.times

    def has_struck(self) -> bool:
        """Whether it struck since it was armed."""
        text = self.mark.read_text() if self.mark.exists() else ""
        is_new = bool(text) and int(text) not in self.killed
        if is_new:
            self.killed.append(int(text))
        return is_new


async def _arm_again(points: Sequence[_Failpoint]) -> None:
    """Arm each that struck until it has done so often enough."""
    while True:
        for point in points:
            if point.has_struck() and not point.is_done:
                point.mark.unlink()
        await asyncio.sleep(0.02)


@dataclass(frozen=True)
class Lag:
    """The stored positions, and then where the log ends."""

    stored: Mapping[tuple[str, TopicPartition], int]
    ends: Mapping[TopicPartition, int]

    @property
    def is_reached(self) -> bool:
        """Whether every group has taken all there is."""
        return all(self.ends[place] == offset for (_, place), offset in self.stored.items())


@asynccontextmanager
async def crashable_system(
    start_system: StartSystem, folder: Path
) -> AsyncIterator[CrashableSystem]:
    """Run one; `folder` is for the marks."""
    marks = folder
    environment = {"sandbox": SHORT_TOKENS}
    for service in SERVICES:
        (marks / service.name).mkdir(parents=True)
        for name in NAMES:
            (marks / service.name / name).touch()
        environment[service.name] = {
            f"{PUBLISHER.prefix}_REMOVAL_SHARE": "1",
            "FAILPOINTS": ",".join(f"{name}=kill" for name in sorted(NAMES)),
            "FAILPOINT_MARKS": str(marks / service.name),
        }
    async with AsyncExitStack() as cleaning:
        # killed on purpose every few seconds, it is no process that cannot live
        patch = cleaning.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(processes, "STEADY_AFTER", timedelta(0))
        stack = await cleaning.enter_async_context(start_system(environment))
        databases = {}
        for service in SERVICES:
            pool = asyncpg.create_pool(stack.database_url(service.name), min_size=1, max_size=2)
            databases[service.name] = await cleaning.enter_async_context(pool)
        topics = await cleaning.enter_async_context(
            open_topics(stack.addresses.kafka_bootstrap, stack.addresses.topic_prefix)
        )
        yield CrashableSystem(stack, marks, databases, topics)


# ---- Kafka


@dataclass
class Topics:
    """Another system that reads what the services publish, each event once by its `ce_id`."""

    reader: AIOKafkaConsumer
    admin: AIOKafkaAdminClient
    prefix: str
    events: dict[tuple[str, str], dict[bytes, bytes]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """By topic and key: the events' values by `ce_id`."""

    async def read_on(self) -> None:
        """Read on to where the facts end now."""
        ends = await self.ends()
        facts = [partition for partition in ends if partition not in self.reader.paused()]
        async with asyncio.timeout(WITHIN):
            while any([await self.reader.position(p) < ends[p] for p in facts]):
                for partition, records in (await self.reader.getmany(timeout_ms=100)).items():
                    for record in records:
                        place = partition.topic.removeprefix(self.prefix), record.key.decode()
                        self.events[place][dict(record.headers)["ce_id"]] = record.value

    def times(self, topic: str, key: str) -> int:
        """How many events of this key were read."""
        return len(self.events[topic, key])

    async def ends(self) -> dict[TopicPartition, int]:
        """Where all partitions end."""
        return dict(await self.reader.end_offsets(list(self.reader.assignment())))

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """The positions of a group that were committed to Kafka."""
        offsets = await self.admin.list_consumer_group_offsets(group)
        return {partition: committed.offset for partition, committed in offsets.items()}


@asynccontextmanager
async def open_topics(bootstrap: str, prefix: str) -> AsyncIterator[Topics]:
    """Read every fact the services publish."""
    reader = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,  # other requests wait behind a fetch
    )
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await reader.start()
    await admin.start()
    try:
        kinds = {prefix + topic.name: topic.kind for topic in TOPICS}
        partitions = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in await admin.describe_topics(list(kinds))
            for partition in topic["partitions"]
        ]
        reader.assign(partitions)
        reader.pause(*(p for p in partitions if kinds[p.topic] == "state"))
        yield Topics(reader, admin, prefix)
    finally:
        await admin.close()
        await reader.stop()
