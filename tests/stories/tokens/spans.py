"""What the services export by OpenTelemetry, received as a collector would."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from stack.ports import LOOPBACK

SpanId = tuple[bytes, bytes]
"""Trace id and span id."""


class Spans:
    """All spans received at `address`, and what each led to."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.by_id: dict[SpanId, Span] = {}
        self._led_to: dict[SpanId, set[SpanId]] = defaultdict(set)

    def add(self, span: Span) -> None:
        own = (span.trace_id, span.span_id)
        self.by_id[own] = span
        if span.parent_span_id:
            self._led_to[span.trace_id, span.parent_span_id].add(own)
        for link in span.links:
            self._led_to[link.trace_id, link.span_id].add(own)

    def caused_by(self, beginning: SpanId) -> set[str]:
        """The names of all spans that came of one, by parents and links."""
        seen: set[SpanId] = set()
        next_up = {beginning}
        while next_up:
            seen |= next_up
            next_up = {after for span in next_up for after in self._led_to[span]} - seen
        return {self.by_id[span].name for span in seen if span in self.by_id}


@asynccontextmanager
async def received_spans() -> AsyncIterator[Spans]:
    """Receives by OTLP over HTTP, in a thread of its own."""
    loop = asyncio.get_running_loop()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        loop.call_soon_threadsafe(received.add, span)
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
