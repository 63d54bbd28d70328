"""The two ways to the database: one transaction that changes it, or a look at it.

`unit_of_work` is the only place that commits: what a verb does to the database happens whole or
not at all. Jobs of this process for which it made work are woken after the commit.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Protocol
from weakref import WeakSet

from common.postgres.pool import Connection, Pool
from common.postgres.shares import own_share
from common.postgres.tracing import traced_transaction
from common.supervision import GRAIN

ACQUIRE_SECONDS = 10.0


class Wakeable(Protocol):
    """What pauses between two looks for work."""

    def wake(self) -> None:
        """End the pause."""


class WorkKind:
    """A kind of work that transactions make and jobs of the same service do.

    An idle job polls for its work; being woken after the commit saves it the wait. Jobs of other
    processes are not woken: theirs is the next poll.
    """

    def __init__(self) -> None:
        self._jobs: WeakSet[Wakeable] = WeakSet()

    def subscribe(self, job: Wakeable) -> None:
        """Wake the job whenever such work is there; it is held weakly."""
        self._jobs.add(job)

    def wake(self) -> None:
        """There is such work."""
        for job in tuple(self._jobs):
            job.wake()

    def wake_after(self, delay: timedelta) -> None:
        """There will be such work after so long."""
        if delay <= timedelta():
            self.wake()
        else:
            asyncio.get_running_loop().call_later((delay + GRAIN).total_seconds(), self.wake)


_made: dict[int, dict[WorkKind, timedelta]] = {}
"""What each open transaction of this process has made so far, by its connection, and how long after
the commit it is due."""


@asynccontextmanager
async def unit_of_work(pool: Pool) -> AsyncIterator[Connection]:
    """One transaction. Commits when the block ends, rolls back when it raises.

    Make no remote call inside: write the intent, commit, call, then write the outcome.
    """
    async with (
        own_share(pool, within=ACQUIRE_SECONDS),
        pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
    ):
        made = _made[id(connection)] = {}
        try:
            with traced_transaction(connection):
                async with connection.transaction():
                    yield connection
        finally:
            del _made[id(connection)]
        for kind, delay in made.items():
            kind.wake_after(delay)


def made_work(
    connection: Connection, kind: WorkKind, *, due_after: timedelta = timedelta()
) -> None:
    """This transaction has made such work, to be done at once or after so long; a connection
    without a unit of work wakes nobody."""
    made = _made.get(id(connection), {})
    made[kind] = min(due_after, made.get(kind, due_after))


@asynccontextmanager
async def one_snapshot(connection: Connection) -> AsyncIterator[None]:
    """For reads by several statements that are to see the same rows; in a transaction that has
    begun already they see what it sees."""
    if connection.is_in_transaction():
        yield
        return
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        yield


@asynccontextmanager
async def reading(pool: Pool) -> AsyncIterator[Connection]:
    """A connection to read with: each statement sees the database as it is at its start."""
    async with (
        own_share(pool, within=ACQUIRE_SECONDS),
        pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
    ):
        yield connection
