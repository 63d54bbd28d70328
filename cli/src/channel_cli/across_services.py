"""What dead letters, quarantines and parked records have in common: every service keeps its own."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Annotated, TypeVar

import msgspec
import typer

from channel_cli.answers import DeadLetter
from channel_cli.client import Channel
from channel_cli.output import fail, show, table_of
from channel_cli.session import Problem
from channel_cli.settings import SERVICES

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

AT_ONCE = 50
"""Dead letters settled by one request: a bar moves, and none takes long."""
IDS_AT_ONCE = 200
"""The most numbers a request may name."""

EveryMerchant = Annotated[
    bool,
    typer.Option("--every-merchant", help="As an operator: of every merchant, and of none."),
]


def known_service(name: str | None) -> str | None:
    """The name, if a service has it; else a usage error."""
    if name is not None and name not in SERVICES:
        raise typer.BadParameter(f"{name} is none of {', '.join(SERVICES)}")
    return name


ServiceName = Annotated[
    str | None,
    typer.Option(
        "--service", callback=known_service, help=f"Only this one's: {', '.join(SERVICES)}."
    ),
]


def services_of(channel: Channel, service: str | None) -> Sequence[str]:
    """The service that is meant, or all whose address is known."""
    if service is not None:
        return (service,)
    return [name for name in SERVICES if name in channel.session.access.urls]


async def of_services(
    channel: Channel, service: str | None, items: Callable[[str], AsyncIterator[T]]
) -> list[tuple[str, T]]:
    """Every item of the services meant, beside its service's name."""
    return [(name, item) for name in services_of(channel, service) async for item in items(name)]


def show_by_service(
    found: Sequence[tuple[str, S]],
    as_json: bool,
    columns: Sequence[str],
    cells: Callable[[S], Sequence[object]],
) -> None:
    """The items, each beside its service's name: as JSON, or in a table of these columns."""
    document = [{"service": name, **msgspec.structs.asdict(item)} for name, item in found]
    rows = ((name, *cells(item)) for name, item in found)
    show(document, as_json, lambda: table_of(("service", *columns), rows))


async def find_letter(
    channel: Channel, merchant: str | None, letter_id: int, service: str | None
) -> tuple[str, DeadLetter]:
    """The dead letter of this number and its service; two that have it end the command."""
    found: dict[str, DeadLetter] = {}
    for name in services_of(channel, service):
        try:
            found[name] = await channel.dead_letter(name, merchant, letter_id)
        except Problem as problem:
            if problem.details.status != 404:
                raise
    name = only_one(list(found), [letter_id])
    return name, found[name]


async def find_service(
    channel: Channel, merchant: str | None, letter_ids: Sequence[int], service: str | None
) -> str:
    """The service that has dead letters of these numbers; two that have some end the command."""
    if service is not None:
        return service
    found = []
    request = {"ids": list(letter_ids[:IDS_AT_ONCE]), "dry_run": True}
    for name in services_of(channel, None):
        answer = await channel.settle_dead_letters(name, merchant, "replay", request)
        if any(item.outcome != "not-found" for item in answer.items):
            found.append(name)
    return only_one(found, letter_ids)


def only_one(services: Sequence[str], letter_ids: Sequence[int]) -> str:
    """The only service of these; none or several end the command with the next step."""
    numbers = ", ".join(map(str, letter_ids))
    if not services:
        fail(
            f"no service keeps a dead letter {numbers} of this merchant",
            "`channel dead-letters list --state all` shows what there is.",
        )
    if len(services) > 1:
        fail(
            f"{' and '.join(services)} both keep a dead letter {numbers}",
            f"Say which one is meant: --service {services[0]}.",
        )
    return services[0]


def visible(text: str | None) -> str | None:
    """What a producer sent, safe on a terminal: control characters as their codes."""
    if text is None:
        return None
    return "".join(
        char if char.isprintable() or char in "\n\t" else f"\\u{ord(char):04x}" for char in text
    )
