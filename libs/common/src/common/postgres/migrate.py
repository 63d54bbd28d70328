"""Alembic runs each service's migrations, which are plain SQL, and compares them with the tables.

A change of the shared tables is a further file `backbone_v<n>.sql` here and, in every service, a
migration that runs `backbone_statements(n)`; the comparison names the service that lacks it.
"""

import asyncio
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import MetaData, pool
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from common.postgres.pool import FOR_EVERYBODY
from common.postgres.roles import grant_use
from common.postgres.row_security import find_policy_drift

BACKBONE_VERSIONS = (1, 2, 3, 4)
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
    it does not exist.
    """
    configuration = Config()
    configuration.set_main_option("script_location", str(migrations))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["database_url"] = database_url
    configuration.attributes["service_role"] = service_role
    command.upgrade(configuration, "head")


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
    everybody = {"server_settings": FOR_EVERYBODY}  # a migration changes all merchants' rows
    return create_async_engine(url, poolclass=pool.NullPool, connect_args=everybody)
