"""What comes out: tables for people or one JSON document for programs, messages on stderr."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
import typer
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

from channel_cli.client import Channel
from channel_cli.session import (
    Problem,
    ProblemDetails,
    TookTooLong,
    Unreachable,
    open_session,
)
from channel_cli.settings import NoAccess, find_access

T = TypeVar("T")

out = Console()
err = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")]
MerchantId = Annotated[
    str, typer.Option("--merchant", "-m", envvar="CHANNEL_MERCHANT", help="The merchant's id.")
]
ShopId = Annotated[str, typer.Option("--shop", envvar="CHANNEL_SHOP", help="The shop's id.")]
FeedId = Annotated[str, typer.Option("--feed", envvar="CHANNEL_FEED", help="The feed's id.")]
CatalogueId = Annotated[
    str, typer.Option("--catalogue", envvar="CHANNEL_CATALOGUE", help="The catalogue's id.")
]

SAMPLE_MERCHANT = "lumo"
SAMPLE_SHOP = "main"
SAMPLE_FEED = "sample"
SAMPLE_CATALOGUE = "sample"


def ask(question: Callable[[Channel], Awaitable[T]]) -> T:
    """Ask the services; a refusal ends the command with its remedy and exit code 1."""

    async def asked() -> T:
        async with open_session(find_access()) as session:
            return await question(Channel(session))

    try:
        return asyncio.run(asked())
    except Problem as problem:
        fail_with(problem.details)
    except Unreachable as failure:
        fail(str(failure), "Start the stack with `channel up`, or look at `channel status`.")
    except TookTooLong as failure:
        fail(str(failure), "It goes on without you: ask again later.")
    except NoAccess as failure:
        fail(str(failure))


def fail_with(details: ProblemDetails) -> NoReturn:
    """Tell a problem, its place, its rule and the next step; exit code 1."""
    where = ", ".join(
        part
        for part in (
            details.field and f"field {details.field}",
            details.rule and f"rule {details.rule}",
        )
        if part
    )
    err.print(f"[red]{escape(details.title)}[/]" + (f" ({escape(where)})" if where else ""))
    if details.detail:
        err.print(escape(details.detail))
    for problem in details.errors:
        err.print(f"  {escape(problem.field)}: {escape(problem.message)}")
    if details.remedy:
        err.print(f"[bold]Next:[/] {escape(details.remedy)}")
    raise typer.Exit(1)


def fail(what: str, remedy: str | None = None) -> NoReturn:
    """Tell what went wrong and the next step; exit code 1."""
    err.print(f"[red]{escape(what)}[/]")
    if remedy:
        err.print(f"[bold]Next:[/] {escape(remedy)}")
    raise typer.Exit(1)


def show(answer: Any, as_json: bool, table: Callable[[], RenderableType]) -> None:
    """The answer as JSON on stdout, or what `table` makes of it."""
    if as_json:
        write_json(answer)
    else:
        out.print(table())


def write_json(answer: Any) -> None:
    """One JSON document on stdout."""
    text = msgspec.json.format(msgspec.json.encode(answer), indent=1)
    sys.stdout.write(text.decode() + "\n")


def table_of(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = ""
) -> RenderableType:
    """A table of plain values; None is shown as nothing, a time to the minute."""
    table = Table(*columns)
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row))
    return Group(escape(title), table) if title else table


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return "" if value is None else str(value)


def say(message: str) -> None:
    """A message on stderr."""
    err.print(escape(message))
