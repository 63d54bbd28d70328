"""`channel shops`: the AliExpress seller accounts a merchant works with."""

from datetime import datetime
from typing import Annotated

import typer

from channel_cli.answers import ConsentLink, Shop
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

app = typer.Typer(help="AliExpress seller accounts.", no_args_is_help=True)

ShopArgument = Annotated[str, typer.Argument(help="The shop's id.")]


@app.command("list")
def list_shops(merchant: MerchantId = SAMPLE_MERCHANT, as_json: AsJson = False) -> None:
    """The merchant's shops and how long their tokens last."""

    async def asked(channel: Channel) -> list[Shop]:
        return [shop async for shop in channel.shops(merchant)]

    shops = ask(asked)
    columns = ("shop", "connection", "seller", "name", "expires", "refresh")
    rows = (
        (
            shop.shop_id,
            shop.connection,
            shop.seller_id,
            shop.seller_name,
            shop.expires_at,
            _refresh_of(shop),
        )
        for shop in shops
    )
    show(shops, as_json, lambda: table_of(columns, rows))


def _refresh_of(shop: Shop) -> datetime | str:
    """When the token is renewed by itself, or why the merchant must renew it."""
    if shop.next_refresh_at is not None:
        return shop.next_refresh_at
    return f"refused: {shop.refresh_refused}" if shop.refresh_refused else "no"


@app.command()
def connect(
    shop: ShopArgument = SAMPLE_SHOP,
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """A link to open in the merchant's browser; it connects the shop (M1.2)."""
    _show_link(ask(lambda channel: channel.connect_shop(merchant, shop)), as_json)


@app.command()
def renew(
    shop: ShopArgument = SAMPLE_SHOP,
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """The same link for a shop that is connected: a new token, same seller (M1.4)."""

    async def asked(channel: Channel) -> ConsentLink:
        await channel.shop(merchant, shop)  # a shop nobody connected is refused here
        return await channel.connect_shop(merchant, shop)

    _show_link(ask(asked), as_json)


def _show_link(link: ConsentLink, as_json: bool) -> None:
    show(link, as_json, lambda: link.start_url)
    say(f"Open it in the merchant's browser before {link.expires_at:%H:%M} UTC; it opens once.")
