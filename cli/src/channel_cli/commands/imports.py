"""`channel imports`: a catalogue's imports, and ending one."""

from typing import Annotated

import typer

from channel_cli.answers import Import
from channel_cli.client import Channel
from channel_cli.output import (
    SAMPLE_CATALOGUE,
    SAMPLE_MERCHANT,
    AsJson,
    CatalogueId,
    MerchantId,
    ask,
    say,
    show,
    table_of,
)

app = typer.Typer(help="Imports of catalogue files.", no_args_is_help=True)

COLUMNS = ("import", "file", "state", "rows", "accepted", "unchanged", "rejected", "deleted")


@app.command("list")
def list_imports(
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    catalogue: CatalogueId = SAMPLE_CATALOGUE,
    as_json: AsJson = False,
) -> None:
    """The catalogue's imports, the newest first."""

    async def asked(channel: Channel) -> list[Import]:
        return [item async for item in channel.imports(merchant, catalogue)]

    _show(ask(asked), as_json)


@app.command()
def cancel(
    import_id: Annotated[int, typer.Argument(min=1, help="The import's number.")],
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    catalogue: CatalogueId = SAMPLE_CATALOGUE,
    as_json: AsJson = False,
) -> None:
    """End an import that waits or is read; what was taken of its file stays."""
    _show([ask(lambda channel: channel.cancel_import(merchant, catalogue, import_id))], as_json)
    say("Cancelled. Nothing more is taken of its file, and nothing is deleted for it.")


def _show(found: list[Import], as_json: bool) -> None:
    rows = (
        (
            item.import_id,
            item.file_name,
            item.state,
            item.rows_read,
            item.accepted,
            item.unchanged,
            item.rejected,
            item.deleted,
        )
        for item in found
    )
    show(found, as_json, lambda: table_of(COLUMNS, rows))
