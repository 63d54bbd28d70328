"""Progress bars on stderr while something long is awaited."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from channel_cli.output import err
from channel_cli.session import TookTooLong, Unreachable

T = TypeVar("T")

POLL_SECONDS = 0.2
SOONER = 8
"""The first pause is so many times shorter, each other twice the one before: what is done soon is
seen soon."""


@dataclass(frozen=True)
class Bar:
    """One line of progress."""

    progress: Progress
    task: TaskID

    def show(self, done: int, total: int | None) -> None:
        """How far it is."""
        self.progress.update(self.task, completed=done, total=total)

    def finish(self) -> None:
        """All of it is done."""
        task = next(task for task in self.progress.tasks if task.id == self.task)
        total = task.total if task.total is not None else task.completed
        self.progress.update(self.task, completed=total, total=total)


@contextmanager
def progress_bar(what: str) -> Iterator[Bar]:
    """A bar for the body of the `with`; the line stays when it is done."""
    columns = (
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err) as progress:
        yield Bar(progress, progress.add_task(what, total=None))


async def poll(
    ask: Callable[[], Awaitable[T]], *, within: float, what: str, every: float = POLL_SECONDS
) -> AsyncIterator[T]:
    """The answer again and again, `every` so many seconds and at first more often, until the caller
    has seen enough.

    A service that does not answer for a while (it may be restarting) is asked again. Raises
    `TookTooLong` after `within` seconds.
    """
    deadline = time.monotonic() + within
    pause = every / SOONER
    while time.monotonic() < deadline:
        with suppress(Unreachable):
            yield await ask()
        await asyncio.sleep(pause)
        pause = min(every, pause * 2)
    raise TookTooLong(f"{what} took longer than {within:.0f} seconds")
