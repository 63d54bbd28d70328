"""Panels of a page: each is asked for at the same time as the others and may fail alone."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Generic, TypeVar

from console.services import Away, Problem, Refused

T = TypeVar("T")


@dataclass(frozen=True)
class Panel(Generic[T]):
    """What a panel shows: a value, else why there is none."""

    value: T | None = None
    problem: Problem | None = None
    is_away: bool = False
    """Whether the service did not answer: the page can be loaded again."""


async def panel(asked: Awaitable[T]) -> Panel[T]:
    """The answer, or why there is none. A session that has ended is raised on."""
    try:
        return Panel(await asked)
    except Refused as refused:
        if refused.problem.status == 401:
            raise
        return Panel(problem=refused.problem)
    except Away as away:
        title = f"{away.service} did not answer"
        problem = Problem(title=title, status=503, remedy="Load the page again in a moment.")
        return Panel(problem=problem, is_away=True)


async def together(*asked: Awaitable[T]) -> list[Panel[T]]:
    """All panels at once."""
    return list(await asyncio.gather(*(panel(each) for each in asked)))
