"""One story, one trace id: a product from its event to AliExpress and back, an order to its parcel;
across outboxes, Kafka and services, on a running system."""

import re
import secrets
from dataclasses import dataclass
from uuid import uuid4

import msgspec
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from channel_cli.following import RUN_ENDED, follow_order_import
from channel_demo import sell, trade
from channel_demo.session import Session
from channel_demo.sources import SAMPLE_EVENTS, read_events
from channel_demo.survey import audited_shop
from stack.testing import eventually

from ..command_line import ChannelCommand
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


@dataclass(frozen=True)
class Sent:
    """What a producer published, in a trace of its own."""

    trace_id: str
    parent_id: str
    family_id: str


@pytest.fixture(scope="module")
async def product(session: Session) -> Sent:
    """A product that came with a trace, and went online."""
    trace_id, parent_id = secrets.token_hex(16), secrets.token_hex(8)
    [event] = [event for event in read_events(SAMPLE_EVENTS) if event.product_id == PRODUCT]
    async with session.publisher("/traced") as publisher:
        await publisher.publish(
            [msgspec.structs.replace(event, version=7)],
            traceparent=f"00-{trace_id}-{parent_id}-01",
        )

    async def is_normalized() -> bool:
        found = session.channel.preview(session.merchant, session.feed, {"q": PRODUCT})
        return [family.state async for family in found] == ["valid"]

    await eventually(is_normalized, within=60)
    await sell.settle(session)
    await sell.run_feed(session, "product", RUN_ENDED, is_dry_run=False)
    source = await session.channel.source_product(session.merchant, session.catalogue, PRODUCT)
    return Sent(trace_id, parent_id, source.family_id)


@pytest.fixture(scope="module")
async def order_id(spans: Spans, session: Session, product: Sent) -> str:
    """An order of that product that was imported, told of, and then shipped."""
    await audited_shop(session)
    placed = await session.sandbox.place_order(
        [(product.family_id, 1)], seed=11, status=trade.WAITS_FOR_SELLER
    )
    asked = await session.channel.import_orders(session.merchant, session.shop)
    await follow_order_import(session.channel, session.merchant, session.shop, asked.import_id)
    place = (session.merchant, session.shop, placed.order_id)
    imported = await session.channel.order(*place)
    await is_told(spans, imported["trace_id"], ORDER_STORY[:2])
    parcel = {"carrier": trade.CARRIER, "tracking_number": f"LP{placed.order_id}"}
    shipment = await session.channel.ship(*place, parcel, str(uuid4()))

    async def is_confirmed() -> bool:
        found = await session.channel.shipment(*place, shipment.shipment_id)
        return found.state == "confirmed"

    await eventually(is_confirmed, within=WITHIN)
    return placed.order_id


async def is_told(spans: Spans, trace_id: str, story: list[tuple[str, str]]) -> None:
    """Wait until the trace holds the story, in this order; what it holds shows where it fails."""
    try:
        await eventually(lambda: is_subsequence(story, spans.names_of(trace_id)), within=WITHIN)
    finally:
        print(f"trace {trace_id}:", *spans.names_of(trace_id), sep="\n  ")


async def test_a_product_has_one_trace_from_its_event_to_aliexpress_and_back(
    spans: Spans, session: Session, product: Sent
) -> None:
    await is_told(spans, product.trace_id, PRODUCT_STORY)
    [first, *_] = spans.of_trace(product.trace_id)
    assert first.span.parent_span_id.hex() == product.parent_id
    source = await session.channel.source_product(session.merchant, session.catalogue, PRODUCT)
    published = await session.channel.published_product(
        session.merchant, session.feed, product.family_id
    )
    assert source.trace_id == published.trace_id == product.trace_id
    await becomes_one_tree(spans, product.trace_id, root=product.parent_id)


