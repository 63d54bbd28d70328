"""The publisher: an idempotent Kafka producer that waits for every acknowledgement."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from common.contracts.catalog import CatalogUpdated, FieldValue
from common.contracts.envelope import BadRecord, EncodedEvent, RecordTooLarge, decode, encode
from common.contracts.signature import ProducerKey
from common.kafka_access import KafkaAccess
from common.kafka_refusals import name_refusals


class EventRefused(ValueError):
    """The event would become a dead letter; `reason` says why, `remedy` what to do."""

    def __init__(self, event: CatalogUpdated, reason: str, remedy: str) -> None:
        super().__init__(f"{event.product_id}: {reason} {remedy}")
        self.event = event
        self.reason = reason
        self.remedy = remedy


class NotPublished(Exception):
    """The brokers did not acknowledge these events; publish them again."""

    def __init__(self, events: Sequence[CatalogUpdated], cause: BaseException) -> None:
        super().__init__(f"{len(events)} events were not acknowledged: {cause!r}")
        self.events = list(events)


def upsert(
    merchant_id: str,
    catalogue_id: str,
    product_id: str,
    fields: Mapping[str, FieldValue],
    *,
    version: int | None = None,
    parent_id: str | None = None,
) -> CatalogUpdated:
    """The product as it now is. `version` is needed in a catalogue declared `explicit`."""
    return CatalogUpdated(
        merchant_id=merchant_id,
        catalogue_id=catalogue_id,
        product_id=product_id,
        action="upsert",
        version=version,
        parent_id=parent_id,
        fields=dict(fields),
    )


def delete(
    merchant_id: str, catalogue_id: str, product_id: str, *, version: int | None = None
) -> CatalogUpdated:
    """The product is gone."""
    return CatalogUpdated(
        merchant_id=merchant_id,
        catalogue_id=catalogue_id,
        product_id=product_id,
        action="delete",
        version=version,
    )


class CatalogPublisher:
    """Publishes catalogue events; use it as an asynchronous context manager.

    `source` names the publishing system in every event (CloudEvents `source`): what it sends badly
    is quarantined under that name alone. `topic_prefix` is the installation's. `kafka` is an
    address that is reached in plain, or a `KafkaAccess` with TLS and an identity. `signing_key` is
    one of an API client of the events' merchant, as auth-service showed it.
    """

    def __init__(
        self,
        kafka: KafkaAccess | str,
        *,
        source: str,
        signing_key: ProducerKey | str | None = None,
        topic_prefix: str = "",
        batch_events: int = 1_000,
        acknowledged_within: timedelta = timedelta(seconds=30),
    ) -> None:
        self._kafka = KafkaAccess.of(kafka)
        self._key = ProducerKey.parse(signing_key) if isinstance(signing_key, str) else signing_key
        self._source = source
        self._topic = topic_prefix + CatalogUpdated.topic
        self._batch_events = batch_events
        self._acknowledged_within = acknowledged_within
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        """Connect. Raises aiokafka's `KafkaConnectionError` when no broker answers, and
        `IdentityRefused` where one does not take us for whom we say we are."""
        self._producer = AIOKafkaProducer(
            **self._kafka.client_options(),
            enable_idempotence=True,
            acks="all",
            linger_ms=10,
            max_request_size=1_100_000,
            request_timeout_ms=int(self._acknowledged_within.total_seconds() * 1000),
        )
        name_refusals(self._producer.client, self._kafka)
        try:
            await self._producer.start()
        except BaseException:
            await self._producer.stop()
            raise
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Disconnect; everything published was acknowledged before."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def publish(
        self, events: Sequence[CatalogUpdated], *, traceparent: str | None = None
    ) -> None:
        """Publish the events, in order per product. Raises `EventRefused` before any is sent, and
        `NotPublished` when the brokers do not acknowledge in time."""
        encoded = [self._encode(event, traceparent) for event in events]
        for start in range(0, len(events), self._batch_events):
            end = start + self._batch_events
            await self._send(events[start:end], encoded[start:end])

    def _encode(self, event: CatalogUpdated, traceparent: str | None) -> EncodedEvent:
        try:
            record = encode(event, source=self._source, traceparent=traceparent)
            decode(CatalogUpdated, record.key, record.value, record.headers)
        except RecordTooLarge as error:
            raise EventRefused(event, str(error), "Shorten the product's fields.") from None
        except BadRecord as error:
            raise EventRefused(event, error.detail, error.remedy) from None
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise EventRefused(event, str(error), "Send texts, numbers and booleans.") from None
        if self._key is None:
            return record
        signature = self._key.sign(record.topic, record.key, record.value)
        return replace(record, headers=[*record.headers, signature])

    async def _send(
        self, events: Sequence[CatalogUpdated], encoded: Sequence[EncodedEvent]
    ) -> None:
        if self._producer is None:
            raise RuntimeError("use the publisher in an `async with` block")
        futures: list[asyncio.Future[object]] = []
        failure: BaseException | None = None
        try:
            async with asyncio.timeout(self._acknowledged_within.total_seconds()):
                for record in encoded:
                    futures.append(  # noqa: PERF401 - each send may wait for room in the buffer
                        await self._producer.send(
                            self._topic, record.value, record.key, headers=record.headers
                        )
                    )
                await asyncio.wait(futures)
        except (TimeoutError, KafkaError) as error:
            failure = error
        missing = [
            event
            for place, event in enumerate(events)
            if place >= len(futures) or not _is_acknowledged(futures[place])
        ]
        if missing:
            refusals = [f.exception() for f in futures if f.done() and not f.cancelled()]
            cause = failure or next((error for error in refusals if error), TimeoutError())
            raise NotPublished(missing, cause)


def _is_acknowledged(future: asyncio.Future[object]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
