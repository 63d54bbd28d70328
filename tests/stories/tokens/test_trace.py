"""One story, one trace id: a product from its event to AliExpress and back, an order to its parcel;
across outboxes, Kafka and services, on a running system."""

import re
import secrets
from uuid import uuid4

import msgspec
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from channel_cli.answers import PublishedProduct
from channel_cli.following import RUN_ENDED, follow_order_import
from channel_demo import sell, trade
from channel_demo.session import Session
from channel_demo.sources import SAMPLE_EVENTS, read_events
from stack.testing import eventually

from .spans import Received, Spans

PRODUCT = "NOT-07"
"""Of the sample, and not online yet."""
WITHIN = 30
CATALOG, PUBLISHER, ORDERS = "catalog-service", "feed-publisher", "order-importer"
"""Services, as their spans name them."""

PRODUCT_STORY = [
    (CATALOG, "process catalog.updated"),
    (CATALOG, "normalize family"),
    (CATALOG, "send product.normalized"),
    (PUBLISHER, "process product.normalized"),
    (PUBLISHER, "plan create"),
    (PUBLISHER, "publish create"),
    (PUBLISHER, "result of create"),
    (PUBLISHER, "send product.reported"),
    (CATALOG, "process product.reported"),
]
ORDER_STORY = [
    (ORDERS, "order"),
    (ORDERS, "send order.received"),
    (ORDERS, "request shipment"),
    (ORDERS, "send shipment"),
    (ORDERS, "aliexpress aliexpress.solution.order.fulfill"),
    (ORDERS, "shipment confirmed"),
    (ORDERS, "send order.shipped"),
]

CONVENTIONS: list[tuple[str, set[str]]] = [
    (
        "process ",
        {
            "messaging.system",
            "messaging.destination.name",
            "messaging.operation.name",
            "messaging.operation.type",
            "messaging.consumer.group.name",
        },
    ),
    (
        "send order",
        {
            "messaging.system",
            "messaging.destination.name",
            "messaging.operation.type",
            "messaging.destination.partition.id",
            "messaging.kafka.offset",
        },
    ),
    (
        "aliexpress ",
        {"http.request.method", "server.address", "server.port", "url.full", "channel.operation"},
    ),
]
"""Names of spans begin so, and they have at least these attributes."""
OWN_OR_STANDARD = re.compile(
    r"(channel|messaging|db|http|url|server|network|error|client|user_agent)\..*"
)


def is_subsequence(wanted: list[tuple[str, str]], found: list[tuple[str, str]]) -> bool:
    """Whether the steps come in this order, others between them."""
    left = iter(found)
    return all(step in left for step in wanted)


async def test_a_product_has_one_trace_from_its_event_to_aliexpress_and_back(
    spans: Spans, session: Session
) -> None:
    trace_id, beginning = secrets.token_hex(16), secrets.token_hex(8)
    [event] = [event for event in read_events(SAMPLE_EVENTS) if event.product_id == PRODUCT]
    async with session.publisher("/traced") as publisher:
        await publisher.publish(
            [msgspec.structs.replace(event, version=7)],
            traceparent=f"00-{trace_id}-{beginning}-01",
        )

    async def is_normalized() -> bool:
        found = session.channel.preview(session.merchant, session.feed, {"q": PRODUCT})
        return [family.state async for family in found] == ["valid"]

    await eventually(is_normalized, within=60)
    await sell.settle(session)
    await sell.run_feed(session, "product", RUN_ENDED, is_dry_run=False)

    def is_told() -> bool:
        return is_subsequence(PRODUCT_STORY, spans.names_of(trace_id))

    try:
        await eventually(is_told, within=WITHIN)
    finally:
        print("the product's trace:", *spans.names_of(trace_id), sep="\n  ")
    [first, *_] = spans.of_trace(trace_id)
    assert first.span.parent_span_id.hex() == beginning
    source = await session.channel.source_product(session.merchant, session.catalogue, PRODUCT)
    published: PublishedProduct = await session.channel.published_product(
        session.merchant, session.feed, source.family_id
    )
    assert source.trace_id == published.trace_id == trace_id
    assert_is_one_tree(spans.of_trace(trace_id), roots={beginning})


