"""`channel parked`: events that wait for what they need."""

import typer

from channel_cli.across_services import (
    EveryMerchant,
    ServiceName,
    of_services,
    show_by_service,
    visible,
)
from channel_cli.output import SAMPLE_MERCHANT, AsJson, MerchantId, ask

app = typer.Typer(help="Events that wait for what they need.", no_args_is_help=True)


@app.callback()
def parked() -> None:
    """Events that wait for what they need."""


@app.command("list")
def list_parked(
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    every_merchant: EveryMerchant = False,
    service: ServiceName = None,
    as_json: AsJson = False,
) -> None:
    """How many wait for what, and when the oldest becomes a dead letter."""
    whose = None if every_merchant else merchant
    found = ask(lambda channel: of_services(channel, service, lambda n: channel.parked(n, whose)))
    show_by_service(
        found,
        as_json,
        ("group", "waits for", "merchant", "parked", "oldest", "until"),
        lambda item: (
            item.group,
            visible(item.waits_for),
            visible(item.merchant_id),
            item.parked,
            item.oldest_at,
            item.oldest_expires_at,
        ),
    )
