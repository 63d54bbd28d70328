"""`channel feeds init`: a first configuration, proposed from a catalogue file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from channel_cli.answers import DescribedColumn, FeedProposal
from channel_cli.client import Channel
from channel_cli.output import (
    SAMPLE_MERCHANT,
    SAMPLE_SHOP,
    AsJson,
    MerchantId,
    ShopId,
    ask,
    fail,
    out,
    say,
    table_of,
    write_json,
)
from channel_cli.session import Query

LEAST_SURE = 0.3
"""Guesses below this are not shown as what a column seems to be."""


def init(
    file: Annotated[
        Path | None,
        typer.Argument(
            exists=True, dir_okay=False, help="The catalogue file; without one: --catalogue."
        ),
    ] = None,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    shop: ShopId = SAMPLE_SHOP,
    target: Annotated[
        Path, typer.Option("--output", "-o", help="Where the configuration is written.")
    ] = Path("feed.yaml"),
    catalogue: Annotated[
        str | None, typer.Option(help="The catalogue's id; without a file one that was imported.")
    ] = None,
    main_locale: Annotated[
        str | None, typer.Option(help="The texts' language, such as en_US.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="The workbook's sheet, by its name.")] = None,
    force: Annotated[bool, typer.Option(help="Replace the file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Propose a configuration from a catalogue file: what each column seems to be, and what is
    left to decide."""
    if file is None and catalogue is None:
        fail("no catalogue is named", "Name a file, or a catalogue with --catalogue.")
    if target.exists() and not force:
        fail(f"{target} is there already", "Name another with -o, or replace it with --force.")
    given = {
        "shop": shop,
        "catalogue": catalogue or (_name_of(file) if file else None),
        "main_locale": main_locale,
        "sheet": sheet,
    }
    options: Query = {name: value for name, value in given.items() if value is not None}

    async def asked(channel: Channel) -> FeedProposal:
        if file is None:
            return await channel.propose_feed(merchant, None, options)
        with file.open("rb") as content:
            return await channel.propose_feed(merchant, (file.name, content), options)

    proposal = ask(asked)
    target.write_text(proposal.configuration, encoding="utf-8")
    if as_json:
        write_json(proposal)
    else:
        _show(proposal)
    say(
        f"{target} is written. Next: decide what is open in it, see what it makes of the file with"
        f" `channel feeds check {target}`, and save it with `channel feeds apply {target}`."
    )


def _name_of(file: Path) -> str:
    """A catalogue's id from a file's name."""
    signs = (sign if sign.isascii() and sign.isalnum() else "-" for sign in file.stem.lower())
    return "".join(signs).strip("-")[:40] or "catalogue"


def _show(proposal: FeedProposal) -> None:
    first = "the first " if proposal.is_partial else ""
    rejected = f", {proposal.rejected} lines are no rows" if proposal.rejected else ""
    columns = ("column", "filled", "different", "seems to be", "sure", "samples")
    out.print(
        table_of(
            columns,
            map(_column_row, proposal.columns),
            f"{proposal.format}: {first}{proposal.rows} rows{rejected}",
        )
    )
    points = (
        (point.products, point.field, point.message, point.remedy) for point in proposal.open_points
    )
    out.print(table_of(("rows", "where", "open", "what to do"), points, "Open points"))


def _column_row(column: DescribedColumn) -> Sequence[object]:
    best = next((guess for guess in column.guesses if guess.sure >= LEAST_SURE), None)
    return (
        column.name,
        f"{column.fill_rate:.0%}",
        column.distinct,
        best.role if best and column.fill_rate else "",
        f"{best.sure:.2f}" if best and column.fill_rate else "",
        [sample[:40] for sample in column.samples[:2]],
    )
