"""`channel`: every command in its place."""

import typer

from channel_cli.commands import (
    catalogue,
    catalogue_fields,
    catalogues,
    dead_letters,
    feed_proposals,
    feeds,
    imports,
    merchants,
    orders,
    orders_in_time,
    parked,
    quarantines,
    runs,
    set_aside,
    shops,
    system,
    trace,
)

app = typer.Typer(
    help="AliExpress Channel: catalogue in, offers true, orders back.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.add_typer(merchants.app, name="merchants")
app.add_typer(shops.app, name="shops")
app.add_typer(catalogues.app, name="catalogues")
app.add_typer(feeds.app, name="feeds")
app.add_typer(runs.app, name="run")
app.add_typer(runs.history, name="runs")
app.add_typer(orders.app, name="orders")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(quarantines.app, name="quarantines")
app.add_typer(parked.app, name="parked")
app.add_typer(set_aside.app, name="set-aside")
app.add_typer(imports.app, name="imports")
app.add_typer(trace.app, name="trace")
catalogues.app.command("fields")(catalogue_fields.fields)
catalogues.app.command("values")(catalogue_fields.values)
feeds.app.command("init")(feed_proposals.init)
orders.app.command("due")(orders_in_time.due)
orders.app.command("changes")(orders_in_time.changes)
app.command("up")(system.up)
app.command("status")(system.status)
app.command("import")(catalogue.import_file)
app.command("preview")(catalogue.preview)
app.command("report")(runs.report)

if __name__ == "__main__":
    app()
