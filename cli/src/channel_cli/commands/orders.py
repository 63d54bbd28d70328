"""`channel orders`: what was ordered, and shipping it."""

from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.console import RenderableType

from channel_cli.client import Channel
from channel_cli.commands_of import in_commands
from channel_cli.following import follow_correction, follow_order_audit, follow_shipments
from channel_cli.order_answers import Audited, Correction, Order, Shipment
from channel_cli.output import (
    SAMPLE_MERCHANT,
    SAMPLE_SHOP,
    SOME_REFUSED,
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
from channel_cli.shipping import file_tables, ship_file

app = typer.Typer(help="What was ordered, and shipping it.", no_args_is_help=True)

TimeOption = Annotated[str | None, typer.Option(help="A time, as 2026-11-26T12:30:00Z.")]
OrderId = Annotated[str, typer.Argument(help="AliExpress's order id.")]


@app.command("list")
def list_orders(
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    status: Annotated[
        str | None,
        typer.Option(help="new, waiting_shipment, shipped, closed, other; or AliExpress's own."),
    ] = None,
    shop: Annotated[str | None, typer.Option(help="Only of this shop.")] = None,
    number: Annotated[str | None, typer.Option(help="The order's number.")] = None,
    sku: Annotated[str | None, typer.Option(help="With a line of this SKU.")] = None,
    placed_from: TimeOption = None,
    placed_before: TimeOption = None,
    updated_from: TimeOption = None,
    updated_before: TimeOption = None,
    due_before: Annotated[
        str | None, typer.Option(help="To be shipped before then; the nearest deadline first.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The merchant's orders: those that every option given is true of, the newest first."""
    filters: Query = {
        "status": status,
        "shop": shop,
        "number": number,
        "sku": sku,
        "placed_from": placed_from,
        "placed_before": placed_before,
        "updated_from": updated_from,
        "updated_before": updated_before,
        "due_before": due_before,
    }
    orders = ask(lambda channel: orders_of(channel, merchant, filters))
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


async def orders_of(channel: Channel, merchant: str, filters: Query) -> list[Order]:
    """The merchant's orders that a filter finds."""
    return [order async for order in channel.orders(merchant, filters)]


@app.command("show")
def show_order(
    order_id: OrderId, merchant: MerchantId = SAMPLE_MERCHANT, shop: ShopId = SAMPLE_SHOP
) -> None:
    """One order with all that is known, as JSON."""
    write_json(ask(lambda channel: channel.order(merchant, shop, order_id)))


@app.command()
def ship(
    order_id: Annotated[
        str | None, typer.Argument(help="AliExpress's order id; none with --file.")
    ] = None,
    *,
    carrier: Annotated[
        str | None, typer.Option(help="A carrier of the shop, by any of its names.")
    ] = None,
    tracking_number: Annotated[
        str | None, typer.Option(help="The parcel's tracking number.")
    ] = None,
    merchant: MerchantId = SAMPLE_MERCHANT,
    shop: ShopId = SAMPLE_SHOP,
    line: Annotated[
        list[str] | None, typer.Option(help="A line of the parcel; all that are left if none.")
    ] = None,
    website: Annotated[
        str | None, typer.Option(help="Where an unlisted carrier's parcels are tracked.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="A note for the buyer.")] = None,
    further: Annotated[
        bool, typer.Option("--further", help="Another parcel of lines that are in one already.")
    ] = False,
    more_follow: Annotated[
        bool, typer.Option("--more-follow", help="Further parcels of these lines are to come.")
    ] = False,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key; the same key never ships twice.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="A CSV file of parcels (`channel orders template`); safe to send twice."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --file: say what would be shipped.")
    ] = False,
    follow: Annotated[
        bool, typer.Option(help="Wait until AliExpress has confirmed or refused every parcel.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Tell AliExpress of a parcel, or of those of a file (M8.4).

    Ends with exit code 3 when a parcel was refused.
    """
    if file is not None:
        if order_id or carrier or tracking_number:
            raise typer.BadParameter("it holds the orders and parcels", param_hint="--file")
        _ship_file(merchant, shop, file, is_dry_run=dry_run, follows=follow, as_json=as_json)
        return
    given = {"ORDER_ID": order_id, "--carrier": carrier, "--tracking-number": tracking_number}
    for name, value in given.items():
        if not value:
            raise typer.BadParameter("say which, or ship a --file", param_hint=name)
    if dry_run:
        raise typer.BadParameter("only a --file can be tried", param_hint="--dry-run")
    parcel: dict[str, Any] = {"carrier": carrier, "tracking_number": tracking_number}
    optional = {"lines": line, "tracking_website": website, "note": note}
    parcel |= {name: value for name, value in optional.items() if value}
    parcel |= {"further": True} if further else {}
    parcel |= {"more_follow": True} if more_follow else {}
    _ship_parcel((merchant, shop, order_id or ""), parcel, key, follows=follow, as_json=as_json)


def _ship_parcel(
    address: tuple[str, str, str],
    parcel: dict[str, Any],
    key: str | None,
    *,
    follows: bool,
    as_json: bool,
) -> None:
    async def shipped(channel: Channel) -> Shipment:
        sent = await channel.ship(*address, parcel, key or f"cli-{uuid4().hex}")
        if not follows:
            return sent
        return (await follow_shipments(channel, *address[:2], [sent]))[sent.shipment_id]

    answer = ask(shipped)
    columns = ("shipment", "state", "carrier", "tracking number", "problem", "next")
    row = (
        answer.shipment_id,
        answer.state,
        answer.carrier,
        answer.tracking_number,
        answer.explanation,
        answer.remedy and in_commands(answer.remedy),
    )
    show(answer, as_json, lambda: table_of(columns, [row]))
    if answer.state == "refused":
        raise typer.Exit(SOME_REFUSED)


def _ship_file(
    merchant: str, shop: str, file: Path, *, is_dry_run: bool, follows: bool, as_json: bool
) -> None:
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", "Name a CSV file of parcels.")
    answer = ask(
        lambda channel: ship_file(
            channel, merchant, shop, content, is_dry_run=is_dry_run, follows=follows
        )
    )
    show(answer, as_json, lambda: file_tables(answer))
    if answer.refused:
        raise typer.Exit(SOME_REFUSED)


@app.command()
def template(merchant: MerchantId = SAMPLE_MERCHANT, shop: ShopId = SAMPLE_SHOP) -> None:
    """The columns of a CSV file of parcels, to be filled in and shipped by `ship --file`."""
    typer.echo(ask(lambda channel: channel.shipment_template(merchant, shop)), nl=False)


@app.command()
def tracking(
    order_id: OrderId,
    shipment_id: Annotated[str, typer.Argument(help="The parcel's shipment id.")],
    *,
    number: Annotated[str, typer.Option(help="The right tracking number.")],
    carrier: Annotated[
        str | None, typer.Option(help="The right carrier; the parcel's own if not given.")
    ] = None,
    website: Annotated[
        str | None, typer.Option(help="Where an unlisted carrier's parcels are tracked.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="A note for the buyer.")] = None,
    merchant: MerchantId = SAMPLE_MERCHANT,
    shop: ShopId = SAMPLE_SHOP,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key; the same key is the same correction.")
    ] = None,
    follow: Annotated[
        bool, typer.Option(help="Wait until AliExpress has confirmed or refused it.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Correct a parcel's tracking number or carrier at AliExpress (M8.4).

    Ends with exit code 3 when the correction was refused.
    """
    right: dict[str, Any] = {"tracking_number": number}
    optional = {"carrier": carrier, "tracking_website": website, "note": note}
    right |= {name: value for name, value in optional.items() if value}

    async def corrected(channel: Channel) -> Correction:
        asked = await channel.correct_tracking(
            merchant, shop, order_id, shipment_id, right, key=key or f"cli-{uuid4().hex}"
        )
        if not follow:
            return asked
        return await follow_correction(channel, merchant, shop, order_id, asked)

    answer = ask(corrected)
    columns = ("correction", "state", "former number", "number", "carrier", "problem", "next")
    row = (
        answer.correction_id,
        answer.state,
        answer.former_number,
        answer.tracking_number,
        answer.carrier,
        answer.explanation,
        answer.remedy and in_commands(answer.remedy),
    )
    show(answer, as_json, lambda: table_of(columns, [row]))
    if answer.state == "refused":
        raise typer.Exit(SOME_REFUSED)


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
