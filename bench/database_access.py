"""What a transaction and a query cost by three ways to one Postgres: `make bench-database_access`.

The ways: asyncpg's pool alone; SQLAlchemy's `AsyncEngine` with asyncpg's connection used below the
same transaction; asyncpg's pool with Core statements compiled for it (`common.postgres.core`, what
ships). Processor time of this process per call, rounds interleaved; ratios are of medians over the
rounds, to asyncpg alone.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import sqlalchemy as sa
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from common.postgres import core
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import unit_of_work
from stack.testing.own_postgres import own_postgres

CALLS = 1_000
ROUNDS = 9
TEXT = """
SELECT run_id, asked_at FROM run WHERE merchant_id = $1 AND (asked_at, run_id) < ($2, $3)
ORDER BY asked_at DESC, run_id DESC LIMIT $4
"""
RUN = sa.Table(
    "run",
    sa.MetaData(),
    sa.Column("merchant_id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("asked_at", sa.BigInteger, nullable=False),
)


def page(before: int) -> sa.Select[tuple[str, int]]:
    """A page of runs, as a list route builds it for each request."""
    place = sa.tuple_(sa.literal(before, sa.BigInteger), sa.literal("x", sa.Text))
    return (
        sa.select(RUN.c.run_id, RUN.c.asked_at)
        .where(RUN.c.merchant_id == "m", sa.tuple_(RUN.c.asked_at, RUN.c.run_id) < place)
        .order_by(RUN.c.asked_at.desc(), RUN.c.run_id.desc())
        .limit(20)
    )


def arms(pool: Pool, engine: AsyncEngine) -> dict[str, dict[str, Callable[[], Awaitable[object]]]]:
    """What is measured: by kind of call, the arms, asyncpg alone first."""

    async def empty_pool() -> None:
        async with unit_of_work(pool) as connection:
            await connection.execute("SELECT 1")

    async def empty_engine() -> None:
        async with engine.begin() as connection:
            # Its transaction begins with its first Core statement; before, asyncpg's is in none.
            await connection.execute(sa.select(1))
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None

    async def page_text() -> None:
        async with unit_of_work(pool) as connection:
            assert len(await connection.fetch(TEXT, "m", 500, "x", 20)) == 20

    async def page_engine() -> None:
        async with engine.begin() as connection:
            assert len((await connection.execute(page(500))).all()) == 20

    async def page_core() -> None:
        async with unit_of_work(pool) as connection:
            assert len(await core.fetch(connection, page(500))) == 20

    return {
        "transaction with one statement": {"asyncpg": empty_pool, "engine": empty_engine},
        "a page of a list": {"asyncpg": page_text, "engine": page_engine, "core": page_core},
    }


async def measure(url: str) -> None:
    """Print the table."""
    pool = await open_pool(url)
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    await pool.execute("CREATE TABLE run (merchant_id text, run_id text, asked_at bigint)")
    await pool.execute("INSERT INTO run SELECT 'm', n::text, n FROM generate_series(1, 1000) n")
    for kind, measured in arms(pool, engine).items():
        times: dict[str, list[float]] = {name: [] for name in measured}
        for _ in range(ROUNDS):
            for name, call in measured.items():
                began = time.process_time()
                for _ in range(CALLS):
                    await call()
                times[name].append((time.process_time() - began) / CALLS * 1e6)
        alone = statistics.median(times["asyncpg"])
        for name, seen in times.items():
            median = statistics.median(seen)
            print(
                f"{kind:32} {name:8} {median:7.0f} us  {median / alone:5.2f} x asyncpg"
                f"  (least {min(seen):.0f}, most {max(seen):.0f})"
            )
    await engine.dispose()
    await pool.close()


async def main() -> None:
    """Measure on a Postgres of its own."""
    async with own_postgres("database") as postgres:
        await measure(postgres.admin_url)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
