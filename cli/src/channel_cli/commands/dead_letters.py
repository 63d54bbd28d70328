"""`channel dead-letters`: events that could not be taken, and playing them again."""

from pathlib import Path
from typing import Annotated, Any

import typer

from channel_cli.answers import DeadLetter, ReplayOutcome
from channel_cli.client import Channel
from channel_cli.output import (
    SAMPLE_MERCHANT,
    AsJson,
    MerchantId,
    ask,
    show,
    table_of,
    write_json,
)
from channel_cli.session import Query, Unreachable
from channel_cli.settings import CATALOG, SERVICES

app = typer.Typer(help="Events that could not be taken.", no_args_is_help=True)

ServiceName = Annotated[str, typer.Option("--service", help=f"Whose: {', '.join(SERVICES)}.")]
LetterId = Annotated[int, typer.Argument(help="The dead letter's number.")]


@app.command("list")
def list_letters(
    merchant: MerchantId = SAMPLE_MERCHANT,
    state: Annotated[str, typer.Option(help="open, replayed, discarded, all.")] = "open",
    as_json: AsJson = False,
) -> None:
    """Dead letters of all services."""
    found = ask(lambda channel: letters_of(channel, merchant, {"state": state}))
    rows = (
        (service, letter.id, letter.reason, letter.detail, letter.remedy, letter.place)
        for service, letter in found
    )
    document = [{"service": service, "letter": letter} for service, letter in found]
    columns = ("service", "number", "reason", "detail", "remedy", "place")
    show(document, as_json, lambda: table_of(columns, rows))


@app.command("show")
def show_letter(
    letter_id: LetterId, merchant: MerchantId = SAMPLE_MERCHANT, service: ServiceName = CATALOG
) -> None:
    """One dead letter with what it held, as JSON."""
    write_json(ask(lambda channel: channel.dead_letter(service, merchant, letter_id)))


@app.command()
def replay(
    letter_ids: Annotated[
        list[int] | None, typer.Argument(help="Numbers; all open ones if none.")
    ] = None,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    service: ServiceName = CATALOG,
    reason: Annotated[str | None, typer.Option(help="All open ones with this reason.")] = None,
    value: Annotated[
        Path | None, typer.Option(help="A file with mended data for a single one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let the same handler take them again."""
    request: dict[str, Any] = {"reason": reason}
    if letter_ids:
        request = {"ids": letter_ids}
        if value is not None:
            request["value"] = value.read_text(encoding="utf-8")
    outcomes: list[ReplayOutcome] = ask(
        lambda channel: channel.replay_dead_letters(service, merchant, request)
    )
    rows = ((item.id, item.outcome, item.reason, item.detail) for item in outcomes)
    show(outcomes, as_json, lambda: table_of(("number", "outcome", "reason", "detail"), rows))
    if any(item.outcome == "rejected" for item in outcomes):
        raise typer.Exit(1)


async def letters_of(
    channel: Channel, merchant: str, filters: Query
) -> list[tuple[str, DeadLetter]]:
    """The dead letters of every service whose address is known, with the service's name."""
    found = []
    for service in SERVICES:
        try:
            letters = [item async for item in channel.dead_letters(service, merchant, filters)]
        except Unreachable:
            if service in channel.session.access.urls:
                raise
            continue
        found += [(service, letter) for letter in letters]
    return found
