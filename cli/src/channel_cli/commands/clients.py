"""`channel clients`: API clients of a merchant's systems."""

from typing import Annotated

import typer

from channel_cli.answers import ApiClient
from channel_cli.client import Channel
from channel_cli.output import SAMPLE_MERCHANT, AsJson, MerchantId, ask, say, show, table_of
from channel_cli.people_answers import ListedClient
from channel_cli.people_calls import Clients

app = typer.Typer(help="API clients of a merchant's systems.", no_args_is_help=True)

ClientId = Annotated[str, typer.Argument(help="The client's id.")]


@app.command("list")
def list_clients(
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    every_merchant: Annotated[
        bool,
        typer.Option("--every-merchant", help="As an operator: all, services' and operators' too."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The clients, revoked ones too; secrets are never shown again."""

    async def asked(channel: Channel) -> list[ListedClient]:
        clients = Clients(channel.session)
        found = clients.all() if every_merchant else clients.of_merchant(merchant)
        return [client async for client in found]

    found = ask(asked)
    columns = ("client", "merchant", "name", "scopes", "made", "rotated", "state")
    rows = (
        (
            client.client_id,
            client.merchant_id,
            client.name,
            client.scopes,
            client.created_at,
            client.rotated_at,
            _state(client),
        )
        for client in found
    )
    show(found, as_json, lambda: table_of(columns, rows))


def _state(client: ListedClient) -> str:
    if client.revoked_at is not None:
        return f"revoked {client.revoked_at:%Y-%m-%d}"
    return "live"


@app.command()
def make(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scopes: Annotated[list[str], typer.Option("--scope", help="What it may do; several times.")],
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """A client for one of the merchant's systems; its secret is shown this once."""
    made = ask(lambda channel: channel.make_api_client(merchant, name=name, scopes=scopes))
    _show_secret(made, as_json)


@app.command()
def rotate(
    client: ClientId,
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=720, help="How long the old secret is taken beside it.")
    ] = 24,
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """Another secret, shown this once."""
    rotated = ask(lambda channel: Clients(channel.session).rotate(merchant, client, overlap_hours))
    made = ApiClient(client_id=rotated.client_id, client_secret=rotated.client_secret)
    _show_secret(made, as_json)
    say(f"The old secret is taken until {rotated.previous_ends_at:%Y-%m-%d %H:%M} UTC.")


@app.command()
def revoke(client: ClientId, merchant: MerchantId = SAMPLE_MERCHANT) -> None:
    """Give the client no tokens any more; those it holds end within ten minutes."""
    ask(lambda channel: Clients(channel.session).revoke(merchant, client))
    say(f"{client} is revoked.")


def _show_secret(made: ApiClient, as_json: bool) -> None:
    row = (made.client_id, made.client_secret)
    show(made, as_json, lambda: table_of(("client", "secret"), [row]))
