"""Databases on the run's Postgres: empty, or copies of one that was migrated once."""

import uuid
from collections.abc import Awaitable, Callable

import asyncpg

from stack.postgres import create_database, database_url, drop_database

Prepare = Callable[[str], Awaitable[None]]
"""Migrates and seeds the database of this URL."""
NewDatabase = Callable[..., Awaitable[str]]
"""The fixture `database`: `await database()`, or `await database(prepare)`, gives a URL."""


class Databases:
    """Makes databases on the run's Postgres, each empty or a copy of a prepared one."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url
        self._templates: dict[Prepare, str] = {}

    async def create(self, prepare: Prepare | None = None) -> str:
        """The URL of a new database, its user the owner.

        With `prepare` (called with a URL, once per worker, to migrate and seed) it is a copy of
        the prepared database, which costs some 50 ms.
        """
        template = await self._template(prepare) if prepare else None
        return await self._new(template)

    async def drop(self, url: str) -> None:
        """Drop a database, ending whatever is connected to it."""
        await drop_database(self._admin_url, url.rpartition("/")[2])

    async def _new(self, template: str | None = None) -> str:
        name = f"test_{uuid.uuid4().hex[:12]}"
        await create_database(self._admin_url, name, template=template)
        return database_url(self._admin_url, database=name)

    async def _template(self, prepare: Prepare) -> str:
        if prepare not in self._templates:
            url = await self._new()
            await prepare(url)
            name = url.rpartition("/")[2]
            await _close_to_sessions(self._admin_url, name)
            self._templates[prepare] = name
        return self._templates[prepare]


async def tables_with(database: asyncpg.Connection | asyncpg.Pool, text: str) -> set[str]:
    """The tables of a database in which the text stands, in whatever column and form."""
    tables = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = set()
    for (name,) in tables:
        rows = await database.fetch(f'SELECT * FROM "{name}"')  # noqa: S608 - names of the catalog
        if any(text in _shown(row) for row in rows):
            found.add(name)
    return found


def _shown(row: asyncpg.Record) -> str:
    return " ".join(
        value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        for value in row.values()
    )


async def _close_to_sessions(admin_url: str, name: str) -> None:
    """A database can only be copied while nobody is connected to it."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", name
        )
    finally:
        await connection.close()
