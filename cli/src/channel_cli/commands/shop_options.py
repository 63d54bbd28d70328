"""`channel shops options` and `photo-bank`: what AliExpress offers and keeps for a shop."""

from collections.abc import Iterator
from typing import Annotated

import typer

from channel_cli.category_calls import Option, ShopCatalogue, ShopOptions
from channel_cli.client import Channel
from channel_cli.output import (
    SAMPLE_MERCHANT,
    SAMPLE_SHOP,
    AsJson,
    MerchantId,
    ask,
    say,
    show,
    table_of,
)
from channel_cli.progress import poll

FETCHED_WITHIN = 30.0
SHOWN = 12
LISTS = {
    "shipping_templates": "shipping_template_id",
    "service_templates": "service_template_id",
    "product_groups": "product_group_id",
    "size_charts": "size_chart_id",
    "product_units": "product_units_type",
    "inventory_deduction_strategies": "inventory_deduction_strategy",
    "languages": "main_locale, languages",
    "countries": "country_prices",
}
"""Each list of options, and the key of a configuration that takes one."""


def options(
    shop: Annotated[str, typer.Argument(help="The shop's id.")] = SAMPLE_SHOP,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    category: Annotated[
        str | None, typer.Option(help="A leaf: what its products may choose.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="LIST", help="One list, whole: " + ", ".join(LISTS) + ".")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What AliExpress offers the shop: templates, groups, size charts, units, languages, countries
    and its currency, under the configuration's key that takes one."""
    if only is not None and only not in LISTS:
        raise typer.BadParameter(f"take one of {', '.join(LISTS)}", param_hint="--only")

    async def asked(channel: Channel) -> ShopOptions:
        offered = ShopCatalogue(channel.session, merchant, shop)
        what = "fetching the shop's options"
        async for found in poll(
            lambda: offered.options(category), within=FETCHED_WITHIN, what=what
        ):
            if not found.is_awaited:
                return found
        raise AssertionError("poll ends by TookTooLong")

    found = ask(asked)
    show(found, as_json, lambda: table_of(("configuration", "id", "name"), _rows(found, only)))
    if not as_json and found.is_overdue:
        say(f"AliExpress could not be asked again in time: as of {found.fetched_at:%Y-%m-%d}.")


def photo_bank(
    shop: Annotated[str, typer.Argument(help="The shop's id.")] = SAMPLE_SHOP,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """How many pictures of the shop's feeds are in its photo bank, wait, or were refused (M3.5)."""
    found = ask(lambda channel: ShopCatalogue(channel.session, merchant, shop).photo_bank())
    columns = ("uploaded", "waiting", "refused", "MB used", "MB in all", "full until")
    row = (
        found.uploaded,
        found.waiting,
        found.refused,
        found.used_megabytes,
        found.total_megabytes,
        found.full_until,
    )
    show(found, as_json, lambda: table_of(columns, [row]))


def _rows(found: ShopOptions, only: str | None) -> Iterator[tuple[str, str, str]]:
    if only is None:
        yield (
            "currency",
            found.currency or "",
            "" if found.currency else "known with the first product",
        )
    for name, key in LISTS.items():
        if only in (None, name):
            yield from _rows_of(key, getattr(found, name), SHOWN if only is None else None)


def _rows_of(
    key: str, offered: list[Option] | None, most: int | None
) -> Iterator[tuple[str, str, str]]:
    if offered is None:
        yield key, "", "any"
    elif not offered:
        yield key, "", "none"
    else:
        for place, option in enumerate(offered[:most]):
            yield "" if place else key, option.id, option.name
        if most is not None and len(offered) > most:
            yield "", "", f"and {len(offered) - most} more: --only"
