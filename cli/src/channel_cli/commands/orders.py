"""`channel orders`: what was ordered, and shipping it."""

from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.console import RenderableType

from channel_cli.answers import Audited, Order
from channel_cli.client import Channel
from channel_cli.following import follow_order_audit
from channel_cli.output import (
    SAMPLE_MERCHANT,
    SAMPLE_SHOP,
    AsJson,
    MerchantId,
    ShopId,
    ask,
    fail,
    show,
    table_of,
    write_json,
)
from channel_cli.session import Query

app = typer.Typer(help="What was ordered, and shipping it.", no_args_is_help=True)

OrderId = Annotated[str, typer.Argument(help="AliExpress's order id.")]


@app.command("list")
def list_orders(
    merchant: MerchantId = SAMPLE_MERCHANT,
    status: Annotated[
        str | None, typer.Option(help="new, waiting_shipment, shipped, closed, other.")
    ] = None,
    shop: Annotated[str | None, typer.Option(help="Only of this shop.")] = None,
    as_json: AsJson = False,
) -> None:
    """The merchant's orders."""

    async def asked(channel: Channel) -> list[Order]:
        filters: Query = {"status": status, "shop": shop}
        return [order async for order in channel.orders(merchant, filters)]

    orders = ask(asked)
    columns = ("order", "shop", "status", "at AliExpress", "placed", "ship before", "total")
    rows = (
        (
            order.order_id,
            order.shop_id,
            order.status,
            order.marketplace_status,
            order.placed_at,
            order.ship_before,
            f"{order.total.amount} {order.total.currency}",
        )
        for order in orders
    )
    show(orders, as_json, lambda: table_of(columns, rows))


@app.command("show")
def show_order(
    order_id: OrderId, merchant: MerchantId = SAMPLE_MERCHANT, shop: ShopId = SAMPLE_SHOP
) -> None:
    """One order with all that is known, as JSON."""
    write_json(ask(lambda channel: channel.order(merchant, shop, order_id)))


@app.command()
def ship(
    order_id: OrderId,
    *,
    carrier: Annotated[str, typer.Option(help="A carrier of the shop, by any of its names.")],
    tracking_number: Annotated[str, typer.Option(help="The parcel's tracking number.")],
    merchant: MerchantId = SAMPLE_MERCHANT,
    shop: ShopId = SAMPLE_SHOP,
    line: Annotated[
        list[str] | None, typer.Option(help="A line of the parcel; all that are left if none.")
    ] = None,
    website: Annotated[
        str | None, typer.Option(help="Where an unlisted carrier's parcels are tracked.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="A note for the buyer.")] = None,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key; the same key never ships twice.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell AliExpress of a parcel (M8.4)."""
    parcel: dict[str, Any] = {"carrier": carrier, "tracking_number": tracking_number}
    if line:
        parcel["lines"] = line
    if website:
        parcel["tracking_website"] = website
    if note:
        parcel["note"] = note
    key = key or f"cli-{uuid4().hex}"
    answer = ask(lambda channel: channel.ship(merchant, shop, order_id, parcel, key))
    row = (answer.shipment_id, answer.state, answer.carrier, answer.tracking_number)
    columns = ("shipment", "state", "carrier", "tracking number")
    show(answer, as_json, lambda: table_of(columns, [row]))


@app.command()
def erase(
    order_id: OrderId,
    merchant: MerchantId = SAMPLE_MERCHANT,
    shop: ShopId = SAMPLE_SHOP,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: it cannot be undone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase the buyer's data of an order for good; amounts, lines and parcels stay (M8.6)."""
    if not yes:
        typer.confirm(f"Erase the buyer's data of order {order_id} for good?", abort=True, err=True)
    answer = ask(lambda channel: channel.erase_buyer(merchant, shop, order_id))
    columns = ("order", "erased", "gone from Kafka by")
    row = (answer.order_id, answer.erased_at, answer.kafka_until)
    show(answer, as_json, lambda: table_of(columns, [row]))


@app.command()
def audit(
    merchant: MerchantId = SAMPLE_MERCHANT, shop: ShopId = SAMPLE_SHOP, as_json: AsJson = False
) -> None:
    """Compare all orders of 90 days with AliExpress's own list; exit code 3 when they differ."""

    async def asked(channel: Channel) -> Audited:
        started = await channel.audit_orders(merchant, shop)
        done = await follow_order_audit(channel, merchant, shop, started.audit_id)
        found = channel.order_differences(merchant, shop, done.audit_id)
        return Audited(audit=done, found=[difference async for difference in found])

    audited = ask(asked)
    done = audited.audit
    show(audited, as_json, lambda: _show_audit(audited))
    if done.state == "failed":
        fail(done.problem or "the audit failed", "Renew the shop's connection, then ask again.")
    if audited.found:
        raise typer.Exit(3)


def _show_audit(audited: Audited) -> RenderableType:
    done = audited.audit
    if not audited.found:
        since = f" ({done.pending} changed since the last import)" if done.pending else ""
        return f"{done.compared or 0} orders compared: one to one{since}"
    columns = ("order", "difference", "here", "at AliExpress", "what to do")
    rows = ((one.order_id, one.kind, one.ours, one.theirs, one.remedy) for one in audited.found)
    return table_of(columns, rows)
