"""What comes out: tables for people or one JSON document for programs, messages on stderr."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, NoReturn, TextIO, TypeVar

import msgspec
import typer
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Column, Table

from channel_cli.client import Channel
from channel_cli.commands_of import in_commands
from channel_cli.session import (
    FieldProblem,
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

SOME_REFUSED = 3
"""Exit code of a command whose run ended as `completed_with_errors`, or of whose parcels some were
refused: done, but not for all."""


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong and the next step, as `--json` has it under `error`."""

    title: str
    type: str = ""
    status: int = 0
    detail: str | None = None
    field: str | None = None
    rule: str | None = None
    remedy: str | None = None
    errors: list[FieldProblem] = msgspec.field(default_factory=list)


@dataclass
class _Printing:
    """How this process prints: a command is one process."""

    is_json: bool = False
    has_document: bool = False


_printing = _Printing()


def _print_json(value: bool) -> bool:
    _printing.is_json = value
    return value


AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        callback=_print_json,
        is_eager=True,
        help="One JSON document instead of a table; a failure too.",
    ),
]
MerchantId = Annotated[
    str, typer.Option("--merchant", "-m", envvar="CHANNEL_MERCHANT", help="The merchant's id.")
]
ShopId = Annotated[str, typer.Option("--shop", envvar="CHANNEL_SHOP", help="The shop's id.")]
FeedId = Annotated[str, typer.Option("--feed", envvar="CHANNEL_FEED", help="The feed's id.")]
NamedFeed = Annotated[str, typer.Argument(envvar="CHANNEL_FEED", help="The feed's id.")]
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
    """Show a problem, its place, its rule and the next step; exit code 1."""
    remedy = None if details.remedy is None else in_commands(details.remedy)
    if _printing.is_json:
        parts = msgspec.structs.asdict(details) | {"type": details.type, "remedy": remedy}
        _end_with(Failure(**parts))
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
    if remedy:
        err.print(f"[bold]Next:[/] {escape(remedy)}")
    raise typer.Exit(1)


def fail(what: str, remedy: str | None = None) -> NoReturn:
    """Show what went wrong and the next step; exit code 1."""
    remedy = None if remedy is None else in_commands(remedy)
    if _printing.is_json:
        _end_with(Failure(title=what, remedy=remedy))
    err.print(f"[red]{escape(what)}[/]")
    if remedy:
        err.print(f"[bold]Next:[/] {escape(remedy)}")
    raise typer.Exit(1)


def _end_with(failure: Failure) -> NoReturn:
    """The failure as the document of the command; on stderr behind an answer."""
    write_json({"error": failure}, sys.stderr if _printing.has_document else sys.stdout)
    raise typer.Exit(1)


def show(answer: Any, as_json: bool, table: Callable[[], RenderableType]) -> None:
    """The answer as JSON on stdout, or what `table` makes of it: a text in one piece, since a link
    that is broken into lines cannot be copied."""
    if as_json:
        write_json(answer)
    else:
        made = table()
        out.print(made, soft_wrap=isinstance(made, str))


def write_json(answer: Any, to: TextIO | None = None) -> None:
    """One JSON document, on stdout if nothing else is named."""
    text = msgspec.json.format(msgspec.json.encode(answer), indent=1)
    _printing.has_document = True
    (to or sys.stdout).write(text.decode() + "\n")


def table_of(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = ""
) -> RenderableType:
    """A table of values as people write them: see `cell`."""
    table = Table(*(Column(name, overflow="fold") for name in columns))  # ids are to be copied
    for row in rows:
        table.add_row(*(escape(cell(value)) for value in row))
    return Group(escape(title), table) if title else table


def cell(value: Any) -> str:
    """A value as people write it, never as Python does: None is nothing, a list has lines."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, msgspec.Struct | Mapping):
        parts = value if isinstance(value, Mapping) else msgspec.structs.asdict(value)
        return "\n".join(
            f"{name}: {' '.join(cell(part).splitlines())}" for name, part in parts.items()
        )
    if isinstance(value, list | tuple | set | frozenset):
        return "\n".join(", ".join(cell(part).splitlines()) for part in value)
    words = {None: "", True: "yes", False: "no"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


def say(message: str) -> None:
    """A message on stderr."""
    err.print(escape(message))