async def test_an_order_has_one_trace_from_its_import_to_its_confirmed_parcel(
    spans: Spans, session: Session
) -> None:
    [placed] = await session.sandbox.place_orders(seed=11, count=1, status=trade.WAITS_FOR_SELLER)
    asked = await session.channel.import_orders(session.merchant, session.shop)
    await follow_order_import(session.channel, session.merchant, session.shop, asked.import_id)
    order = await session.channel.order(session.merchant, session.shop, placed.order_id)
    shipment = await session.channel.ship(
        session.merchant,
        session.shop,
        placed.order_id,
        {"carrier": trade.CARRIER, "tracking_number": f"LP{placed.order_id}"},
        str(uuid4()),
    )

    async def is_confirmed() -> bool:
        found = await session.channel.shipment(
            session.merchant, session.shop, placed.order_id, shipment.shipment_id
        )
        return found.state == "confirmed"

    await eventually(is_confirmed, within=WITHIN)
    trace_id = order["trace_id"]

    def is_told() -> bool:
        return is_subsequence(ORDER_STORY, spans.names_of(trace_id))

    try:
        await eventually(is_told, within=WITHIN)
    finally:
        print("the order's trace:", *spans.names_of(trace_id), sep="\n  ")
    assert_is_one_tree(spans.of_trace(trace_id), roots={""})


def assert_is_one_tree(received: list[Received], *, roots: set[str]) -> None:
    """Every span's parent is one of them, or one of the roots."""
    known = {one.span.span_id.hex() for one in received} | roots
    lost = [one.span.name for one in received if one.span.parent_span_id.hex() not in known]
    assert not lost


async def test_calls_belong_to_something_and_probes_are_not_traced(
    spans: Spans, session: Session
) -> None:
    await session.channel.shop(session.merchant, session.shop)
    await eventually(lambda: bool(of_kind(spans, Span.SPAN_KIND_SERVER)), within=WITHIN)
    calls = of_kind(spans, Span.SPAN_KIND_CLIENT)
    assert calls
    assert [one.span.name for one in calls if not one.span.parent_span_id] == []
    paths = {one.attributes["url.path"] for one in of_kind(spans, Span.SPAN_KIND_SERVER)}
    assert any(path.startswith("/v1/") for path in paths)
    assert [path for path in paths if path.startswith(("/health", "/metrics"))] == []


def of_kind(spans: Spans, kind: Span.SpanKind.ValueType) -> list[Received]:
    """All spans of a kind."""
    return [one for one in spans.by_id.values() if one.span.kind == kind]


async def test_spans_keep_the_conventions_and_hold_nothing_secret(
    spans: Spans, session: Session
) -> None:
    received = list(spans.by_id.values())
    for beginning, wanted in CONVENTIONS:
        named = [one for one in received if one.span.name.startswith(beginning)]
        assert named, beginning
        for one in named:
            assert wanted <= one.attributes.keys(), one.span.name
    transactions = [one for one in received if "db.query.summary" in one.attributes]
    assert transactions
    for one in transactions:
        assert one.attributes["db.system.name"] == "postgresql"
        assert one.span.name == one.attributes["db.query.summary"]
        assert "'" not in one.span.name
        assert "$" not in one.span.name
    odd = {
        key for one in received for key in one.attributes if OWN_OR_STANDARD.fullmatch(key) is None
    }
    assert odd == set()
    buyers = [order async for order in session.channel.orders(session.merchant, {})]
    assert buyers
    told = " ".join(str(one.span) for one in received)
    for order in buyers:
        known = await session.channel.order(session.merchant, session.shop, order.order_id)
        address = known.get("address") or {}
        for value in (address.get("contact_name"), address.get("street"), address.get("phone")):
            assert value is None or value not in told
    assert "?" not in " ".join(one.attributes.get("url.full", "") for one in received)


async def test_logs_and_metrics_are_exported_too_and_logs_name_their_trace(
    spans: Spans, session: Session
) -> None:
    def has_all() -> bool:
        ended = [record for record in spans.logs if record.body.string_value == "run.ended"]
        return bool(ended) and "http.server.request.duration" in spans.metrics

    await eventually(has_all, within=90)
    [ended, *_] = [record for record in spans.logs if record.body.string_value == "run.ended"]
    fields = {one.key: one.value for one in ended.attributes}
    assert fields["merchant"].string_value == session.merchant
    assert fields["run"].string_value
    assert ended.trace_id
    assert spans.metrics["http.server.request.duration"] >= {CATALOG, PUBLISHER, ORDERS}
