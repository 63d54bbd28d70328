"""The replay of a test's queries as another merchant finds what is not protected."""

import asyncpg
import pytest

from common.postgres.pool import open_pool
from common.postgres.row_security import protect
from stack.testing import Databases

ORDERS = "CREATE TABLE orders (merchant_id text, number bigint)"
ROWS = "INSERT INTO orders VALUES ('shein', 1), ('shein', 2)"


async def _prepare(url: str, *more: str) -> None:
    connection = await asyncpg.connect(url)
    for statement in (ORDERS, ROWS, *more):
        await connection.execute(statement)
    await connection.close()


async def protected(url: str) -> None:
    await _prepare(url, *protect("orders"))


async def too_open(url: str) -> None:
    await _prepare(url, *protect("orders"), "CREATE POLICY more ON orders USING (number = 2)")


QUERIES = [
    "SELECT number FROM orders",
    "SELECT count(*) FROM orders",
    "UPDATE orders SET number = number",
    "WITH own AS (UPDATE orders SET number = number RETURNING 1) SELECT count(*) FROM own",
]


async def replay(databases: Databases, url: str, query: str) -> None:
    pool = await open_pool(url, max_size=1)
    await pool.fetch(query)
    await pool.close()
    try:
        await databases.replay_as_stranger(url)
    finally:
        await databases.drop(url)


@pytest.mark.parametrize("query", QUERIES)
async def test_a_query_that_forgets_its_merchant_sees_no_protected_row(
    databases: Databases, query: str
) -> None:
    await replay(databases, await databases.create(protected), f"{query} -- protected")


@pytest.mark.parametrize("query", QUERIES)
async def test_what_another_merchant_sees_is_shown(databases: Databases, query: str) -> None:
    with pytest.raises(AssertionError, match="another merchant sees") as seen:
        await replay(databases, await databases.create(too_open), f"{query} -- too open")
    assert query in str(seen.value)


async def test_nobody_writes_for_another_merchant(databases: Databases) -> None:
    await replay(databases, await databases.create(protected), ROWS)
