"""`channel catalogues fields` and `values`: what a catalogue's fields hold."""

from typing import Annotated

import typer

from channel_cli.answers import CatalogueField, FieldValueCount
from channel_cli.client import Channel
from channel_cli.output import SAMPLE_MERCHANT, AsJson, MerchantId, ask, show, table_of

SAMPLE_WIDTH = 40
VALUES_SHOWN = 50

Catalogue = Annotated[str, typer.Argument(help="The catalogue's id.")]


def fields(
    catalogue: Catalogue, *, merchant: MerchantId = SAMPLE_MERCHANT, as_json: AsJson = False
) -> None:
    """The catalogue's fields: how often each is filled, and with what."""

    async def asked(channel: Channel) -> list[CatalogueField]:
        return [item async for item in channel.catalogue_fields(merchant, catalogue)]

    found = ask(asked)
    rows = (
        (
            item.name,
            f"{item.fill_rate:.0%}",
            item.distinct if item.distinct_is_exact else f"at least {item.distinct}",
            [sample[:SAMPLE_WIDTH] for sample in item.samples[:3]],
        )
        for item in found
    )
    show(found, as_json, lambda: table_of(("field", "filled", "different", "most frequent"), rows))


def values(
    catalogue: Catalogue,
    field: Annotated[str, typer.Argument(help="The field's name.")],
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    limit: Annotated[int, typer.Option(min=1, help="How many are shown.")] = VALUES_SHOWN,
    as_json: AsJson = False,
) -> None:
    """The values of one field, the most frequent first."""

    async def asked(channel: Channel) -> list[FieldValueCount]:
        found: list[FieldValueCount] = []
        async for item in channel.field_values(merchant, catalogue, field):
            found.append(item)
            if len(found) == limit:
                break
        return found

    found = ask(asked)
    rows = ((item.value, item.products) for item in found)
    show(found, as_json, lambda: table_of(("value", "products"), rows))
