"""Migrations beside a running service: they wait for no lock in front of everybody else."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from common.postgres import migrate
from common.postgres.migrate import TablesInUse, upgrade
from stack.testing import NewDatabase, eventually

ENVIRONMENT = """
from sqlalchemy import MetaData
from common.postgres.migrate import run_environment
run_environment([MetaData()])
"""
FIRST = "op.execute('CREATE TABLE note (number bigint)')"
ADDS_A_COLUMN = "op.execute('ALTER TABLE note ADD COLUMN text text')"
ADDS_AN_INDEX = """
    with op.get_context().autocommit_block():
        op.execute('CREATE INDEX CONCURRENTLY IF NOT EXISTS note_number ON note (number)')
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(ENVIRONMENT)
    add(tmp_path, 1, FIRST)
    return tmp_path


def add(folder: Path, number: int, body: str) -> None:
    previous = repr(f"{number - 1:04}") if number > 1 else None
    (folder / "versions" / f"{number:04}_step.py").write_text(
        "from alembic import op\n"
        f"revision = '{number:04}'\ndown_revision = {previous}\n"
        f"def upgrade():\n    {body.strip()}\n"
    )


@pytest.fixture
async def url(database: NewDatabase, migrations: Path) -> str:
    url = await database()
    await asyncio.to_thread(upgrade, migrations, url)
    return url


@pytest.fixture
async def long_reader(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A session whose open transaction has read the table."""
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN; SELECT FROM note")
    yield connection
    await connection.close()


async def columns(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'note'::regclass AND attnum > 0"
    )
    await connection.close()
    return [row["attname"] for row in rows]


async def test_a_migration_that_waits_lets_the_service_pass(
    url: str, migrations: Path, long_reader: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", timedelta(seconds=1))
    add(migrations, 2, ADDS_A_COLUMN)
    service = await asyncpg.connect(url)
    migrating = asyncio.create_task(asyncio.to_thread(upgrade, migrations, url))

    async def is_waiting() -> bool:
        waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'note'::regclass AND NOT granted"
        return bool(await long_reader.fetchval(waiting))

    await eventually(is_waiting)
    await service.execute("INSERT INTO note VALUES (1)", timeout=20)
    assert not migrating.done()
    await long_reader.execute("COMMIT")
    await migrating
    assert await columns(url) == ["number", "text"]
    await service.close()


async def test_a_table_that_stays_locked_is_given_up_on_and_nothing_is_changed(
    url: str, migrations: Path, long_reader: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", timedelta(milliseconds=100))
    monkeypatch.setattr(migrate, "GIVEN_UP_AFTER", timedelta())
    add(migrations, 2, ADDS_A_COLUMN)
    with pytest.raises(TablesInUse, match="pg_stat_activity"):
        await asyncio.to_thread(upgrade, migrations, url)
    assert await columns(url) == ["number"]
    await long_reader.execute("COMMIT")
    await asyncio.to_thread(upgrade, migrations, url)
    assert await columns(url) == ["number", "text"]


async def test_an_index_can_be_made_beside_writers(
    url: str, migrations: Path, long_reader: asyncpg.Connection
) -> None:
    await long_reader.execute("COMMIT")
    add(migrations, 2, ADDS_AN_INDEX)
    await asyncio.to_thread(upgrade, migrations, url)
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'note_number'::regclass"
    assert await long_reader.fetchval(valid) is True
