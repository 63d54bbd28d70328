"""Databases on the run's Postgres: empty, or copies of one that was migrated once.

A copy is used as a service uses its database: by a role that owns nothing and is bound by row-level
security. Its sessions act for all merchants unless they say otherwise.
"""

import hashlib
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from types import FunctionType
from urllib.parse import unquote, urlsplit

import asyncpg

from common.postgres.pool import Connection, Pool, open_pool
from stack.postgres import (
    create_role,
    database_url,
    for_everybody,
)
from stack.testing.foreign_queries import ForeignQueries, truncate

SERVICE_ROLE = "test_service"

_admin_urls: list[str] = []
"""The server of this process's tests, once its databases are made."""

Prepare = Callable[[str], Awaitable[None]]
"""Migrates and seeds the database of this URL."""
NewDatabase = Callable[..., Awaitable[str]]
"""The fixture `database`: `await database()`, or `await database(prepare)`, gives a URL."""


def open_administrators(admin_url: str) -> "asyncpg.Pool[asyncpg.Record]":
    """Kept connections of the administrator: to open one costs half of what a copy does."""
    return asyncpg.create_pool(admin_url, min_size=0, max_size=2, reset=_leave_as_it_is)


async def _leave_as_it_is(_connection: object) -> None:
    """No statement here changes its session."""


