"""Apply records in one transaction: shared by the consumer, by replay and by the sweep."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog

from common.contracts.envelope import (
    BadRecord,
    claimed_merchant,
    claimed_source,
    decode,
    raw_header,
)
from common.contracts.topics import BY_NAME
from common.failpoints import reach
from common.messaging.dead_letters import keep_not_applied
from common.messaging.quarantine import Origin, load_quarantined, wait_of
from common.messaging.records import Delivery, NotApplied, Parked, Record, Rejected, Subscription
from common.messaging.tracing import processing
from common.postgres.pool import Connection
from common.telemetry.names import CONSUMER_RECORDS
from common.telemetry.setup import counter

log = structlog.get_logger()

_records = counter(CONSUMER_RECORDS)


@dataclass(frozen=True)
class Decoded:
    """A batch of records: those that decode, dead letters for those that do not, and how many came
    of each origin among other systems."""

    records: list[Record]
    deliveries: list[Delivery[Any]]
    not_applied: list[NotApplied]
    origins: Counter[Origin]

    @classmethod
    def of(cls, records: Sequence[Record]) -> "Decoded":
        """These records, none of them decoded yet."""
        return cls(list(records), [], [], origins_of(records))

    def add(self, records: Sequence[Record]) -> None:
        """Add records that follow, not decoded yet."""
        self.records.extend(records)
        self.origins.update(origins_of(records))


class Applier:
    """A consumer group's handlers, applied to batches of records."""

    def __init__(self, group: str, subscriptions: Sequence[Subscription]) -> None:
        self.group = group
        self._by_topic: Mapping[str, Subscription] = {s.event.topic: s for s in subscriptions}

    def handles(self, topic: str) -> bool:
        """Whether this group takes records of the topic."""
        return topic in self._by_topic

    async def verified(self, batch: Decoded) -> Decoded:
        """The batch, with dead letters for what is not of whom it claims to be. Raises `Outage`."""
        refused: list[Rejected] = []
        for topic, subscription in self._by_topic.items():
            if subscription.verify is not None:
                claims = [record for record in batch.records if record.topic == topic]
                refused += await subscription.verify(claims)
        if not refused:
            return batch
        unproven = {_place(refusal.record) for refusal in refused}
        return replace(
            batch,
            deliveries=[d for d in batch.deliveries if _place(d.record) not in unproven],
            not_applied=[
                *(n for n in batch.not_applied if _place(n.record) not in unproven),
                *refused,
            ],
        )

    @contextmanager
    def traced(self, batch: Decoded) -> Iterator[Decoded]:
        """The batch inside its span, its deliveries continuing those of their records."""
        with processing(self.group, batch.records, batch.deliveries) as deliveries:
            yield replace(batch, deliveries=deliveries)

    async def apply(self, connection: Connection, batch: Decoded) -> list[NotApplied]:
        """Handle the records, keep what could not be taken; that is returned too."""
        deliveries, held = await self._hold_back(connection, batch.deliveries)
        handled = await self._handle(connection, deliveries)
        reach("consumer.after-write")
        not_applied = [*batch.not_applied, *held, *handled]
        await keep_not_applied(connection, self.group, not_applied)
        return not_applied

    async def handle_again(
        self, connection: Connection, records: Sequence[Record]
    ) -> list[NotApplied]:
        """Decode and handle kept records; what still cannot be taken is returned, not kept."""
        with self.traced(self.decode(records)) as batch:
            return [*batch.not_applied, *await self._handle(connection, batch.deliveries)]

    def count(self, records: Sequence[Record], not_applied: Sequence[NotApplied]) -> None:
        """Count the records' outcomes, once the transaction is committed."""
        rejected = sum(isinstance(failure, Rejected) for failure in not_applied)
        parked = len(not_applied) - rejected
        taken = len(records) - len(not_applied)
        for outcome, number in (("taken", taken), ("rejected", rejected), ("parked", parked)):
            if number:
                _records.add(number, {"group": self.group, "outcome": outcome})
        _log_not_applied(self.group, not_applied)

    def decode(self, records: Sequence[Record]) -> Decoded:
        """Decode each record by itself: a bad one leaves its neighbours unharmed."""
        batch = Decoded.of(records)
        self.decode_into(batch, records)
        return batch

    def decode_into(self, batch: Decoded, records: Sequence[Record]) -> None:
        """Decode records of the batch, in the order they came."""
        for record in records:
            subscription = self._by_topic[record.topic]
            prepare = subscription.prepare
            try:
                envelope = decode(subscription.event, record.key, record.value, record.headers)
                prepared = prepare(envelope.data) if prepare else None
            except BadRecord as bad:
                batch.not_applied.append(Rejected.because(record, bad))
            except ValueError as error:
                batch.not_applied.append(Rejected.by_handler(record, error))
            else:
                batch.deliveries.append(Delivery(envelope, record, prepared))

    async def _hold_back(
        self, connection: Connection, deliveries: Sequence[Delivery[Any]]
    ) -> tuple[list[Delivery[Any]], list[NotApplied]]:
        """Park what comes from an origin in quarantine."""
        quarantined = await load_quarantined(connection, self.group)
        if not quarantined:
            return list(deliveries), []
        free: list[Delivery[Any]] = []
        held: list[NotApplied] = []
        for delivery in deliveries:
            origin = _origin(delivery.record)
            if origin in quarantined and BY_NAME[delivery.record.topic].is_from_others:
                held.append(Parked(delivery.record, wait_of(origin)))
            else:
                free.append(delivery)
        return free, held

    async def _handle(
        self, connection: Connection, deliveries: Sequence[Delivery[Any]]
    ) -> list[NotApplied]:
        by_topic: dict[str, list[Delivery[Any]]] = defaultdict(list)
        for delivery in deliveries:
            by_topic[delivery.record.topic].append(delivery)
        not_applied: list[NotApplied] = []
        for topic, batch in sorted(by_topic.items()):
            not_applied += await self._by_topic[topic].handle(connection, batch)
        return not_applied


def _log_not_applied(group: str, not_applied: Sequence[NotApplied]) -> None:
    """A line for each merchant and reason, with the place of the first of them."""
    alike: dict[tuple[str, str, str], list[NotApplied]] = defaultdict(list)
    for failure in not_applied:
        record = failure.record
        is_rejected = isinstance(failure, Rejected)
        reason = failure.reason if isinstance(failure, Rejected) else failure.waits_for
        kind = "record.dead_letter" if is_rejected else "record.parked"
        alike[kind, record.merchant_id, reason].append(failure)
    for (kind, merchant, reason), some in alike.items():
        first = some[0].record
        write = log.warning if kind == "record.dead_letter" else log.info
        write(
            kind,
            group=group,
            merchant=merchant,
            source=first.source,
            reason=reason,
            records=len(some),
            place=f"{first.topic}/{first.partition}/{first.offset}",
        )


def _place(record: Record) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


def _origin(record: Record) -> Origin:
    return record.source, record.merchant_id


def origins_of(records: Sequence[Record]) -> Counter[Origin]:
    """How many records came of each origin among other systems."""
    named = Counter(
        [
            (raw_header(record.headers, "ce_source"), (record.key or b"").partition(b"/")[0])
            for record in records
            if BY_NAME[record.topic].is_from_others
        ]
    )
    counts: Counter[Origin] = Counter()
    for (source, merchant_id), number in named.items():
        counts[claimed_source(source), claimed_merchant(merchant_id)] += number
    return counts
