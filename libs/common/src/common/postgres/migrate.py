"""Alembic runs each service's migrations, which are plain SQL, and compares them with the tables.

A change of the shared tables is a further file `backbone_v<n>.sql` here and, in every service, a
migration that runs `backbone_statements(n)`; the comparison names the service that lacks it.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from importlib import resources
from pathlib import Path

import structlog
from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import MetaData, pool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from common.postgres.pool import FOR_EVERYBODY
from common.postgres.roles import grant_use
from common.postgres.row_security import find_policy_drift

log = structlog.get_logger()

LOCK_TIMEOUT = timedelta(seconds=3)
"""How long a statement waits for a table. While it waits, whoever comes later to that table, the
running version of the service, waits behind it."""
RETRY_PAUSE = timedelta(seconds=2)
"""Between two attempts: who waited behind the last one goes first."""
GIVEN_UP_AFTER = timedelta(minutes=5)
LOCK_NOT_AVAILABLE = "55P03"

BACKBONE_VERSIONS = (1, 2, 3, 4, 5, 6)
"""Every version of the shared tables, the oldest first."""


def backbone_statements(version: int = 1) -> list[str]:
    """What this version changes of the shared tables, for a migration of a service."""
    text = (resources.files("common.postgres") / f"backbone_v{version}.sql").read_text()
    return statements(text)


def statements(text: str) -> list[str]:
    """The statements of a SQL script that has no semicolon inside a statement."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]


def upgrade(migrations: Path, database_url: str, *, service_role: str | None = None) -> None:
    """Bring the database to the newest revision under `migrations`, as its owner.

    `service_role`, who owns nothing, may then use the declared tables. Raises `RoleMissing` when
    it does not exist, and `TablesInUse` when the tables are not to be had for `GIVEN_UP_AFTER`.
    """
    configuration = Config()
    configuration.set_main_option("script_location", str(migrations))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["database_url"] = database_url
    configuration.attributes["service_role"] = service_role
    deadline = time.monotonic() + GIVEN_UP_AFTER.total_seconds()
    while True:
        try:
            command.upgrade(configuration, "head")
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            if time.monotonic() > deadline:
                raise TablesInUse(
                    "another session has a table locked: look in pg_stat_activity for a transaction"
                    " that has been open for long, end it, then migrate again"
                ) from error
            log.warning("migrate.tables_in_use", statement=error.statement)
            time.sleep(RETRY_PAUSE.total_seconds())
        else:
            return


class TablesInUse(Exception):
    """Nothing was migrated; the text says why and what to do first."""


def run_environment(schema: Sequence[MetaData]) -> None:
    """The body of every service's `migrations/env.py`; `schema` is what its database holds."""
    attributes = context.config.attributes
    asyncio.run(_run(attributes["database_url"], attributes["service_role"], schema))


async def _run(database_url: str, service_role: str | None, schema: Sequence[MetaData]) -> None:
    engine = _engine(database_url)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate, schema)
        if service_role is not None:
            await connection.run_sync(grant_use, service_role, schema)
        await connection.commit()
    await engine.dispose()


def _migrate(connection: SqlConnection, schema: Sequence[MetaData]) -> None:
    context.configure(connection=connection, target_metadata=schema, compare_server_default=True)
    with context.begin_transaction():
        context.run_migrations()


async def find_drift(database_url: str, schema: Sequence[MetaData]) -> list[str]:
    """Where the migrated database is not as the tables are declared, a line each."""
    engine = _engine(database_url)
    async with engine.connect() as connection:
        found = await connection.run_sync(_compare, schema)
    await engine.dispose()
    return [repr(difference) for difference in found]


def _compare(connection: SqlConnection, schema: Sequence[MetaData]) -> list[object]:
    options = {"compare_type": True, "compare_server_default": True}
    migrated = MigrationContext.configure(connection, opts=options)
    return [
        *compare_metadata(migrated, schema),  # type: ignore[arg-type]  # takes several too
        *find_policy_drift(connection, schema),
    ]


def _engine(database_url: str) -> AsyncEngine:
    url = database_url.replace("postgresql://", "postgresql+asyncpg://", 1)
    # a migration changes all merchants' rows
    settings = FOR_EVERYBODY | {"lock_timeout": f"{LOCK_TIMEOUT.total_seconds():g}s"}
    return create_async_engine(
        url, poolclass=pool.NullPool, connect_args={"server_settings": settings}
    )
