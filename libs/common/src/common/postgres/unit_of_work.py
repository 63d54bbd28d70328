"""The two ways to the database: one transaction that changes it, or a look at it.

`unit_of_work` is the only place that commits: what a verb does to the database happens whole or
not at all.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.postgres.pool import Connection, Pool

ACQUIRE_SECONDS = 10.0


@asynccontextmanager
async def unit_of_work(pool: Pool) -> AsyncIterator[Connection]:
    """One transaction. Commits when the block ends, rolls back when it raises.

    Make no remote call inside: write the intent, commit, call, then write the outcome.
    """
    async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
        yield connection


@asynccontextmanager
async def reading(pool: Pool) -> AsyncIterator[Connection]:
    """A connection to read with: each statement sees the database as it is at its start."""
    async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
        yield connection
