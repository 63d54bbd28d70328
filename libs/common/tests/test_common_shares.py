"""A merchant's requests that wait for the database wait for each other, not before others'."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from common.postgres.acting import act_for
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import reading, unit_of_work
from stack.testing import NewDatabase, eventually

CONNECTIONS = 4


async def leave_empty(_url: str) -> None:
    """The queries of these tests need no table."""


@pytest.fixture
async def pool(database: NewDatabase) -> AsyncIterator[Pool]:
    opened = await open_pool(await database(leave_empty), max_size=CONNECTIONS)
    yield opened
    await opened.close()


async def query(pool: Pool, merchant: str, seconds: float) -> float:
    """A request's query of that length; how long it and the wait for its connection took."""
    act_for(merchant)
    began = time.monotonic()
    async with reading(pool) as connection:
        await connection.execute("SELECT pg_sleep($1)", seconds)
    return time.monotonic() - began


async def test_a_merchant_that_asks_more_than_the_pool_answers_delays_no_other(pool: Pool) -> None:
    async with asyncio.TaskGroup() as group:
        busy = [group.create_task(query(pool, "busy", 0.5)) for _ in range(20)]
        await eventually(lambda: pool.get_size() - pool.get_idle_size() >= CONNECTIONS // 2)
        assert await group.create_task(query(pool, "quiet", 0)) < 1
        assert not all(task.done() for task in busy)
    assert max(task.result() for task in busy) > 2  # twenty halves of a second, few at a time


async def test_a_merchants_unit_of_work_that_fails_gives_its_place_back(pool: Pool) -> None:
    async def fail() -> None:
        act_for("m")
        async with unit_of_work(pool) as connection:
            await connection.execute("SELECT 1 / 0")

    for _ in range(CONNECTIONS):
        with pytest.raises(Exception, match="division by zero"):
            await asyncio.create_task(fail())
    assert await asyncio.create_task(query(pool, "m", 0)) < 1


async def test_jobs_use_the_whole_pool(pool: Pool) -> None:
    async def hold(ended: asyncio.Event) -> None:
        async with reading(pool):
            await ended.wait()

    ended = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(hold(ended))
        await eventually(lambda: pool.get_size() - pool.get_idle_size() == CONNECTIONS)
        ended.set()
