"""`channel orders`: what was ordered, and shipping it."""

from typing import Annotated, Any
from uuid import uuid4

import typer

from channel_cli.answers import Order
from channel_cli.client import Channel
from channel_cli.output import (
    SAMPLE_MERCHANT,
    SAMPLE_SHOP,
    AsJson,
    MerchantId,
    ShopId,
    ask,
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
