"""`channel import`: a catalogue in."""

from pathlib import Path
from typing import Annotated

import typer

from channel_cli.answers import Import, ImportProblem
from channel_cli.client import Channel
from channel_cli.commands.catalogues import (
    declare_catalogue,
    fields_given,
    find_catalogue,
)
from channel_cli.following import follow_import, import_and_follow
from channel_cli.output import (
    SAMPLE_CATALOGUE,
    SAMPLE_MERCHANT,
    AsJson,
    CatalogueId,
    MerchantId,
    ask,
    fail,
    say,
    show,
    table_of,
)
from channel_cli.session import Query

PROBLEMS_SHOWN = 20


def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The catalogue file.")],
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    catalogue: CatalogueId = SAMPLE_CATALOGUE,
    partial: Annotated[bool, typer.Option(help="Do not delete what the file lacks.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Read and report, change nothing.")] = False,
    file_format: Annotated[
        str, typer.Option("--format", help="csv, tsv, jsonl, xml, xlsx, ods.")
    ] = "auto",
    sheet: Annotated[str | None, typer.Option(help="The workbook's sheet, by its name.")] = None,
    id_field: Annotated[
        str | None,
        typer.Option(help="The column with the id, this time; a new catalogue keeps it."),
    ] = None,
    parent_field: Annotated[
        str | None, typer.Option(help="The column with the parent, likewise.")
    ] = None,
    confirm_deletions: Annotated[
        bool, typer.Option(help="Delete even what the guard would withhold (M7.4).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send a catalogue file and follow it to its end."""
    fields = fields_given(id_field=id_field, parent_field=parent_field)
    options: Query = {
        "mode": "partial" if partial else "full",
        "dry_run": dry_run,
        "format": file_format,
        **({} if sheet is None else {"sheet": sheet}),
        **fields,
    }

    async def asked(channel: Channel) -> tuple[Import, list[ImportProblem]]:
        if await find_catalogue(channel, merchant, catalogue) is None:
            await declare_catalogue(channel, merchant, catalogue, fields)
        result = await import_and_follow(channel, merchant, catalogue, file, options)
        if confirm_deletions and result.state == "awaiting_confirmation":
            await channel.confirm_deletions(merchant, catalogue, result.import_id)
            result = await follow_import(channel, merchant, catalogue, result)
        found = channel.import_problems(merchant, catalogue, result.import_id)
        return result, [problem async for problem in found][:PROBLEMS_SHOWN]

    result, problems = ask(asked)
    names = ("rows_read", "accepted", "unchanged", "repeated", "rejected", "deleted", "withheld")
    row = tuple(getattr(result, name) for name in names)
    show(result, as_json, lambda: table_of(("state", *names), [(result.state, *row)]))
    if result.state == "failed":
        fail(result.failure or "the file was not read", "Correct the file and import it again.")
    for problem in problems:
        say(f"line {problem.line}: {problem.message}. {problem.remedy}")
    if result.state == "awaiting_confirmation":
        say(
            f"{result.withheld} deletions are withheld (M7.4). Is the file whole? Then repeat with"
            " --confirm-deletions."
        )
