"""`channel catalogues`: how a merchant's products come in."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from channel_cli.answers import Catalogue
from channel_cli.client import Channel
from channel_cli.output import SAMPLE_MERCHANT, AsJson, MerchantId, ask, show, table_of
from channel_cli.session import Problem

app = typer.Typer(help="How a merchant's products come in.", no_args_is_help=True)

FILE_FIELDS = ("id_field", "parent_field")
"""What a catalogue says of its files; a feed's document may say it for its catalogue."""


@app.command("list")
def list_catalogues(merchant: MerchantId = SAMPLE_MERCHANT, as_json: AsJson = False) -> None:
    """The merchant's catalogues and how many products each has."""

    async def asked(channel: Channel) -> list[Catalogue]:
        return [catalogue async for catalogue in channel.catalogues(merchant)]

    _show(ask(asked), as_json)


@app.command()
def declare(
    catalogue: Annotated[str, typer.Argument(help="The catalogue's id.")],
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    fed_by: Annotated[
        Literal["files", "events"] | None, typer.Option(help="files, unless it is declared.")
    ] = None,
    versioning: Annotated[
        Literal["arrival", "explicit"] | None, typer.Option(help="arrival, unless it is declared.")
    ] = None,
    id_field: Annotated[
        str | None, typer.Option(help="The column with the id, in every file; '' forgets it.")
    ] = None,
    parent_field: Annotated[
        str | None, typer.Option(help="The column with the parent; '' forgets it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Declare a catalogue, or say how the files of one are to be read."""
    fields = fields_given(id_field=id_field, parent_field=parent_field)
    declared = ask(
        lambda channel: declare_catalogue(
            channel, merchant, catalogue, fields, fed_by=fed_by, versioning=versioning
        )
    )
    _show([declared], as_json)


def _show(catalogues: list[Catalogue], as_json: bool) -> None:
    columns = ("catalogue_id", "fed_by", "versioning", *FILE_FIELDS, "products")
    rows = [[getattr(catalogue, name) for name in columns] for catalogue in catalogues]
    names = ("catalogue", *(name.replace("_", " ") for name in columns[1:]))
    show(catalogues, as_json, lambda: table_of(names, rows))


def fields_given(**fields: str | None) -> dict[str, str]:
    """The fields that were given."""
    return {name: column for name, column in fields.items() if column is not None}


def take_file_fields(configuration: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A feed's configuration without what its document says of the catalogue's files, and that."""
    feed = {name: value for name, value in configuration.items() if name not in FILE_FIELDS}
    fields = {name: str(configuration[name] or "") for name in FILE_FIELDS if name in configuration}
    return feed, fields


async def declare_catalogue(
    channel: Channel,
    merchant: str,
    catalogue: str,
    fields: Mapping[str, str],
    *,
    fed_by: str | None = None,
    versioning: str | None = None,
) -> Catalogue:
    """Declare a catalogue, or store `fields` for one there is; what is left open stays, or is
    `files` and `arrival`. Raises `Problem`."""
    found = await find_catalogue(channel, merchant, catalogue)
    return await channel.register_catalogue(
        merchant,
        catalogue,
        versioning=versioning or (found.versioning if found else "arrival"),
        fed_by=fed_by or (found.fed_by if found else "files"),
        fields=fields,
    )


async def find_catalogue(channel: Channel, merchant: str, catalogue: str) -> Catalogue | None:
    """The catalogue, or None where it is not declared."""
    try:
        return await channel.catalogue(merchant, catalogue)
    except Problem as problem:
        if problem.details.status != 404:
            raise
        return None
