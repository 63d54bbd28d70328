"""One wiring of traces, metrics and logs for every service.

All three go out by OTLP over HTTP where OpenTelemetry's own variables name a receiver
(`OTEL_EXPORTER_OTLP_ENDPOINT`, or one of a single signal; `OTEL_TRACES_EXPORTER=none` and the like
keep one back). Metrics are always served at `/metrics` too, logs always written to stderr.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Literal

from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from common.telemetry.logs import set_up_logs
from common.telemetry.names import Metric
from common.telemetry.redaction import RedactingSpanProcessor
from common.telemetry.tracing import export_rows, new_provider

Signal = Literal["TRACES", "METRICS", "LOGS"]


def set_up(
    service: str, *, instance: str, level: str = "INFO", traces_per_second: float = 10
) -> None:
    """Wire the process's telemetry; call once, first. `traces_per_second` may begin for rows that
    bring none."""
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    resource = Resource.create({"service.name": service, "service.instance.id": instance})
    _set_up_traces(resource, traces_per_second)
    _set_up_metrics(resource)
    logs = None
    if is_exported("LOGS"):
        logs = LoggerProvider(resource=resource)
        logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
        set_logger_provider(logs)
    set_up_logs(service, level, logs)


def flush() -> None:
    """Send what the process still holds; waits a second at most for each signal."""
    for provider in (trace.get_tracer_provider(), get_logger_provider()):
        force_flush = getattr(provider, "force_flush", None)
        if force_flush is not None:
            force_flush(1_000)


def is_exported(signal: Signal) -> bool:
    """Whether the signal goes out by OTLP, by OpenTelemetry's variables."""
    chosen = os.environ.get(f"OTEL_{signal}_EXPORTER", "otlp").split(",")
    return "otlp" in chosen and bool(
        os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
        or os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    )


def _set_up_traces(resource: Resource, traces_per_second: float) -> None:
    provider = new_provider(TracerProvider(resource=resource))
    provider.add_span_processor(RedactingSpanProcessor())
    has_receiver = is_exported("TRACES")
    if has_receiver:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    export_rows(is_on=has_receiver, traces_per_second=traces_per_second)
    trace.set_tracer_provider(provider)


def _set_up_metrics(resource: Resource) -> None:
    readers: list[MetricReader] = [PrometheusMetricReader()]
    if is_exported("METRICS"):
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=readers))


_meter = metrics.get_meter("channel")


def counter(metric: Metric) -> metrics.Counter:
    """A counter of this name."""
    return _meter.create_counter(metric.name, metric.unit, metric.meaning)


def histogram(metric: Metric) -> metrics.Histogram:
    """A histogram of this name, with the metric's bounds."""
    return _meter.create_histogram(
        metric.name,
        metric.unit,
        metric.meaning,
        explicit_bucket_boundaries_advisory=metric.bounds,
    )


Labels = tuple[tuple[str, str], ...]
"""Names and values, by name."""


class Gauge:
    """A gauge whose latest readings a background job sets, by attribute set.

    A series that is not in the latest `replace` ends.
    """

    def __init__(self, metric: Metric) -> None:
        self._readings: dict[Labels, float] = {}
        _meter.create_observable_gauge(metric.name, [self._observe], metric.unit, metric.meaning)

    def set(self, value: float, attributes: Mapping[str, str] | None = None) -> None:
        """Remember this reading."""
        self._readings[tuple(sorted((attributes or {}).items()))] = value

    def replace(self, readings: Mapping[Labels, float]) -> None:
        """Forget all readings and remember these."""
        self._readings = dict(readings)

    def _observe(self, _options: CallbackOptions) -> Iterable[Observation]:
        return [
            Observation(value, dict(attributes)) for attributes, value in self._readings.items()
        ]
