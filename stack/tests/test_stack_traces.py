"""The local store of traces: OTLP in, Tempo's answers out, bounded in rows and age."""

import gzip
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from stack.run import keeps_traces
from stack.settings import StackSettings
from stack.traces.app import create_app
from stack.traces.store import TRIMMED_EVERY, SpanStore

TRACE = bytes.fromhex("a" * 32)


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def span(number: int, trace: bytes = TRACE, *, message_id: str = "") -> Span:
    return Span(
        trace_id=trace,
        span_id=number.to_bytes(8, "big"),
        parent_span_id=bytes(8) if number == 1 else (1).to_bytes(8, "big"),
        name=f"step {number}",
        start_time_unix_nano=number,
        end_time_unix_nano=number + 5,
        attributes=[
            *([text("messaging.message.id", message_id)] if message_id else []),
            KeyValue(key="count", value=AnyValue(int_value=2**60)),
            KeyValue(key="done", value=AnyValue(bool_value=True)),
            KeyValue(key="share", value=AnyValue(double_value=0.5)),
            KeyValue(
                key="names",
                value=AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="x")])),
            ),
        ],
        links=[Span.Link(trace_id=bytes.fromhex("b" * 32), span_id=bytes(8))],
    )


def exported(*spans: Span, service: str = "catalog-service") -> ResourceSpans:
    return ResourceSpans(
        resource=Resource(attributes=[text("service.name", service)]),
        scope_spans=[ScopeSpans(spans=spans)],
    )


def request(*spans: Span) -> bytes:
    body: bytes = ExportTraceServiceRequest(resource_spans=[exported(*spans)]).SerializeToString()
    return body


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SpanStore]:
    store = SpanStore(tmp_path / "spans.db")
    yield store
    store.close()


@pytest.fixture
async def http(store: SpanStore) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(create_app(store))
    async with httpx2.AsyncClient(transport=transport, base_url="http://traces") as client:
        yield client


def trace(number: int) -> bytes:
    return number.to_bytes(16, "big")


@pytest.mark.parametrize("is_packed", [False, True])
async def test_what_is_exported_is_answered_in_otlps_json(
    http: httpx2.AsyncClient, is_packed: bool
) -> None:
    body = request(span(1), span(2, message_id="e-1"))
    headers = {"content-type": "application/x-protobuf"}
    if is_packed:
        body, headers = gzip.compress(body), headers | {"content-encoding": "gzip"}
    assert (await http.post("/v1/traces", content=body, headers=headers)).status_code == 200
    answer = await http.get(f"/api/v2/traces/{TRACE.hex()}")
    found = {
        one["scopeSpans"][0]["spans"][0]["name"]: one
        for one in answer.json()["trace"]["resourceSpans"]
    }
    assert found.keys() == {"step 1", "step 2"}
    second = found["step 2"]
    assert second["resource"]["attributes"] == [
        {"key": "service.name", "value": {"stringValue": "catalog-service"}}
    ]
    shown = second["scopeSpans"][0]["spans"][0]
    assert shown["traceId"] == "a" * 32
    assert shown["parentSpanId"] == "0" * 15 + "1"
    assert (shown["startTimeUnixNano"], shown["endTimeUnixNano"]) == ("2", "7")
    assert shown["links"][0]["traceId"] == "b" * 32
    assert [one["value"] for one in shown["attributes"]] == [
        {"stringValue": "e-1"},
        {"intValue": str(2**60)},
        {"boolValue": True},
        {"doubleValue": 0.5},
        {"arrayValue": {"values": [{"stringValue": "x"}]}},
    ]


async def test_an_event_is_found_by_its_id(http: httpx2.AsyncClient) -> None:
    await http.post("/v1/traces", content=request(span(1, message_id="e-1"), span(2)))
    found = await http.get("/api/search", params={"tags": "messaging.message.id=e-1"})
    assert found.json() == {"traces": [{"traceID": TRACE.hex()}]}
    other = await http.get("/api/search", params={"tags": "messaging.message.id=e-2"})
    assert other.json() == {"traces": []}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\xff\xff\xff", {}),
        (b'{"resourceSpans": []}', {"content-type": "application/json"}),
        (b"no gzip", {"content-encoding": "gzip"}),
        (gzip.compress(bytes(40 * 1024 * 1024)), {"content-encoding": "gzip"}),
        (bytes(33 * 1024 * 1024), {}),
    ],
)
async def test_what_is_no_export_is_refused(
    http: httpx2.AsyncClient, body: bytes, headers: dict[str, str]
) -> None:
    answer = await http.post("/v1/traces", content=body, headers=headers)
    assert answer.status_code == 400
    assert "protobuf" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/api/v2/traces/{'9' * 32}", 404),
        ("/api/v2/traces/nothing", 400),
        ("/api/search?tags=service.name=x", 400),
    ],
)
async def test_what_is_not_there_or_not_asked_for_right_is_named(
    http: httpx2.AsyncClient, path: str, status: int
) -> None:
    answer = await http.get(path)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_span_sent_twice_is_kept_once(store: SpanStore) -> None:
    store.add([exported(span(1)), exported(span(1))])
    assert len(store.trace(TRACE)) == 1


def test_the_oldest_spans_of_too_many_are_forgotten(tmp_path: Path) -> None:
    store = SpanStore(tmp_path / "spans.db", most_spans=50)
    for number in range(1, TRIMMED_EVERY + 1):
        store.add([exported(span(1, trace(number)))])
    kept = [n for n in range(1, TRIMMED_EVERY + 1) if store.trace(trace(n))]
    store.close()
    assert 0 < len(kept) <= 50
    assert kept[-1] == TRIMMED_EVERY
    assert kept == list(range(kept[0], TRIMMED_EVERY + 1))


def test_old_spans_are_forgotten(tmp_path: Path) -> None:
    store = SpanStore(tmp_path / "spans.db", kept_for=timedelta())
    store.add([exported(span(1))])
    assert store.trace(TRACE)
    store.trim()
    assert not store.trace(TRACE)
    store.close()


def test_spans_outlive_the_process(tmp_path: Path) -> None:
    first = SpanStore(tmp_path / "spans.db")
    first.add([exported(span(1))])
    first.close()
    second = SpanStore(tmp_path / "spans.db")
    assert len(second.trace(TRACE)) == 1
    second.close()


@pytest.mark.parametrize(
    ("is_wanted", "variables", "keeps"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        (True, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://tempo/v1/traces"}, False),
        (True, {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://mimir/v1/metrics"}, True),
    ],
)
def test_the_stack_keeps_traces_unless_they_go_elsewhere(
    monkeypatch: pytest.MonkeyPatch, is_wanted: bool, variables: dict[str, str], keeps: bool
) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert keeps_traces(StackSettings(traces=is_wanted)) is keeps
