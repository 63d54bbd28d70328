"""Alembic runs each service's migrations, which are plain SQL files' worth of statements."""

import asyncio
from importlib import resources
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine


def backbone_statements() -> list[str]:
    """The shared mechanisms' tables, for a service's first migration."""
    text = (resources.files("common.postgres") / "backbone_v1.sql").read_text()
    return statements(text)


def statements(text: str) -> list[str]:
    """The statements of a SQL script that has no semicolon inside a statement."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]


def upgrade(migrations: Path, database_url: str) -> None:
    """Bring the database to the newest revision under `migrations`."""
    configuration = Config()
    configuration.set_main_option("script_location", str(migrations))
    configuration.set_main_option("path_separator", "os")
    configuration.attributes["database_url"] = database_url
    command.upgrade(configuration, "head")


def run_environment() -> None:
    """The body of every service's `migrations/env.py`."""
    asyncio.run(_run(context.config.attributes["database_url"]))


async def _run(database_url: str) -> None:
    engine = create_async_engine(
        database_url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=pool.NullPool
    )
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
        await connection.commit()
    await engine.dispose()


def _migrate(connection: SqlConnection) -> None:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
