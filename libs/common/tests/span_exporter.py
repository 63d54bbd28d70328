"""What a test traces, kept in memory."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from common.telemetry import tracing
from common.telemetry.tracing import export_rows, new_provider


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """The spans that ended; rows are traced where they came with a trace."""
    exporter = InMemorySpanExporter()
    provider = new_provider(TracerProvider())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    export_rows(is_on=True, traces_per_second=0)
    yield exporter
    export_rows(is_on=False, traces_per_second=0)
    provider.shutdown()
