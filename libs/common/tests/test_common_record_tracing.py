"""Each record is sent and processed in its own trace; a batch links to them."""

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.structs import RecordMetadata, TopicPartition
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import decode, encode, headers_from_json
from common.contracts.event import Event
from common.messaging.outbox import Caused, add_events
from common.messaging.records import Delivery, Record
from common.messaging.tracing import begin_send, end_send, processing
from common.postgres.unit_of_work import unit_of_work
from common.telemetry import tracing
from common.telemetry.tracing import current_traceparent, export_rows, trace_id_of

from .backbone_harness import Harness

GROUP = "catalog-service.sources"
TRACES = ["a" * 32, "c" * 32]
SAMPLED = [f"00-{trace}-{'b' * 16}-01" for trace in TRACES]
UNSAMPLED = f"00-{'e' * 32}-{'b' * 16}-00"


def deliveries_of(traceparents: Sequence[str | None]) -> list[Delivery[Any]]:
    deliveries: list[Delivery[Any]] = []
    for number, traceparent in enumerate(traceparents):
        event = CatalogUpdated(
            merchant_id="m", catalogue_id="c", product_id=f"P-{number}", action="delete", version=1
        )
        sent = encode(event, source="/test", traceparent=traceparent)
        record = Record(sent.topic, 3, number, 0, sent.key, sent.value, sent.headers)
        envelope = decode(CatalogUpdated, sent.key, sent.value, sent.headers)
        deliveries.append(Delivery(envelope, record))
    return deliveries


def process(traceparents: Sequence[str | None]) -> list[str | None]:
    """What continues each record's trace in its handler."""
    deliveries = deliveries_of(traceparents)
    with processing(GROUP, [one.record for one in deliveries], deliveries) as traced:
        return [one.traceparent for one in traced]


def trace_of(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}"


def test_records_of_a_batch_are_processed_in_their_own_traces(
    exporter: InMemorySpanExporter,
) -> None:
    continued = process([SAMPLED[0], UNSAMPLED, SAMPLED[1], None])
    assert [trace_id_of(one) for one in continued] == [TRACES[0], "e" * 32, TRACES[1], None]
    assert continued[0] not in SAMPLED
    first, second, batch = exporter.get_finished_spans()
    assert [trace_of(first), trace_of(second)] == TRACES
    assert {link.context.trace_id for link in first.links} == {int(trace_of(batch), 16)}
    assert {f"{link.context.trace_id:032x}" for link in batch.links} == {*TRACES, "e" * 32}
    assert (batch.attributes or {})["messaging.batch.message_count"] == 4
    assert {span.name for span in (first, second, batch)} == {"process catalog.updated"}
    assert {span.kind for span in (first, second, batch)} == {SpanKind.CONSUMER}
    attributes = second.attributes or {}
    assert attributes["messaging.kafka.offset"] == 2
    assert attributes["messaging.destination.partition.id"] == "3"
    assert attributes["messaging.message.id"]


def test_a_record_alone_has_one_span_in_its_own_trace(exporter: InMemorySpanExporter) -> None:
    [continued] = process([SAMPLED[0]])
    [span] = exporter.get_finished_spans()
    assert trace_of(span) == trace_id_of(continued) == TRACES[0]
    assert continued != SAMPLED[0]
    assert (span.attributes or {})["messaging.kafka.offset"] == 0


def test_records_without_a_trace_begin_some_while_there_is_budget(
    exporter: InMemorySpanExporter,
) -> None:
    export_rows(is_on=True, traces_per_second=0.001)
    continued = process([None] * (tracing.FIRST_TRACES + 20))
    begun = {trace_id_of(one) for one in continued} - {None}
    assert len(begun) == tracing.FIRST_TRACES


def test_a_batch_has_a_trace_of_its_own_while_nobody_receives_spans(
    exporter: InMemorySpanExporter,
) -> None:
    export_rows(is_on=False, traces_per_second=10)
    deliveries = deliveries_of([SAMPLED[0], None])
    with processing(GROUP, [one.record for one in deliveries], deliveries) as traced:
        here = trace_id_of(current_traceparent())
    assert traced == deliveries
    [batch] = exporter.get_finished_spans()
    assert trace_of(batch) == here


def test_a_batch_that_fails_fails_in_each_trace_without_its_text(
    exporter: InMemorySpanExporter,
) -> None:
    deliveries = deliveries_of([SAMPLED[0], SAMPLED[1]])
    with (
        pytest.raises(ValueError, match="Jane"),
        processing(GROUP, [one.record for one in deliveries], deliveries),
    ):
        raise ValueError("Jane Doe")
    spans = exporter.get_finished_spans()
    assert [(span.attributes or {})["error.type"] for span in spans] == ["ValueError"] * 3
    assert "Jane" not in "".join(span.to_json() for span in spans)


def test_a_record_is_sent_in_a_span_that_its_consumers_continue(
    exporter: InMemorySpanExporter,
) -> None:
    [delivery] = deliveries_of([SAMPLED[0]])
    headers, span = begin_send("order.received", list(delivery.record.headers))
    end_send(span, RecordMetadata("t", 5, TopicPartition("t", 5), 17, None, 0, 0))
    [sent] = exporter.get_finished_spans()
    context = sent.get_span_context()
    assert context is not None
    assert dict(headers)["traceparent"].decode()[36:52] == f"{context.span_id:016x}"
    assert [name for name, _ in headers] == [name for name, _ in delivery.record.headers]
    assert (sent.kind, sent.name, trace_of(sent)) == (
        SpanKind.PRODUCER,
        "send order.received",
        TRACES[0],
    )
    attributes = sent.attributes or {}
    assert attributes["messaging.destination.partition.id"] == "5"
    assert attributes["messaging.kafka.offset"] == 17


@pytest.mark.parametrize("traceparent", [None, UNSAMPLED])
def test_a_record_that_is_not_traced_keeps_its_headers(
    exporter: InMemorySpanExporter, traceparent: str | None
) -> None:
    [delivery] = deliveries_of([traceparent])
    before = list(delivery.record.headers)
    headers, span = begin_send("order.received", before)
    end_send(span, None)
    assert headers == before
    assert exporter.get_finished_spans() == ()


async def test_an_event_is_in_its_causes_trace_or_in_none(
    harness: Harness, exporter: InMemorySpanExporter
) -> None:
    event = CatalogUpdated(
        merchant_id="m", catalogue_id="c", product_id="p", action="delete", version=1
    )
    with tracing.span_of("turn") as turn:
        events: list[Event | Caused] = [event, Caused(event, SAMPLED[0]), Caused(event, None)]
        async with unit_of_work(harness.pool) as connection:
            await add_events(connection, events, source="/test")
    rows = await harness.pool.fetch("SELECT headers FROM outbox ORDER BY id")
    carried = [dict(headers_from_json(headers)).get("traceparent") for (headers,) in rows]
    wanted = [tracing.traceparent_of(turn), SAMPLED[0], None]
    assert carried == [None if one is None else one.encode() for one in wanted]
