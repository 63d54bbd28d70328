"""One span and one count a call, without secrets."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from aliexpress import oauth, shop, telemetry
from aliexpress.errors import MarketplaceFailure
from aliexpress.operation import AccessToken

METHOD = "aliexpress.solution.merchant.profile.get"
PROFILE = {"aliexpress_solution_merchant_profile_get_response": {"shop_id": 1, "request_id": "r1"}}


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    meter = provider.get_meter("test")
    monkeypatch.setattr(telemetry, "_calls", meter.create_counter("calls"))
    monkeypatch.setattr(telemetry, "_duration", meter.create_histogram("duration"))
    yield reader
    provider.shutdown()


async def test_a_call_is_one_client_span(
    spans: InMemorySpanExporter, answering: Callable[..., Any], token: AccessToken
) -> None:
    await shop.load_merchant_profile(answering(PROFILE), token)
    [span] = spans.get_finished_spans()
    assert span.name == f"aliexpress {METHOD}"
    assert span.kind is SpanKind.CLIENT
    assert dict(span.attributes or {}) == {
        "channel.operation": METHOD,
        "channel.seller": "2200100001",
        "channel.outcome": "ok",
        "channel.request_id": "r1",
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": span.attributes["server.address"] if span.attributes else None,
        "server.port": span.attributes["server.port"] if span.attributes else None,
        "url.full": span.attributes["url.full"] if span.attributes else None,
    }


async def test_a_failed_call_names_its_outcome_and_nothing_secret(
    spans: InMemorySpanExporter, answering: Callable[..., Any], token: AccessToken
) -> None:
    error = {"type": "ISV", "code": "IllegalAccessToken", "message": "m", "request_id": "r2"}
    client = answering(error)
    with pytest.raises(MarketplaceFailure):
        await shop.load_merchant_profile(client, token)
    [span] = spans.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["channel.outcome"] == "token_dead"
    assert span.attributes["channel.request_id"] == "r2"
    assert span.status.status_code is StatusCode.ERROR
    for secret in ("canary-token", "helloworld", client.recorded.fields["sign"]):
        assert secret not in span.to_json()


async def test_calls_are_counted_by_operation_and_outcome(
    metrics: InMemoryMetricReader, answering: Callable[..., Any], token: AccessToken
) -> None:
    await shop.load_merchant_profile(answering(PROFILE), token)
    with pytest.raises(MarketplaceFailure):
        await oauth.create_token(answering(b"", status=500), "code")
    data = metrics.get_metrics_data()
    assert data is not None
    found = {
        metric.name: [dict(point.attributes or {}) for point in metric.data.data_points]
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
    }
    expected = [
        {"operation": METHOD, "outcome": "ok"},
        {"operation": "/auth/token/create", "outcome": "outcome_unknown"},
    ]
    assert found == {"calls": expected, "duration": expected}
