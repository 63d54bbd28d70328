"""Apply records in one transaction: shared by the consumer, by replay and by the sweep."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import asyncpg
from opentelemetry import propagate, trace

from common.contracts.envelope import BadRecord, decode
from common.contracts.topics import BY_NAME, OTHERS
from common.errors import Outage
from common.failpoints import FailpointError, reach
from common.messaging.dead_letters import keep_setbacks
from common.messaging.quarantine import Origin, load_quarantined, wait_of
from common.messaging.records import Delivery, Parked, Record, Rejected, Setback, Subscription
from common.postgres.pool import OUTAGE_ERRORS, Connection
from common.telemetry.names import CONSUMER_RECORDS, SPAN_PROCESS
from common.telemetry.setup import counter, links_to

_tracer = trace.get_tracer("channel.messaging")
_records = counter(CONSUMER_RECORDS)


def is_about_the_data(error: Exception) -> bool:
    """Whether the failure lies in a record (halve the batch) and not in what is around it."""
    if isinstance(
        error, ValueError | asyncpg.DataError | asyncpg.IntegrityConstraintViolationError
    ):
        return True
    return not isinstance(
        error,
        (
            *OUTAGE_ERRORS,
            Outage,
            FailpointError,
            asyncpg.PostgresError,
            asyncpg.InternalClientError,
        ),
    )


@dataclass(frozen=True)
class Decoded:
    """A batch of records: those that decode, and dead letters for those that do not."""

    records: Sequence[Record]
    deliveries: Sequence[Delivery[Any]]
    setbacks: Sequence[Setback]


class Applier:
    """A consumer group's handlers, applied to batches of records."""

    def __init__(self, group: str, subscriptions: Sequence[Subscription]) -> None:
        self.group = group
        self._by_topic: Mapping[str, Subscription] = {s.event.topic: s for s in subscriptions}

    def handles(self, topic: str) -> bool:
        """Whether this group takes records of the topic."""
        return topic in self._by_topic

    async def apply(self, connection: Connection, batch: Decoded) -> list[Setback]:
        """Handle the records, keep what could not be taken; that is returned too."""
        with self._span(batch.records, batch.deliveries):
            deliveries, held = await self._hold_back(connection, batch.deliveries)
            handled = await self._handle(connection, deliveries)
            reach("consumer.after-write")
            setbacks = [*batch.setbacks, *held, *handled]
            await keep_setbacks(connection, self.group, setbacks)
        return setbacks

    async def handle_again(
        self, connection: Connection, records: Sequence[Record]
    ) -> list[Setback]:
        """Decode and handle kept records; what still cannot be taken is returned, not kept."""
        batch = self.decode(records)
        with self._span(batch.records, batch.deliveries):
            return [*batch.setbacks, *await self._handle(connection, batch.deliveries)]

    def count(self, records: Sequence[Record], setbacks: Sequence[Setback]) -> None:
        """Count the records' fates, once the transaction is committed."""
        rejected = sum(isinstance(setback, Rejected) for setback in setbacks)
        parked = len(setbacks) - rejected
        taken = len(records) - len(setbacks)
        for fate, number in (("taken", taken), ("rejected", rejected), ("parked", parked)):
            if number:
                _records.add(number, {"group": self.group, "fate": fate})

    def origins(
        self, records: Sequence[Record], setbacks: Sequence[Setback]
    ) -> tuple[Counter[Origin], Counter[Origin]]:
        """How many records of each origin among other systems came, and how many were bad."""
        outside = [r for r in records if BY_NAME[r.topic].producer == OTHERS]
        bad = [s.record for s in setbacks if isinstance(s, Rejected)]
        return _count_origins(outside), _count_origins(bad) if outside else Counter()

    def decode(self, records: Sequence[Record]) -> Decoded:
        """Decode each record by itself: a bad one leaves its neighbours unharmed."""
        deliveries: list[Delivery[Any]] = []
        setbacks: list[Setback] = []
        for record in records:
            event = self._by_topic[record.topic].event
            try:
                envelope = decode(event, record.key, record.value, record.headers)
            except BadRecord as bad:
                setbacks.append(Rejected.because(record, bad))
            else:
                deliveries.append(Delivery(envelope, record))
        return Decoded(records, deliveries, setbacks)

    async def _hold_back(
        self, connection: Connection, deliveries: Sequence[Delivery[Any]]
    ) -> tuple[list[Delivery[Any]], list[Setback]]:
        """Park what comes from an origin in quarantine."""
        quarantined = await load_quarantined(connection, self.group)
        if not quarantined:
            return list(deliveries), []
        free: list[Delivery[Any]] = []
        held: list[Setback] = []
        for delivery in deliveries:
            origin = _origin(delivery.record)
            if origin in quarantined and BY_NAME[delivery.record.topic].producer == OTHERS:
                held.append(Parked(delivery.record, wait_of(origin)))
            else:
                free.append(delivery)
        return free, held

    async def _handle(
        self, connection: Connection, deliveries: Sequence[Delivery[Any]]
    ) -> list[Setback]:
        by_topic: dict[str, list[Delivery[Any]]] = defaultdict(list)
        for delivery in deliveries:
            by_topic[delivery.record.topic].append(delivery)
        setbacks: list[Setback] = []
        for topic, batch in sorted(by_topic.items()):
            setbacks += await self._by_topic[topic].handle(connection, batch)
        return setbacks

    def _span(
        self, records: Sequence[Record], deliveries: Sequence[Delivery[Any]]
    ) -> AbstractContextManager[trace.Span]:
        """One span a batch: a child where one record caused it, with links where many did."""
        traces = [delivery.envelope.traceparent for delivery in deliveries]
        attributes: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": self.group,
            "messaging.destination.name": ",".join(sorted({r.topic for r in records})),
            "messaging.batch.message_count": len(records),
        }
        only = traces[0] if len(records) == 1 and traces else None
        return _tracer.start_as_current_span(
            f"{SPAN_PROCESS} {self.group}",
            context=propagate.extract({"traceparent": only}) if only else None,
            kind=trace.SpanKind.CONSUMER,
            links=links_to(traces),
            attributes=attributes,
        )


def _origin(record: Record) -> Origin:
    return record.source, record.merchant_id


def _count_origins(records: Sequence[Record]) -> Counter[Origin]:
    """By origin; what names it is decoded once for all records of it."""
    examples: dict[tuple[bytes | None, bytes], Record] = {}
    numbers: Counter[tuple[bytes | None, bytes]] = Counter()
    for record in records:
        source = next((value for name, value in record.headers if name == "ce_source"), None)
        raw = (source, (record.key or b"").split(b"/", 1)[0])
        numbers[raw] += 1
        examples.setdefault(raw, record)
    counts: Counter[Origin] = Counter()
    for raw, number in numbers.items():
        counts[_origin(examples[raw])] += number
    return counts
