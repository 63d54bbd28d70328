"""What the services export by OpenTelemetry, received as a collector would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx2
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from stack.ports import LOOPBACK

SpanId = tuple[bytes, bytes]
"""Trace id and span id."""


@dataclass(frozen=True)
class Received:
    """A span, and the service it came from."""

    service: str
    span: Span

    @property
    def attributes(self) -> dict[str, str]:
        """The span's attributes as text."""
        return texts(self.span.attributes)


class Spans:
    """All that was received at `address`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.by_id: dict[SpanId, Received] = {}
        self.passed_on_to = ""
        """A store of traces that is given them too."""
        self.logs: list[LogRecord] = []
        self.metrics: dict[str, set[str]] = {}
        """The services each metric came from."""

    def of_trace(self, trace_id: str) -> list[Received]:
        """The spans of one trace, by the time they began."""
        found = [one for (trace, _), one in self.by_id.items() if trace == bytes.fromhex(trace_id)]
        return sorted(found, key=lambda one: one.span.start_time_unix_nano)

    def names_of(self, trace_id: str) -> list[tuple[str, str]]:
        """(service, span name) of each of them."""
        return [(one.service, one.span.name) for one in self.of_trace(trace_id)]

    def take(self, path: str, body: bytes) -> None:
        """Keep what an exporter posted."""
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = _service(resource.resource)
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        self.by_id[span.trace_id, span.span_id] = Received(service, span)
        elif path == "/v1/logs":
            for logs in ExportLogsServiceRequest.FromString(body).resource_logs:
                self.logs += [record for scope in logs.scope_logs for record in scope.log_records]
        elif path == "/v1/metrics":
            for metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                service = _service(metrics.resource)
                for scope_metrics in metrics.scope_metrics:
                    for metric in scope_metrics.metrics:
                        self.metrics.setdefault(metric.name, set()).add(service)


def texts(attributes: list[KeyValue]) -> dict[str, str]:
    """Attributes with their values as text."""
    return {
        one.key: str(getattr(one.value, one.value.WhichOneof("value") or "string_value"))
        for one in attributes
    }


def _service(resource: Resource) -> str:
    return texts(resource.attributes)["service.name"]


@asynccontextmanager
async def received_spans() -> AsyncIterator[Spans]:
    """Receives by OTLP over HTTP, in a thread of its own."""
    loop = asyncio.get_running_loop()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            loop.call_soon_threadsafe(received.take, self.path, body)
            if received.passed_on_to and self.path == "/v1/traces":
                httpx2.post(received.passed_on_to + self.path, content=body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer((LOOPBACK, 0), Receiver) as server:
        server.daemon_threads = True
        received = Spans(f"http://{LOOPBACK}:{server.server_port}")
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield received
        server.shutdown()
        thread.join()
