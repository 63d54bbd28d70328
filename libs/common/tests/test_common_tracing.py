"""A child where there is one cause, links where there are many; nothing for what is not traced."""

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Tracer

from common.telemetry import tracing
from common.telemetry.tracing import (
    Budget,
    begin_trace_about,
    export_rows,
    span_of,
    step,
    trace_about,
    trace_id_of,
)

CAUSE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
OTHER = "00-" + "c" * 32 + "-" + "d" * 16 + "-01"
UNSAMPLED = CAUSE[:-2] + "00"


def tracer() -> Tracer:
    return tracing._tracer


def trace_of(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}"


def id_of(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return f"{context.span_id:016x}"


def linked(span: ReadableSpan) -> list[str]:
    return [f"{link.context.trace_id:032x}" for link in span.links]


def parent_of(span: ReadableSpan) -> str | None:
    return None if span.parent is None else f"{span.parent.span_id:016x}"


def test_a_step_is_a_child_of_its_cause_and_linked_to_the_batch(
    exporter: InMemorySpanExporter,
) -> None:
    with span_of("batch", [CAUSE, OTHER]):
        following = step("normalize family", CAUSE, attributes={"channel.family": "F-1"})
    row, batch = exporter.get_finished_spans()
    assert (trace_of(row), parent_of(row)) == ("a" * 32, "b" * 16)
    assert linked(row) == [trace_of(batch)]
    assert trace_id_of(following) == "a" * 32
    assert following is not None
    assert following[36:52] == id_of(row)


@pytest.mark.parametrize("cause", [None, "", UNSAMPLED, "garbage", CAUSE.replace("a", "0")])
def test_what_is_not_traced_stays_as_it_is(
    exporter: InMemorySpanExporter, cause: str | None
) -> None:
    assert step("row", cause) == cause
    assert exporter.get_finished_spans() == ()


@given(st.text(max_size=60))
@example("00-" + "g" * 32 + "-" + "b" * 16 + "-01")
def test_no_traceparent_a_producer_sends_makes_a_step_fail(text: str) -> None:
    export_rows(is_on=True, traces_per_second=0)
    try:
        assert trace_id_of(step("row", text)) == trace_id_of(text)
    finally:
        export_rows(is_on=False, traces_per_second=0)


def test_without_an_exporter_no_row_has_a_span(exporter: InMemorySpanExporter) -> None:
    export_rows(is_on=False, traces_per_second=10)
    assert step("row", CAUSE) == CAUSE
    assert step("row", None, may_begin=True) is None
    assert exporter.get_finished_spans() == ()


def test_as_many_traces_begin_as_the_budget_allows(exporter: InMemorySpanExporter) -> None:
    export_rows(is_on=True, traces_per_second=0.001)
    begun = [step("row", None, may_begin=True) for _ in range(tracing.FIRST_TRACES + 50)]
    traces = {trace_id_of(one) for one in begun if one is not None}
    assert len(traces) == tracing.FIRST_TRACES
    assert all(span.parent is None for span in exporter.get_finished_spans())
    assert step("row", None) is None


def test_a_budget_fills_up_again_and_never_above_its_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr("common.telemetry.tracing.time.monotonic", lambda: now[0])
    budget = Budget(2, at_once=3)
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    now[0] += 1
    assert [budget.take() for _ in range(3)] == [True, True, False]
    now[0] += 1_000
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    assert not Budget(0).take()


def test_a_span_of_one_cause_is_its_child_and_of_many_has_links(
    exporter: InMemorySpanExporter,
) -> None:
    with span_of("run"):
        with span_of("one", [CAUSE]):
            pass
        with span_of("many", [CAUSE, None, OTHER, CAUSE]):
            pass
    one, many, run = exporter.get_finished_spans()
    assert (trace_of(one), parent_of(one), linked(one)) == ("a" * 32, "b" * 16, [trace_of(run)])
    assert (trace_of(many), linked(many)) == (trace_of(run), ["a" * 32, "c" * 32])


def test_a_given_parent_places_a_span_in_its_trace(exporter: InMemorySpanExporter) -> None:
    with span_of("turn", parent=OTHER):
        pass
    [turn] = exporter.get_finished_spans()
    assert (trace_of(turn), parent_of(turn)) == ("c" * 32, "d" * 16)


def test_a_failure_leaves_its_kind_on_a_span_and_not_its_text(
    exporter: InMemorySpanExporter,
) -> None:
    with pytest.raises(ValueError, match="Jane Doe"), span_of("work"):
        raise ValueError("buyer Jane Doe")
    [span] = exporter.get_finished_spans()
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert not span.status.is_ok
    assert "Jane" not in span.to_json()


def test_a_call_that_nothing_traced_asked_for_leaves_no_span(
    exporter: InMemorySpanExporter,
) -> None:
    with tracer().start_as_current_span("GET", kind=SpanKind.CLIENT):
        pass
    with (
        span_of("job"),
        tracer().start_as_current_span("POST", kind=SpanKind.CLIENT),
    ):
        pass
    assert [span.name for span in exporter.get_finished_spans()] == ["POST", "job"]


def test_a_thing_has_the_same_trace_whenever_it_is_asked_for(
    exporter: InMemorySpanExporter,
) -> None:
    root = begin_trace_about("order", "order", "m", "shop", "77", lasted=timedelta(seconds=2))
    assert root == trace_about("order", "m", "shop", "77")
    assert root != trace_about("order", "m", "shop7", "7")
    assert step("request shipment", root) != root
    order, shipment = exporter.get_finished_spans()
    assert (order.parent, trace_of(order)) == (None, trace_id_of(root))
    assert parent_of(shipment) == id_of(order)
    assert order.start_time is not None
    assert order.end_time is not None
    assert 1.9e9 < order.end_time - order.start_time < 3e9
