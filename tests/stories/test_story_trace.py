"""One product's story can be followed from the event to AliExpress, across outboxes and Kafka."""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import msgspec
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from storyteller import own_system, part_of, sample_of, sample_stage

from channel_demo import bring_in, sell
from channel_producer import CatalogPublisher
from stack.ports import LOOPBACK
from stack.system import SERVICES
from stack.testing import eventually
from stack.throwaway import StoreAddresses

pytestmark = [pytest.mark.xdist_group("token"), pytest.mark.timeout(300)]

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

    def story_of(self, beginning: SpanId) -> set[str]:
        """The names of all spans that came of one, by parents and links."""
        seen: set[SpanId] = set()
        next_up = {beginning}
        while next_up:
            seen |= next_up
            next_up = {after for span in next_up for after in self._led_to[span]} - seen
        return {self.by_id[span].name for span in seen if span in self.by_id}


@pytest.fixture
async def spans() -> AsyncIterator[Spans]:
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


async def test_a_published_event_is_followed_to_the_call_it_caused(
    spans: Spans, stack_addresses: StoreAddresses, tmp_path_factory: pytest.TempPathFactory
) -> None:
    exported = {"OTEL_EXPORTER_OTLP_ENDPOINT": spans.address, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    environment = {service.name: exported for service in SERVICES}
    beginning = (secrets.token_bytes(16), secrets.token_bytes(8))
    async with (
        own_system(stack_addresses, tmp_path_factory.mktemp("traced"), environment) as stack,
        sample_stage(stack) as stage,
    ):
        sources = part_of(sample_of(stack), "NOT-07")
        assert len(sources.events) == 1
        await bring_in.connect_shop(stage)
        await bring_in.apply_configuration(stage, sources)
        async with CatalogPublisher(
            stage.kafka_bootstrap, source="/traced", topic_prefix=stage.topic_prefix
        ) as publisher:
            event = msgspec.structs.replace(sources.events[0], version=7)
            traceparent = f"00-{beginning[0].hex()}-{beginning[1].hex()}-01"
            await publisher.publish([event], traceparent=traceparent)

        async def is_normalized() -> bool:
            found = stage.channel.preview(stage.merchant, stage.feed)
            return [family.state async for family in found] == ["valid"]

        await eventually(is_normalized, within=60)
        await sell.settle(stage)
        await sell.publish_products(stage)

        def is_told() -> bool:
            names = spans.story_of(beginning)
            return any(name.startswith("aliexpress ") for name in names)

        try:
            await eventually(is_told, within=15)
        finally:
            names = sorted(spans.story_of(beginning))
            print("the story:", names, "of", sorted({s.name for s in spans.by_id.values()}))
    for step in ("catalog-service.sources", "feed-publisher.desired"):
        assert any(name.startswith("process ") and name.endswith(step) for name in names)
    assert "normalize families" in names
    assert any(name.startswith("publish ") for name in names)