async def test_an_order_has_one_trace_from_its_import_to_its_confirmed_parcel(
    spans: Spans, session: Session, order_id: str
) -> None:
    order = await session.channel.order(session.merchant, session.shop, order_id)
    await is_told(spans, order["trace_id"], ORDER_STORY)
    await becomes_one_tree(spans, order["trace_id"], root="")


async def test_one_command_prints_the_story_of_a_product_an_order_and_an_event(
    channel: ChannelCommand, spans: Spans, session: Session, product: Sent, order_id: str
) -> None:
    """Of an event whose producer sends no trace, too: one begins with it."""
    order = await session.channel.order(session.merchant, session.shop, order_id)
    await is_told(spans, order["trace_id"], ORDER_STORY)
    await is_told(spans, product.trace_id, PRODUCT_STORY)
    own = ["--merchant", session.merchant, "--feed", session.feed]
    for words, story in (
        (["product", product.family_id, *own], PRODUCT_STORY),
        (
            ["order", order_id, "--merchant", session.merchant, "--shop", session.shop],
            ORDER_STORY,
        ),
    ):
        printed = await channel("trace", *words)
        assert printed.code == 0, printed.err
        assert all(name in printed.out for _, name in story[:2]), printed.out
        print(printed.out)
        told = await channel("trace", *words, "--json")
        assert len({span["trace_id"] for span in told.document}) == 1
        steps = sorted(told.document, key=lambda span: span["started_at"])
        assert is_subsequence(story, [(span["service"], span["name"]) for span in steps])
    received = [*spans.by_id.values()]
    # a family of several products goes on in the trace of the last of them
    normalized = {one.span.trace_id for one in received if one.span.name == "normalize family"}
    message = next(
        one.attributes["messaging.message.id"]
        for one in received
        if one.span.name == "process catalog.updated"
        and one.span.trace_id in normalized
        and one.span.trace_id.hex() != product.trace_id
        and "messaging.message.id" in one.attributes
    )
    event = await channel("trace", "event", message, "--json")
    assert "normalize family" in {span["name"] for span in event.document}
    unknown = await channel("trace", "event", "none-such")
    assert unknown.code == 1
    assert "no trace of it is kept" in unknown.err


async def becomes_one_tree(spans: Spans, trace_id: str, *, root: str) -> None:
    """Wait until every span's parent is one of them, or the root: a parent ends after its children,
    and may be sent after them."""

    def lost() -> list[str]:
        received = spans.of_trace(trace_id)
        known = {one.span.span_id.hex() for one in received} | {root}
        return [one.span.name for one in received if one.span.parent_span_id.hex() not in known]

    try:
        await eventually(lambda: not lost(), within=WITHIN)
    finally:
        print("without their parents:", *lost(), sep="\n  ")


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
    spans: Spans, session: Session, order_id: str
) -> None:
    known = await session.channel.order(session.merchant, session.shop, order_id)
    await is_told(spans, known["trace_id"], ORDER_STORY)
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
    told = " ".join(str(one.span) for one in received)
    address = known["address"]
    private = [address[name] for name in ("contact_name", "street", "phone") if address[name]]
    assert private
    assert [value for value in private if value in told] == []
    assert "?" not in " ".join(one.attributes.get("url.full", "") for one in received)


@pytest.mark.usefixtures("product", "order_id")
async def test_logs_and_metrics_are_exported_too_and_logs_name_their_trace(
    spans: Spans, session: Session
) -> None:
    def has_all() -> bool:
        ended = [record for record in spans.logs if record.body.string_value == "run.ended"]
        sources = spans.metrics.get("http.server.request.duration", set())
        return bool(ended) and sources >= {CATALOG, PUBLISHER, ORDERS}

    await eventually(has_all, within=90)
    [ended, *_] = [record for record in spans.logs if record.body.string_value == "run.ended"]
    fields = {one.key: one.value for one in ended.attributes}
    assert fields["merchant"].string_value == session.merchant
    assert fields["run"].string_value
    assert ended.trace_id
