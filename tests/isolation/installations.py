"""Each service's database as it is installed: migrated by its owner, used by the service's role.

Every declared table holds one row of each of two merchants, made of the declaration: the rows mean
nothing, and a new table has them too.
"""

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import sqlalchemy as sa

from common.postgres.acting import SETTING
from common.postgres.migrate import upgrade
from common.postgres.pool import Connection
from common.postgres.row_security import condition_of
from stack.postgres import (
    create_database,
    create_role,
    database_url,
    drop_database,
    random_password,
)
from stack.system import SERVICES

FIRST, SECOND = "first-merchant", "second-merchant"
TABLES: Mapping[str, tuple[sa.Table, ...]] = {
    service.module: tuple(
        table
        for metadata in importlib.import_module(f"{service.module}.tables").SCHEMA
        for table in metadata.sorted_tables
    )
    for service in SERVICES
}
PROTECTED = [
    (module, table)
    for module, tables in TABLES.items()
    for table in tables
    if condition_of(table) is not None
]
_NUMBERS = {FIRST: 1, SECOND: 2}

Row = dict[str, object]


@dataclass(frozen=True)
class Installation:
    """A service's database; `rows` are those of each merchant, by table."""

    owner_url: str
    service_url: str
    role: str
    rows: Mapping[tuple[str, str], Row]

    @asynccontextmanager
    async def session(self, acting_for: str | None) -> AsyncIterator[Connection]:
        """A transaction of the service's, rolled back; None: that has not said for whom."""
        connection = await asyncpg.connect(self.service_url)
        transaction = connection.transaction()
        await transaction.start()
        try:
            if acting_for is not None:
                await connection.execute("SELECT set_config($1, $2, true)", SETTING, acting_for)
            yield connection
        finally:
            await transaction.rollback()
            await connection.close()


@asynccontextmanager
async def installed(admin_url: str, module: str) -> AsyncIterator[Installation]:
    """The database of a service and its two roles, for the block."""
    name = f"rls_{uuid4().hex[:12]}"
    owner, role, password = f"{name}_owner", f"{name}_service", random_password()
    for login in (owner, role):
        await create_role(admin_url, login, password)
    await create_database(admin_url, name, owner=owner)
    owner_url, service_url = (
        database_url(admin_url, database=name, user=login, password=password)
        for login in (owner, role)
    )
    package = importlib.import_module(module)
    migrations = Path(str(package.__file__)).parent / "migrations"
    await asyncio.to_thread(upgrade, migrations, owner_url, service_role=role)
    rows = await _fill(database_url(admin_url, database=name), TABLES[module])
    yield Installation(owner_url, service_url, role, rows)
    await drop_database(admin_url, name)
    connection = await asyncpg.connect(admin_url)
    await connection.execute(f"DROP ROLE {owner}, {role}")
    await connection.close()


async def _fill(url: str, tables: tuple[sa.Table, ...]) -> dict[tuple[str, str], Row]:
    connection = await asyncpg.connect(url)
    checks = await connection.fetch(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c'"
        " AND connamespace = 'public'::regnamespace"
    )
    for table, check in checks:
        await connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{check}"')
    # triggers that count would add rows of their own
    await connection.execute("SET session_replication_role = replica")
    rows: dict[tuple[str, str], Row] = {}
    for merchant in (FIRST, SECOND):
        for table_ in tables:
            row = new_row(table_, merchant, rows)
            stored = await insert(connection, table_, row)
            rows[table_.name, merchant] = row | stored
    await connection.close()
    return rows


def written(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns that the database does not fill by itself."""
    return [column for column in table.c if not column.identity and not column.computed]


def new_row(table: sa.Table, merchant: str, rows: Mapping[tuple[str, str], Row]) -> Row:
    """A row of the merchant's, pointing at those of the merchant's that are there."""
    row = {column.name: _value(column, merchant) for column in written(table)}
    for constraint in table.foreign_key_constraints:
        for key in constraint.elements:
            row[key.parent.name] = rows[key.column.table.name, merchant][key.column.name]
    return row


async def insert(connection: Connection, table: sa.Table, row: Row) -> Row:
    """Store the row; all its columns as stored."""
    places = ", ".join(f"${number}" for number, _ in enumerate(row, start=1))
    columns = ", ".join(row)
    statement = f"INSERT INTO {table.name} ({columns}) VALUES ({places}) RETURNING *"
    stored = await connection.fetchrow(statement, *row.values())
    assert stored is not None
    return dict(stored)


def _value(column: sa.Column[Any], merchant: str) -> object:
    moment = datetime(2026, 11, 26, tzinfo=UTC)
    match column.type:
        case sa.ARRAY():
            return [merchant]
        case sa.JSON():
            return json.dumps([merchant])
        case sa.Text():
            return merchant
        case sa.LargeBinary():
            return f"{merchant}/anything".encode()
        case sa.Boolean():
            return False
        case sa.Integer() | sa.Double():
            return _NUMBERS[merchant]
        case sa.Numeric():
            return Decimal(_NUMBERS[merchant])
        case sa.DateTime():
            return moment
        case sa.Date():
            return date(2026, 11, 26)
        case sa.Interval():
            return timedelta(hours=_NUMBERS[merchant])
        case sa.Time():
            return time(12)
    raise NotImplementedError(f"no value of {column.type!r} for {column}")
