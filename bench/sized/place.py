"""Where a step of `bench/size.py` works."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from stack.testing.own_postgres import own_postgres


@dataclass(frozen=True)
class Place:
    """A filled database, and what else the step's module started; empty where it needs none."""

    url: str
    """The database, as the service's role, which owns nothing."""
    rows: int
    market: str = ""
    """The address that stands for AliExpress and for auth-service."""
    bootstrap: str = ""
    """Kafka's address."""
    prefix: str = ""
    """What the names of the topics begin with."""


Step = Callable[[Place], Awaitable[None]]

Prepare = Callable[[str, int], Awaitable[str]]
"""Fills a database of so many rows on the server of this owner; its address for the service."""


@asynccontextmanager
async def filled_places(
    prepare: Prepare, few: int, many: int
) -> AsyncIterator[tuple[Place, Place]]:
    """Both databases, on a Postgres of their own."""
    async with own_postgres("size") as postgres:
        small = await prepare(postgres.admin_url, few)
        yield Place(small, few), Place(await prepare(postgres.admin_url, many), many)
