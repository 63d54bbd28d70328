"""Connections that know Postgres's types: each is asked about once in a process."""

import asyncpg
import pytest

from common.postgres.known_types import TypesKnown
from stack.testing import Databases, NewDatabase

JOINED = "SELECT $1::bigint[] || '{3}'"


async def prepare(_url: str) -> None:
    """Nothing: the database is wanted as a service's role, which may be forbidden something."""


async def test_what_one_connection_asked_no_other_asks_again(
    database: NewDatabase, databases: Databases
) -> None:
    url = await database(prepare)
    first = await asyncpg.connect(url, connection_class=TypesKnown)
    assert await first.fetchval(JOINED, [1, 2]) == [1, 2, 3]
    await first.close()
    await databases.execute_as_owner(url, "REVOKE SELECT ON pg_type FROM PUBLIC")
    other = await asyncpg.connect(url, connection_class=TypesKnown)
    assert await other.fetchval(JOINED, [1, 2]) == [1, 2, 3]
    await other.close()
    usual = await asyncpg.connect(url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await usual.fetchval(JOINED, [1, 2])
    await usual.close()


async def prepare_pair(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TYPE pair AS (a int, b int)")
    await connection.close()


async def test_a_type_of_a_database_is_its_own(database: NewDatabase, databases: Databases) -> None:
    """In both copies it has the same number, and is not the same in both."""
    one, other = await database(prepare_pair), await database(prepare_pair)
    await databases.execute_as_owner(other, "ALTER TYPE pair ADD ATTRIBUTE c int")
    for url, row in ((one, (1, 2)), (other, (1, 2, 3))):
        connection = await asyncpg.connect(url, connection_class=TypesKnown)
        assert await connection.fetchval(f"SELECT ROW{row}::pair") == row
        await connection.close()
