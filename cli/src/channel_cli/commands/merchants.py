"""`channel merchants`: who may use the channel."""

from typing import Annotated

import typer

from channel_cli.answers import Merchant
from channel_cli.client import Channel
from channel_cli.merchant_calls import Merchants
from channel_cli.output import AsJson, ask, fail, show, table_of

app = typer.Typer(help="Who may use the channel.", no_args_is_help=True)


@app.command()
def register(
    merchant: Annotated[str, typer.Argument(help="The merchant's id.")],
    name: Annotated[
        str, typer.Option(help="Its name; without, that which it has, or the id.")
    ] = "",
    eligible: Annotated[
        bool, typer.Option(help="Whether it is known as an AliExpress seller (M1.1).")
    ] = True,
    change: Annotated[
        bool, typer.Option("--change", help="Change the merchant if there is one of this id.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Register a merchant. One of this id that is there is changed with --change alone."""

    async def asked(channel: Channel) -> Merchant:
        merchants = Merchants(channel.session)
        made = await merchants.make(merchant, name=name or merchant, is_eligible=eligible)
        if made is not None:
            return made
        present = await merchants.read(merchant)
        wanted = name or present.name
        if (present.name, present.is_eligible) == (wanted, eligible):
            return present  # registered already, as is asked for
        if not change:
            fail(
                f"there is a merchant {merchant} already: {present.name!r}, "
                f"{'' if present.is_eligible else 'not '}eligible; nothing was changed",
                "Choose another id, or add --change to change that one.",
            )
        return await merchants.change(merchant, name=wanted, is_eligible=eligible)

    answer = ask(asked)
    row = (answer.merchant_id, answer.name, "yes" if answer.is_eligible else "no")
    show(answer, as_json, lambda: table_of(("merchant", "name", "eligible"), [row]))
