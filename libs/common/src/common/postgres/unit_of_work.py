"""The only place that commits: what a verb does to the database happens whole or not at all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.postgres.pool import Connection, Pool


@asynccontextmanager
async def unit_of_work(pool: Pool) -> AsyncIterator[Connection]:
    """One transaction. Commits when the block ends, rolls back when it raises.

    Make no remote call inside: write the intent, commit, call, then write the outcome.
    """
    async with pool.acquire(timeout=10) as connection, connection.transaction():
        yield connection
