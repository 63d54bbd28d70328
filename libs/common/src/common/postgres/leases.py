"""Leases: one holder at a time of a named piece of remote work, and its rescue when it dies.

A lease has a holder, an end by the system's clock (a process's life does not follow a clock that
somebody moves) and a *fence*, a number that rises with every new holder. While work goes on a
heartbeat moves the end; a holder that dies lets it pass, and the next claim takes over with a
higher fence. A holder that was only asleep finds its heartbeat refused (`LeaseLost`), and whatever
it writes must name its fence, so that the stale write fails. The states are
free -> held -> (released | expired -> held by another).
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from common import clock
from common.failpoints import reach
from common.postgres.pool import OUTAGE_ERRORS, Connection, Pool
from common.supervision import abandon

DEFAULT_LEASE = timedelta(seconds=30)
RELEASED_AGAIN_AFTER = timedelta(seconds=0.5)
"""Between two attempts to give a lease back while the database is away."""


class LeaseLost(Exception):
    """Another holder has the lease: stop this work and write nothing more."""


@dataclass(frozen=True)
class Lease:
    """A held lease; `fence` is what the holder's writes must name."""

    name: str
    holder: str
    fence: int


async def claim_lease(
    connection: Connection, name: str, holder: str, *, lasts: timedelta = DEFAULT_LEASE
) -> Lease | None:
    """Take the lease if it is free or its time is over; None when another holds it."""
    now = clock.wall_now()
    values = (name, holder, now + lasts)
    fence = await connection.fetchval(
        """
        UPDATE lease SET holder = $2, fence = fence + 1, expires_at = $3
        WHERE name = $1 AND expires_at <= $4 RETURNING fence
        """,
        *values,
        now,
    )
    if fence is None:
        # The first claim ever, or held. No conflict is named: both unique keys may have one.
        fence = await connection.fetchval(
            """
            INSERT INTO lease (name, holder, fence, expires_at) VALUES ($1, $2, 1, $3)
            ON CONFLICT DO NOTHING RETURNING fence
            """,
            *values,
        )
    return None if fence is None else Lease(name, holder, fence)


async def extend_lease(
    connection: Connection, lease: Lease, *, lasts: timedelta = DEFAULT_LEASE
) -> None:
    """Move the lease's end. Raises `LeaseLost` when another has taken it."""
    moved = await connection.fetchval(
        "UPDATE lease SET expires_at = $3 WHERE name = $1 AND fence = $2 RETURNING 1",
        lease.name,
        lease.fence,
        clock.wall_now() + lasts,
    )
    if moved is None:
        raise LeaseLost(lease.name)


async def check_lease(connection: Connection, lease: Lease) -> None:
    """Keep the lease for this transaction. Raises `LeaseLost` unless it is still ours.

    Whoever would take it over waits for the transaction's end; the heartbeat does not.
    """
    held = await connection.fetchval(
        "SELECT 1 FROM lease WHERE name = $1 AND fence = $2 FOR KEY SHARE", lease.name, lease.fence
    )
    if held is None:
        raise LeaseLost(lease.name)


async def release_lease(connection: Connection, lease: Lease) -> None:
    """Give the lease back; the fence stays, so that it only ever rises."""
    await connection.execute(
        "UPDATE lease SET expires_at = '-infinity' WHERE name = $1 AND fence = $2",
        lease.name,
        lease.fence,
    )


async def reclaim_leases(connection: Connection, holder: str) -> None:
    """End what an earlier process of this holder still holds; called once, before any claim.

    Instance names are stable, so a restarted process need not wait for its own leases to lapse,
    nor for those of its parts (`holder/1`). Should the earlier one live after all, its fence is
    stale like any other's.
    """
    await connection.execute(
        """
        UPDATE lease SET expires_at = '-infinity'
        WHERE holder = $1 OR starts_with(holder, $1 || '/')
        """,
        holder,
    )


@asynccontextmanager
async def hold_lease(
    pool: Pool, name: str, holder: str, *, lasts: timedelta = DEFAULT_LEASE
) -> AsyncIterator[Lease | None]:
    """Hold the lease with a heartbeat while the block runs; None when another has it.

    When the lease is lost, or its heartbeat ends whatever ended it, the block's task is cancelled
    and `LeaseLost` is raised.
    """
    async with pool.acquire(timeout=10) as connection:
        lease = await claim_lease(connection, name, holder, lasts=lasts)
    if lease is None:
        yield None
        return
    reach("lease.after-claim")
    work = asyncio.current_task()
    assert work is not None  # noqa: S101 - a coroutine always runs in a task
    heartbeat = asyncio.create_task(_beat(pool, lease, lasts), name=f"heartbeat of {name}")
    lost = False

    def stop_work(_heartbeat: asyncio.Task[None]) -> None:
        nonlocal lost
        lost = True
        work.cancel()

    heartbeat.add_done_callback(stop_work)
    try:
        yield lease
    except asyncio.CancelledError:
        if lost:
            work.uncancel()
            raise LeaseLost(name) from None
        raise
    finally:
        heartbeat.remove_done_callback(stop_work)
        abandon(heartbeat)
        if not lost:
            await _give_back(pool, lease, lasts)


async def _give_back(pool: Pool, lease: Lease, lasts: timedelta) -> None:
    """Release it, also when the database is away: others would have to wait for its end after that.

    By then it has passed by itself, and the last failure is raised.
    """
    given_up_at = time.monotonic() + lasts.total_seconds()
    while True:
        try:
            async with pool.acquire(timeout=10) as connection:
                await release_lease(connection, lease)
        except OUTAGE_ERRORS:
            if time.monotonic() > given_up_at:
                raise
            await asyncio.sleep(RELEASED_AGAIN_AFTER.total_seconds())
        else:
            return


async def _beat(pool: Pool, lease: Lease, lasts: timedelta) -> None:
    while True:
        await asyncio.sleep(lasts.total_seconds() / 3)
        async with pool.acquire(timeout=10) as connection:
            await extend_lease(connection, lease, lasts=lasts)
