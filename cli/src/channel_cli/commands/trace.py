"""`channel trace`: the whole story of a product, an order or an event, across all services."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from channel_cli.client import Channel
from channel_cli.output import (
    SAMPLE_FEED,
    SAMPLE_MERCHANT,
    SAMPLE_SHOP,
    AsJson,
    FeedId,
    MerchantId,
    ShopId,
    ask,
    fail,
    show,
)
from channel_cli.session import Problem
from channel_cli.traces import Placed, Span, TraceStore, tree_of

SHOWN = 4
"""Attributes shown beside a span's name; `--json` has all."""
_SHOWN_FIRST = {
    "channel.outcome": "outcome",
    "channel.code": "code",
    "channel.family": "family",
    "channel.order": "order",
    "channel.call": "call",
    "channel.aliexpress_product": "AliExpress product",
    "http.response.status_code": "status",
    "messaging.destination.partition.id": "partition",
    "messaging.kafka.offset": "offset",
    "error.type": "error",
    "channel.shop": "shop",
    "channel.run": "run",
}
"""Their names as shown, the most telling first."""

app = typer.Typer(
    help="What became of a product, an order or an event: its spans, from all services.",
    no_args_is_help=True,
    epilog="Traces are read from the local stack, or from Tempo or Jaeger at CHANNEL_TRACES_URL.",
)

Traces = Callable[[Channel], Awaitable[Sequence[str | None]]]
"""The ids of the traces that may tell the story."""


@app.command("product")
def trace_product(
    product: Annotated[str, typer.Argument(help="A product's or a family's id.")],
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    as_json: AsJson = False,
) -> None:
    """From its latest event, or line of a file, to AliExpress and back."""

    async def traces(channel: Channel) -> list[str | None]:
        configured = await channel.feed(merchant, feed)
        ids: list[str | None] = []
        try:
            source = await channel.source_product(merchant, configured.catalogue_id, product)
        except Problem as problem:
            _require_unknown(problem)
            family = product
        else:
            ids.append(source.trace_id)
            family = source.family_id
        try:
            published = await channel.published_product(merchant, feed, family)
        except Problem as problem:
            _require_unknown(problem)
            if not ids:
                raise
        else:
            ids.append(published.trace_id)
        return ids

    _show(traces, as_json)


@app.command("order")
def trace_order(
    order: Annotated[str, typer.Argument(help="AliExpress's order id.")],
    merchant: MerchantId = SAMPLE_MERCHANT,
    shop: ShopId = SAMPLE_SHOP,
    as_json: AsJson = False,
) -> None:
    """From the import that saw it first to its parcels."""

    async def traces(channel: Channel) -> list[str | None]:
        found: str | None = (await channel.order(merchant, shop, order)).get("trace_id")
        return [found]

    _show(traces, as_json)


@app.command("event")
def trace_event(
    event_id: Annotated[str, typer.Argument(help="The event's CloudEvents id, its `ce_id`.")],
    as_json: AsJson = False,
) -> None:
    """What came of one event."""

    async def traces(channel: Channel) -> Sequence[str | None]:
        return await TraceStore(channel.session).traces_of_event(event_id)

    _show(traces, as_json)


def _require_unknown(problem: Problem) -> None:
    if problem.details.status != 404:
        raise problem


def _show(traces: Traces, as_json: bool) -> None:
    async def asked(channel: Channel) -> list[Span]:
        store = TraceStore(channel.session)
        found = [await store.trace(one) for one in dict.fromkeys(await traces(channel)) if one]
        return max(found, key=services_in, default=[])

    spans = ask(asked)
    if not spans:
        fail(
            "no trace of it is kept: it came without one while as many as may be had begun"
            " (TRACES_PER_SECOND of catalog-service), its trace is not sampled, or its spans are"
            " still under way or forgotten"
        )
    placed = tree_of(spans)
    show([one.span for one in placed], as_json, lambda: _table_of(placed))


def services_in(spans: Sequence[Span]) -> int:
    """How many services a trace went through: the story of a family of which another member came
    later goes further than that member's own."""
    return len({span.service for span in spans})


def _table_of(placed: Sequence[Placed]) -> RenderableType:
    began = placed[0].span.started_at
    lines = [_line(one, began) for one in placed]
    services = services_in([one.span for one in placed])
    head = f"trace {placed[0].span.trace_id}: {len(placed)} spans of {services} services"
    return Group(escape(head), *lines)


def _line(placed: Placed, began: int) -> Text:
    span = placed.span
    since, lasted = (span.started_at - began) / 1e9, (span.ended_at - span.started_at) / 1e6
    line = Text(f"{since:+9.3f} s {lasted:9.1f} ms  {span.service:<16} ")
    line.append("  " * placed.depth + span.name, style="red" if span.is_error else "bold")
    known = ((name, span.attributes.get(key)) for key, name in _SHOWN_FIRST.items())
    details = [f"{name}={value}" for name, value in known if value is not None][:SHOWN]
    details += [f"→ trace {trace_id}" for trace_id in span.linked_traces[:1]]
    line.append("  " + "  ".join(details), style="dim")
    return line
