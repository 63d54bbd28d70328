"""`channel orders due` and `channel orders changes`: orders by their deadlines, and followed."""

import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import typer

from channel_cli.client import Channel
from channel_cli.commands.orders import orders_of
from channel_cli.order_answers import OrderChange, OrderChanges
from channel_cli.output import (
    SAMPLE_MERCHANT,
    AsJson,
    MerchantId,
    ask,
    cell,
    say,
    show,
    table_of,
)
from channel_cli.progress import poll
from channel_cli.session import Query

FOR_EVER = float("inf")


def due(
    hours: Annotated[float, typer.Option(min=0, help="Within so many hours, or late.")] = 24,
    merchant: MerchantId = SAMPLE_MERCHANT,
    shop: Annotated[str | None, typer.Option(help="Only of this shop.")] = None,
    as_json: AsJson = False,
) -> None:
    """What has to be shipped soon, the nearest deadline first (M8.5)."""
    before = datetime.now(UTC) + timedelta(hours=hours)
    filters: Query = {"due_before": before.isoformat(), "shop": shop}
    orders = ask(lambda channel: orders_of(channel, merchant, filters))
    rows = (
        (order.due_at, order.order_id, order.shop_id, order.marketplace_status, order.placed_at)
        for order in orders
    )
    columns = ("due", "order", "shop", "at AliExpress", "placed")
    show(orders, as_json, lambda: table_of(columns, rows))


def changes(
    after: Annotated[
        str | None,
        typer.Option(help="The cursor of the answer before; `latest`: from now on."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until interrupted, a line for each change.")
    ] = False,
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """Every change of the orders since a cursor, or since the oldest that is kept."""
    if follow:
        with suppress(KeyboardInterrupt):
            ask(lambda channel: _follow(channel, merchant, after, as_json=as_json))
        return
    found = ask(lambda channel: _read_all(channel, merchant, after))
    rows = map(_row, found.items)
    columns = ("changed", "change", "order", "shop", "status", "revision")
    show(found, as_json, lambda: table_of(columns, rows))
    if not as_json:
        say(f"What changes from now on: channel orders changes --after {found.next_cursor}")


async def _read_all(channel: Channel, merchant: str, after: str | None) -> OrderChanges:
    """All there is after the cursor, as one part."""
    items: list[OrderChange] = []
    while True:
        part = await channel.order_changes(merchant, after)
        items += part.items
        after = part.next_cursor
        if not part.has_more:
            return msgspec.structs.replace(part, items=items)


async def _follow(channel: Channel, merchant: str, after: str | None, *, as_json: bool) -> None:
    async for part in _parts(channel, merchant, after):
        for change in part.items:
            text = (
                msgspec.json.encode(change).decode()
                if as_json
                else "  ".join(map(cell, _row(change)))
            )
            sys.stdout.write(text + "\n")
        sys.stdout.flush()


async def _parts(channel: Channel, merchant: str, after: str | None) -> AsyncIterator[OrderChanges]:
    async def read() -> OrderChanges:
        return await channel.order_changes(merchant, after)

    async for part in poll(read, within=FOR_EVER, what="following the orders"):
        after = part.next_cursor
        yield part


def _row(change: OrderChange) -> tuple[object, ...]:
    order = change.order
    return (
        change.changed_at,
        change.kind,
        order.order_id,
        order.shop_id,
        order.status,
        change.revision,
    )
