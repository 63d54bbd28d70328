"""`channel merchants`: who may use the channel."""

from typing import Annotated

import typer

from channel_cli.output import AsJson, ask, show, table_of

app = typer.Typer(help="Who may use the channel.", no_args_is_help=True)


@app.command()
def register(
    merchant: Annotated[str, typer.Argument(help="The merchant's id.")],
    name: Annotated[str, typer.Option(help="Its name; the id when left out.")] = "",
    eligible: Annotated[
        bool, typer.Option(help="Whether it is known as an AliExpress seller (M1.1).")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Register a merchant, or change it."""
    answer = ask(
        lambda channel: channel.register_merchant(
            merchant, name=name or merchant, is_eligible=eligible
        )
    )
    row = (answer.merchant_id, answer.name, "yes" if answer.is_eligible else "no")
    show(answer, as_json, lambda: table_of(("merchant", "name", "eligible"), [row]))
