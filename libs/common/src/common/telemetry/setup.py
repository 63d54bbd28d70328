"""One wiring of traces, metrics and logs for every service.

Traces go out by OTLP when `OTEL_EXPORTER_OTLP_ENDPOINT` is set; metrics are always served at
`/metrics`; logs are JSON lines on stderr carrying the trace id.
"""

import logging
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from opentelemetry import metrics, propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext

from common.telemetry.names import Metric
from common.telemetry.redaction import RedactingSpanProcessor, redact_event

MAX_LINKS = 128
"""Span links kept on one batch; the rest of a batch's traces are counted in an attribute."""


def set_up(service: str, *, instance: str, level: str = "INFO") -> None:
    """Wire the process's telemetry; call once, first."""
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    resource = Resource.create({"service.name": service, "service.instance.id": instance})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(RedactingSpanProcessor())
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    ):
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(
        MeterProvider(resource=resource, metric_readers=[PrometheusMetricReader()])
    )
    _set_up_logs(service, level)


def _set_up_logs(service: str, level: str) -> None:
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        structlog.processors.format_exc_info,
        redact_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("aiokafka", "httpx2", "httpcore2", "uvicorn.access", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _add_trace(_logger: Any, _name: str, event: Any) -> Any:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event


def current_traceparent() -> str | None:
    """The W3C header of the span now active, or None."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


def span_context(traceparent: str | None) -> SpanContext | None:
    """The remote span a traceparent names, or None when it names none."""
    if not traceparent:
        return None
    context = propagate.extract({"traceparent": traceparent})
    found = trace.get_current_span(context).get_span_context()
    return found if found.is_valid else None


def links_to(traceparents: Iterable[str | None]) -> list[Link]:
    """Span links to the distinct traces named, at most `MAX_LINKS`."""
    links = []
    for traceparent in dict.fromkeys(traceparents):
        found = span_context(traceparent)
        if found is not None:
            links.append(Link(found))
            if len(links) == MAX_LINKS:
                break
    return links


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