class Databases:
    """Makes databases on the run's Postgres, each empty or a copy of a prepared one."""

    def __init__(
        self,
        admin_url: str,
        administrators: "asyncpg.Pool[asyncpg.Record]",
        queries: ForeignQueries,
    ) -> None:
        self._admin_url = admin_url
        self._administrators = administrators
        self._queries = queries
        self._templates: dict[Prepare, str] = {}
        _admin_urls[:] = [admin_url]

    async def create(self, prepare: Prepare | None = None) -> str:
        """The URL of a new database, its user the owner.

        With `prepare` (called with the owner's URL, once in a run, to migrate and seed) it is a
        copy of the prepared database, which costs some 20 ms, and its user `SERVICE_ROLE`.
        """
        if prepare is None:
            return await self._new()
        template = await self._template(prepare)
        name = _name_of(await self._new(template, user=SERVICE_ROLE))
        url = database_url(
            self._admin_url, database=name, user=SERVICE_ROLE, password=_password(self._admin_url)
        )
        return for_everybody(url)

    def as_owner(self, url: str) -> str:
        """The same database, its user the owner, whom no policy binds."""
        return database_url(self._admin_url, database=_name_of(url))

    async def execute_as_owner(self, url: str, statement: str) -> None:
        """Run what a service may not: TRUNCATE, ANALYZE, ALTER."""
        connection = await asyncpg.connect(self.as_owner(url))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    @asynccontextmanager
    async def shared(self, prepare: Prepare) -> AsyncIterator[tuple[str, Pool]]:
        """A prepared database for many tests, by its URL, and connections to it, for the block."""
        url = await self.create(prepare)
        async with await open_pool(url, max_size=4) as pool:
            yield url, pool
        await self.drop(url)

    async def empty(self, url: str, *, kept: Collection[str] = ()) -> None:
        """Leave no row but in the kept tables and in Alembic's, and refuse none any more."""
        connection = await asyncpg.connect(self.as_owner(url))
        try:
            names = await connection.fetch(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                " AND tablename NOT LIKE 'alembic%' AND tablename <> ALL ($1)",
                [*kept],
            )
            # as `stack.testing.poison` leaves it, with its triggers
            await connection.execute("DROP FUNCTION IF EXISTS refuse_row CASCADE")
            await truncate(connection, [name for (name,) in names], "RESTART IDENTITY CASCADE")
        finally:
            await connection.close()

    async def replay_as_stranger(self, url: str) -> None:
        """Let another merchant run what was asked of this database: see `foreign_queries`."""
        await self._queries.replay(self.as_owner(url), SERVICE_ROLE, _name_of(url))

    async def drop(self, url: str) -> None:
        """Drop a database, ending whatever is connected to it."""
        await self._administrators.execute(
            f'DROP DATABASE IF EXISTS "{_name_of(url)}" WITH (FORCE)'
        )

    async def _new(
        self, template: str | None = None, *, name: str | None = None, user: str | None = None
    ) -> str:
        name = name or f"test_{uuid.uuid4().hex[:12]}"
        # Copied as files: through the log, as is usual, it takes 2.5 times the processor time.
        of_template = f' TEMPLATE "{template}" STRATEGY file_copy' if template else ""
        await self._administrators.execute(f'CREATE DATABASE "{name}"{of_template}')
        await self._administrators.execute(f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC')
        if user:
            await self._administrators.execute(f'GRANT CONNECT ON DATABASE "{name}" TO "{user}"')
        return database_url(self._admin_url, database=name)

    async def _template(self, prepare: Prepare) -> str:
        if prepare not in self._templates:
            name = _template_of(prepare)
            async with _only_worker(self._admin_url, name) as connection:
                if not await connection.fetchval(_IS_PREPARED, name):
                    await self._prepare(name, prepare)
            self._templates[prepare] = name
        return self._templates[prepare]

    async def _prepare(self, name: str, prepare: Prepare) -> None:
        await self._administrators.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        url = await self._new(name=name)
        await prepare(url)
        await _grant_use(self._admin_url, url)
        await _close_to_sessions(self._admin_url, name)


_IS_PREPARED = "SELECT NOT datallowconn FROM pg_database WHERE datname = $1"
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
"""What all of xdist's workers of a run have in common."""


def _template_of(prepare: Prepare) -> str:
    """The name of the database that it prepares. All workers share that of a module's function;
    what a test made of what it knows has one of its own."""
    function = uuid.uuid4().hex
    if isinstance(prepare, FunctionType) and prepare.__closure__ is None:
        function = f"{prepare.__code__.co_filename}:{prepare.__qualname__}"
    return f"template_{hashlib.sha256(f'{_RUN} {function}'.encode()).hexdigest()[:16]}"


@asynccontextmanager
async def _only_worker(admin_url: str, template: str) -> AsyncIterator[asyncpg.Connection]:
    """No other worker makes this template during the block."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtext($1))", template)
        yield connection
    finally:
        await connection.close()


async def execute_as_owner(pool: "asyncpg.Pool[asyncpg.Record]", statement: str) -> None:
    """Run on the pool's database what only its owner may, such as making a trigger."""
    name = await pool.fetchval("SELECT current_database()")
    connection = await asyncpg.connect(database_url(_admin_urls[0], database=name))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def rows_read(connection: Connection, table: str) -> int:
    """How many rows of the table this session has read, by whatever plan: to be compared with what
    it was before, in one transaction."""
    rows: int = await connection.fetchval(
        "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
        " WHERE relid = $1::regclass",
        table,
    )
    return rows


async def tables_with(database: asyncpg.Connection | asyncpg.Pool, text: str) -> set[str]:
    """The tables of a database in which the text stands, in whatever column and form."""
    tables = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = set()
    for (name,) in tables:
        rows = await database.fetch(f'SELECT * FROM "{name}"')  # noqa: S608 - names of the catalog
        if any(text in _shown(row) for row in rows):
            found.add(name)
    return found


def _password(admin_url: str) -> str:
    """The service role's: the administrator's, which every worker knows."""
    return unquote(urlsplit(admin_url).password or "")


def _name_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


async def _grant_use(admin_url: str, url: str) -> None:
    """Let the service's role do with the tables what migrations let it do."""
    connection = await asyncpg.connect(admin_url)
    try:
        # workers make the role at the same time, and some meet the others' half way
        await connection.execute("SELECT pg_advisory_lock(1)")
        await create_role(admin_url, SERVICE_ROLE, _password(admin_url))
    finally:
        await connection.close()
    connection = await asyncpg.connect(url)
    try:
        tables = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public"
        await connection.execute(f"GRANT {tables} TO {SERVICE_ROLE}")
        sequences = "USAGE ON ALL SEQUENCES IN SCHEMA public"
        await connection.execute(f"GRANT {sequences} TO {SERVICE_ROLE}")
    finally:
        await connection.close()


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
