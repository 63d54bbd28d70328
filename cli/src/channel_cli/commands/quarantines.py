"""`channel quarantines`: sources that sent mostly poison, and letting them in again."""

from typing import Annotated

import typer

from channel_cli.across_services import (
    EveryMerchant,
    ServiceName,
    of_services,
    show_by_service,
    visible,
)
from channel_cli.answers import Quarantine
from channel_cli.client import Channel
from channel_cli.output import (
    SAMPLE_MERCHANT,
    AsJson,
    MerchantId,
    ask,
    fail,
    say,
)

app = typer.Typer(help="Sources that are set aside for a merchant.", no_args_is_help=True)


@app.command("list")
def list_quarantines(
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    every_merchant: EveryMerchant = False,
    service: ServiceName = None,
    as_json: AsJson = False,
) -> None:
    """Sources in quarantine: their good records are parked, their bad ones dead letters."""
    whose = None if every_merchant else merchant
    found = ask(
        lambda channel: of_services(channel, service, lambda n: channel.quarantines(n, whose))
    )
    _show(found, as_json)


@app.command()
def lift(
    source: Annotated[str, typer.Argument(help="The system that sent them; '' where unnamed.")],
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    service: ServiceName = None,
    group: Annotated[str | None, typer.Option("--group", help="Only for this group.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let a source in again, as an operator; what was parked is replayed."""

    async def asked(channel: Channel) -> list[tuple[str, Quarantine]]:
        found = await of_services(channel, service, lambda n: channel.quarantines(n, merchant))
        meant = [
            (name, item)
            for name, item in found
            if item.source == source and group in {None, item.group}
        ]
        for name, item in meant:
            await channel.lift_quarantine(name, item)
        return meant

    lifted = ask(asked)
    if not lifted:
        fail(
            f'no source "{source}" is in quarantine for {merchant}',
            f"`channel quarantines list --merchant {merchant}` names those that are.",
        )
    _show(lifted, as_json)
    say("Lifted. What was parked is replayed; `channel parked list` shows what still waits.")


def _show(found: list[tuple[str, Quarantine]], as_json: bool) -> None:
    show_by_service(
        found,
        as_json,
        ("group", "source", "merchant", "reason", "since"),
        lambda item: (
            item.group,
            visible(item.source),
            visible(item.merchant_id),
            item.reason,
            item.since,
        ),
    )
