"""Rows of one merchant are nobody else's, whatever a query says, and the service owns nothing."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import asyncpg
import pytest
import sqlalchemy as sa

from common.postgres.acting import EVERYBODY, NOBODY
from common.postgres.pool import Connection
from common.postgres.row_security import OF_EVERYBODY, SHARED, condition_of
from stack.throwaway import StoreAddresses

from .installations import (
    FIRST,
    PROTECTED,
    SECOND,
    TABLES,
    Installation,
    insert,
    installed,
    new_row,
    written,
)

Installations = Mapping[str, Installation]
NO_ROWS = (None, NOBODY, "third-merchant")
"""Sessions without a row: nothing was said, nobody, and a merchant who has none."""

every_table = pytest.mark.parametrize(
    ("module", "table"), PROTECTED, ids=[f"{module}-{table.name}" for module, table in PROTECTED]
)
every_service = pytest.mark.parametrize("module", TABLES)


@pytest.fixture(scope="module")
async def installations(stack_addresses: StoreAddresses) -> AsyncIterator[Installations]:
    async with AsyncExitStack() as stack:
        yield {
            module: await stack.enter_async_context(installed(stack_addresses.admin_url, module))
            for module in TABLES
        }


@every_service
def test_every_table_belongs_to_merchants_or_says_why_not(module: str) -> None:
    for table in TABLES[module]:
        assert condition_of(table) is not None or len(table.info[SHARED].split()) > 4
        assert len(table.info.get(OF_EVERYBODY, "it is a merchant's or nobody's").split()) > 4


@every_table
async def test_without_a_condition_a_session_sees_its_merchants_rows(
    installations: Installations, module: str, table: sa.Table
) -> None:
    installation = installations[module]
    own = 0 if OF_EVERYBODY in table.info else 1
    for acting_for, rows in {EVERYBODY: 2, FIRST: own, SECOND: own}.items():
        async with installation.session(acting_for) as connection:
            found = await connection.fetch(f"SELECT * FROM {table.name}")
            assert len(found) == rows
            if rows == 1:
                assert dict(found[0]) == installation.rows[table.name, acting_for]
            assert await _update_all(connection, table) == f"UPDATE {rows}"


@every_table
async def test_who_acts_for_no_merchant_of_the_rows_has_empty_tables(
    installations: Installations, module: str, table: sa.Table
) -> None:
    for acting_for in NO_ROWS:
        async with installations[module].session(acting_for) as connection:
            assert await connection.fetch(f"SELECT * FROM {table.name}") == []
            assert await _update_all(connection, table) == "UPDATE 0"
            assert await connection.execute(f"DELETE FROM {table.name}") == "DELETE 0"


@every_table
async def test_nobody_writes_a_row_of_another_merchants(
    installations: Installations, module: str, table: sa.Table
) -> None:
    installation = installations[module]
    row = new_row(table, FIRST, installation.rows)
    for acting_for in (*NO_ROWS, SECOND):
        async with installation.session(acting_for) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await insert(connection, table, row)
    if "merchant_id" in table.c and OF_EVERYBODY not in table.info:
        async with installation.session(SECOND) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await connection.execute(f"UPDATE {table.name} SET merchant_id = $1", FIRST)


@every_service
async def test_what_searches_as_the_owner_searches_for_the_sessions_merchant(
    installations: Installations, module: str
) -> None:
    installation = installations[module]
    async with installation.session(None) as connection:
        names = await connection.fetch(
            "SELECT proname::text, pronargs FROM pg_proc WHERE prosecdef"
            " AND pronamespace = 'public'::regnamespace"
        )
    for name, parameters in names:
        for acting_for, rows in {EVERYBODY: 1, FIRST: 1, SECOND: 0, NOBODY: 0}.items():
            async with installation.session(acting_for) as connection:
                asked = f"SELECT * FROM {name}({', '.join(['$1'] * parameters)})"
                found = await connection.fetch(asked, FIRST)
                assert len(found) == rows, (name, acting_for)


@every_service
async def test_the_services_role_owns_nothing_and_changes_no_table(
    installations: Installations, module: str
) -> None:
    installation = installations[module]
    async with installation.session(EVERYBODY) as connection:
        may = await connection.fetchrow(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
            " FROM pg_roles WHERE rolname = current_user"
        )
        assert may is not None
        assert not any(may)
        assert await connection.fetchval("SELECT current_user") == installation.role
        owned = "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = current_user"
        assert await connection.fetchval(owned) == 0
        member = "SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole"
        assert await connection.fetchval(member) == 0
    [table, *_] = TABLES[module]
    for statement in (
        "CREATE TABLE more (number bigint)",
        "CREATE SCHEMA more",
        "SELECT * FROM alembic_version",
        f"ALTER TABLE {table.name} DISABLE ROW LEVEL SECURITY",
        f"CREATE POLICY more ON {table.name} USING (true)",
        f"TRUNCATE {table.name}",
        f"DROP TABLE {table.name}",
    ):
        async with installation.session(EVERYBODY) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def _update_all(connection: Connection, table: sa.Table) -> str:
    column = written(table)[0].name
    status: str = await connection.execute(f"UPDATE {table.name} SET {column} = {column}")
    return status
