"""`channel`: every command in its place."""

import typer

from channel_cli.commands import (
    adopt,
    alerts,
    audit,
    catalogue,
    catalogue_fields,
    catalogues,
    categories,
    clients,
    dead_letters,
    feed_drafts,
    feed_files,
    feed_proposals,
    feed_suggestions,
    feed_versions,
    feeds,
    imports,
    merchants,
    orders,
    orders_in_time,
    parked,
    people,
    plan,
    preview,
    quarantines,
    runs,
    set_aside,
    shop_options,
    shops,
    system,
    trace,
    why,
)

app = typer.Typer(
    help="AliExpress Channel: catalogue in, offers true, orders back.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.add_typer(merchants.app, name="merchants")
app.add_typer(alerts.app, name="alerts")
app.add_typer(people.app, name="people")
app.add_typer(clients.app, name="clients")
app.add_typer(shops.app, name="shops")
app.add_typer(catalogues.app, name="catalogues")
app.add_typer(categories.app, name="categories")
app.add_typer(feeds.app, name="feeds")
app.add_typer(runs.app, name="run")
app.add_typer(runs.history, name="runs")
app.add_typer(orders.app, name="orders")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(quarantines.app, name="quarantines")
app.add_typer(parked.app, name="parked")
app.add_typer(set_aside.app, name="set-aside")
app.add_typer(imports.app, name="imports")
app.add_typer(adopt.app, name="adopt")
app.add_typer(trace.app, name="trace")
catalogues.app.command("fields")(catalogue_fields.fields)
catalogues.app.command("values")(catalogue_fields.values)
shops.app.command("options")(shop_options.options)
shops.app.command("photo-bank")(shop_options.photo_bank)
feeds.app.command("init")(feed_proposals.init)
feeds.app.command("validate")(feed_files.validate)
feeds.app.command("try")(feed_drafts.try_feed)
feeds.app.command("drafts")(feed_drafts.list_drafts)
feeds.app.command("drop")(feed_drafts.drop)
feeds.app.command("show")(feed_versions.show_feed)
feeds.app.command("edit")(feed_versions.edit)
feeds.app.command("history")(feed_versions.history)
feeds.app.command("diff")(feed_versions.diff)
feeds.app.command("rollback")(feed_versions.rollback)
feeds.app.command("delete")(feed_versions.delete)
feeds.app.command("suggest")(feed_suggestions.suggest)
feeds.app.add_typer(feed_suggestions.accept, name="accept")
orders.app.command("due")(orders_in_time.due)
orders.app.command("changes")(orders_in_time.changes)
app.command("up")(system.up)
app.command("status")(system.status)
app.command("import")(catalogue.import_file)
app.command("preview")(preview.preview)
app.command("report")(runs.report)
app.command("plan")(plan.plan)
app.command("audit")(audit.audit)
app.command("why")(why.why)

if __name__ == "__main__":
    app()
