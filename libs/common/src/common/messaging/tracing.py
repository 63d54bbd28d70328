"""Spans of records: sent by the relay, processed by a consumer group, each in its own trace."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from aiokafka.structs import RecordMetadata
from opentelemetry.trace import Span, SpanKind

from common.contracts.envelope import Headers
from common.messaging.records import Delivery, Record
from common.telemetry.names import SPAN_PROCESS, SPAN_SEND
from common.telemetry.tracing import (
    Attribute,
    current_traceparent,
    exports_rows,
    mark_failed,
    open_step,
    span_of,
    traceparent_of,
)

TRACEPARENT = "traceparent"


@contextmanager
def processing(
    group: str, records: Sequence[Record], deliveries: Sequence[Delivery[Any]]
) -> Iterator[list[Delivery[Any]]]:
    """The span of a batch, and of each of its records that is traced; what a delivery leads to
    continues its record's.

    A record alone has one span, in its own trace. The span of several links to their traces; while
    nobody receives spans, it only names the trace of what is logged and sent meanwhile.
    """
    is_alone = len(records) == 1
    # Links of a batch that nobody receives, and spans of its records, take a twentieth of ingest.
    is_linked = len(deliveries) == 1 or exports_rows()
    causes = [delivery.traceparent for delivery in deliveries] if is_linked else []
    topics = ",".join(sorted({record.topic for record in records}))
    attributes: dict[str, Attribute] = {
        **_about(topics, "process"),
        "messaging.consumer.group.name": group,
        "messaging.batch.message_count": len(records),
    }
    if is_alone:
        attributes |= _place(records[0], deliveries[0] if deliveries else None)
    with span_of(
        f"{SPAN_PROCESS} {topics}",
        causes,
        kind=SpanKind.CONSUMER,
        attributes=attributes,
    ):
        if is_alone:
            here = current_traceparent()
            yield [msgspec.structs.replace(d, continued=here) for d in deliveries]
            return
        if not exports_rows():
            yield list(deliveries)
            return
        opened = [_open(group, delivery) for delivery in deliveries]
        try:
            yield [
                delivery
                if span is None
                else msgspec.structs.replace(delivery, continued=traceparent_of(span))
                for delivery, span in zip(deliveries, opened, strict=True)
            ]
        except BaseException as error:
            for span in filter(None, opened):
                mark_failed(span, error)
            raise
        finally:
            for span in filter(None, opened):
                span.end()


def _open(group: str, delivery: Delivery[Any]) -> Span | None:
    record, cause = delivery.record, delivery.traceparent
    span = open_step(
        f"{SPAN_PROCESS} {record.topic}", cause, kind=SpanKind.CONSUMER, may_begin=True
    )
    if span is not None:
        span.set_attributes(
            {
                **_about(record.topic, "process"),
                **_place(record, delivery),
                "messaging.consumer.group.name": group,
            }
        )
    return span


def begin_send(topic: str, headers: Headers) -> tuple[Headers, Span | None]:
    """The span of sending a record, where its trace is sampled, and the headers that name it as
    what the record's consumers continue."""
    cause = next((value.decode() for name, value in headers if name == TRACEPARENT), None)
    if cause is None:
        return headers, None
    span = open_step(f"{SPAN_SEND} {topic}", cause, kind=SpanKind.PRODUCER)
    if span is None:
        return headers, None
    span.set_attributes(_about(topic, "send"))
    here = traceparent_of(span).encode()
    return [(name, here if name == TRACEPARENT else value) for name, value in headers], span


def end_send(span: Span | None, outcome: object) -> None:
    """End it with where the record stands in the log, or with what the broker refused it for."""
    if span is None:
        return
    if isinstance(outcome, RecordMetadata):
        span.set_attributes(
            {
                "messaging.destination.partition.id": str(outcome.partition),
                "messaging.kafka.offset": outcome.offset,
            }
        )
    elif isinstance(outcome, BaseException):
        mark_failed(span, outcome)
    span.end()


def _about(topic: str, operation: str) -> dict[str, Attribute]:
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
    }


def _place(record: Record, delivery: Delivery[Any] | None) -> Mapping[str, Attribute]:
    place: dict[str, Attribute] = {
        "messaging.destination.partition.id": str(record.partition),
        "messaging.kafka.offset": record.offset,
        "messaging.kafka.message.key": (record.key or b"").decode(errors="replace"),
    }
    if delivery is not None and delivery.envelope.id:
        place["messaging.message.id"] = delivery.envelope.id
    return place
