"""`channel run` and `channel report`: send differences now, and see what became of them."""

from typing import Annotated

import typer

from channel_cli.answers import ReportSample, ReportShown, Run, RunReport
from channel_cli.client import Channel
from channel_cli.following import RUN_CONFIRMABLE, RUN_ENDED, follow_order_import, follow_run
from channel_cli.order_answers import OrderImport
from channel_cli.output import (
    SAMPLE_FEED,
    SAMPLE_MERCHANT,
    SAMPLE_SHOP,
    SOME_REFUSED,
    AsJson,
    FeedId,
    MerchantId,
    ShopId,
    ask,
    fail,
    out,
    say,
    show,
    table_of,
    write_json,
)

ENDINGS = (
    "Exit code: 0 all was done; 3 the run ended as completed_with_errors, some products were"
    " refused or are missing"
    " (`channel report` says why); 1 it failed, or nobody answered."
)
SAMPLE_COLUMNS = ("product", "title", "new title", "category", "new category", "prices", "new")
app = typer.Typer(help="Run now what else runs on schedule.", no_args_is_help=True, epilog=ENDINGS)
history = typer.Typer(help="What has run.", no_args_is_help=True)


@history.callback()
def of_runs() -> None:
    """What has run."""


@history.command("list")
def list_runs(
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    *,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 20,
    fast_lane: Annotated[
        bool, typer.Option("--fast-lane", help="Also the runs of the fast lane, which are many.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """A feed's runs, the newest first."""

    async def asked(channel: Channel) -> list[Run]:
        found: list[Run] = []
        async for run in channel.runs(merchant, feed, {"fast_lane": True} if fast_lane else None):
            found.append(run)
            if len(found) == limit:
                break
        return found

    runs = ask(asked)
    columns = ("run", "kind", "state", "asked", "items", "dry run", "what became of them")
    rows = (
        (
            run.run_id,
            run.kind,
            run.state,
            run.asked_at,
            run.progress.total,
            run.is_dry_run,
            run.counts,
        )
        for run in runs
    )
    show(runs, as_json, lambda: table_of(columns, rows))


DryRun = Annotated[bool, typer.Option("--dry-run", help="Only plan; send nothing.")]
Confirm = Annotated[
    bool, typer.Option("--confirm", help="Apply the plan without asking, first run included.")
]


@app.command("product-feed", epilog=ENDINGS)
def product_feed(
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    dry_run: DryRun = False,
    confirm: Confirm = False,
    as_json: AsJson = False,
) -> None:
    """Create, edit and delete products (M7.1)."""
    _run("product", merchant, feed, is_dry_run=dry_run, is_confirmed=confirm, as_json=as_json)


@app.command("offer-feed", epilog=ENDINGS)
def offer_feed(
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    dry_run: DryRun = False,
    confirm: Confirm = False,
    as_json: AsJson = False,
) -> None:
    """Send prices and stock (M7.1)."""
    _run("offer", merchant, feed, is_dry_run=dry_run, is_confirmed=confirm, as_json=as_json)


@app.command(epilog=ENDINGS)
def confirm(
    run_id: Annotated[str, typer.Argument(help="A run whose plan waits.")],
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    skip_overtaken: Annotated[
        bool, typer.Option("--skip-overtaken", help="Leave out what has changed since.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Apply the plan of a dry run or of a first run, or what a run withholds (M7.4)."""

    async def asked(channel: Channel) -> Run:
        await channel.confirm_run(merchant, run_id, skip_overtaken=skip_overtaken)
        return await follow_run(channel, merchant, run_id, until=RUN_ENDED, what="sending")

    _show(ask(asked), as_json)


@app.command()
def orders(
    merchant: MerchantId = SAMPLE_MERCHANT, shop: ShopId = SAMPLE_SHOP, as_json: AsJson = False
) -> None:
    """Fetch a shop's orders (M8.1)."""

    async def asked(channel: Channel) -> OrderImport:
        started = await channel.import_orders(merchant, shop)
        return await follow_order_import(channel, merchant, shop, started.import_id)

    done = ask(asked)
    row = (done.state, done.orders_seen, done.orders_received, done.orders_updated)
    show(done, as_json, lambda: table_of(("state", "seen", "new", "changed"), [row]))
    if done.state == "failed":
        fail(done.problem or "the import failed", "It is tried again on schedule.")


def report(
    run_id: Annotated[
        str | None, typer.Argument(help="The run; the newest that sent anything when left out.")
    ] = None,
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    csv: Annotated[bool, typer.Option("--csv", help="As a spreadsheet on stdout.")] = False,
    as_json: AsJson = False,
) -> None:
    """What became of a run's items, by cause, with the remedy (M7.5)."""

    async def newest(channel: Channel) -> str:
        if run_id is not None:
            return run_id
        runs = [run async for run in channel.runs(merchant, feed)]
        if not runs:
            fail(f"{feed} has not run yet", "Type `channel run product-feed`.")
        return next((run for run in runs if run.has_sent), runs[0]).run_id

    if csv:

        async def as_text(channel: Channel) -> str:
            return await channel.report_csv(merchant, await newest(channel))

        typer.echo(ask(as_text), nl=False)
        return

    async def asked(channel: Channel) -> RunReport:
        return await channel.report(merchant, await newest(channel))

    found = ask(asked)
    if as_json:
        write_json(found)
        return
    _print_report(found)


def _print_report(found: RunReport) -> None:
    title = f"{found.kind} run {found.run_id}: {found.state}"
    outcomes = sorted({outcome for counts in found.counts.values() for outcome in counts})
    rows = ((action, *map(counts.get, outcomes)) for action, counts in found.counts.items())
    out.print(table_of(("action", *outcomes), rows, title=title))
    if found.causes:
        causes = ((c.count, c.code, c.message, c.explanation, c.remedy) for c in found.causes)
        columns = ("products", "code", "message", "which means", "what to do")
        out.print(table_of(columns, causes))
    if found.samples:
        title = "What a new configuration would rewrite"
        out.print(table_of(SAMPLE_COLUMNS, map(_sample_row, found.samples), title=title))
    if found.missing:
        say(f"{found.missing} products are wanted and were not in the plan.")
    if found.unchanged is not None:
        say(f"{found.unchanged} products needed nothing.")
    if found.trouble:
        say(f"Trouble: {found.trouble}")


def _sample_row(sample: ReportSample) -> tuple[str | None, ...]:
    before, after = sample.before, sample.after
    return (
        sample.family_id, before.title, after.title, before.category_id, after.category_id,
        _prices(before), _prices(after),
    )  # fmt: skip


def _prices(shown: ReportShown) -> str:
    return ", ".join(sorted({price for price in shown.prices.values() if price}))


def _run(
    kind: str, merchant: str, feed: str, *, is_dry_run: bool, is_confirmed: bool, as_json: bool
) -> None:
    async def asked(channel: Channel) -> Run:
        started = await channel.run_feed(merchant, feed, kind, is_dry_run=is_dry_run)
        settled = RUN_ENDED | RUN_CONFIRMABLE
        run = await follow_run(channel, merchant, started.run_id, until=settled, what="running")
        if run.state in RUN_CONFIRMABLE and is_confirmed and not is_dry_run:
            await channel.confirm_run(merchant, run.run_id)
            run = await follow_run(channel, merchant, run.run_id, until=RUN_ENDED, what="sending")
        return run

    _show(ask(asked), as_json)


def _show(run: Run, as_json: bool) -> None:
    """The run and the next step; exit code 1 when it failed, 3 when something was refused or is
    missing."""
    show(run, as_json, lambda: table_of(("what", "how many"), run.counts.items(), title=run.state))
    if run.state in RUN_CONFIRMABLE:
        say(f"Nothing was sent. Read the plan, then type `channel run confirm {run.run_id}`.")
    elif run.state == "withheld":
        say(
            f"{run.counts.get('withheld', 0)} changes are withheld (M7.4): see `channel report"
            f" {run.run_id}`. Are they right? Then type `channel run confirm {run.run_id}`."
        )
    elif run.state == "superseded":
        say("A newer plan has taken its place: see `channel report`.")
    elif run.state == "failed":
        fail(
            f"the run failed: {run.trouble or 'no reason is known'}",
            f"See `channel report {run.run_id}`.",
        )
    elif run.state == "completed_with_errors":
        say(
            f"Some products are refused or missing: `channel report {run.run_id}` says why and"
            " what to do."
        )
        raise typer.Exit(SOME_REFUSED)
