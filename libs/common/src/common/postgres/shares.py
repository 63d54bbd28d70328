"""How many of a pool's connections one merchant's requests may hold (X22).

A pool serves who asks first: requests of a merchant that asks more than the database answers would
stand before everybody's. So they have half of the pool, and wait for each other.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from common.postgres.acting import EVERYBODY, NOBODY, current_merchant
from common.postgres.pool import Pool


@dataclass
class _Share:
    slots: asyncio.Semaphore
    users: int = 0


_shares: dict[tuple[int, str], _Share] = {}
"""Of each pool and merchant that is using or awaiting a connection."""


@asynccontextmanager
async def own_share(pool: Pool, *, within: float) -> AsyncIterator[None]:
    """A place among the connections of the merchant this task acts for; who acts for all, as jobs
    do, needs none. Raises `TimeoutError` when there is none `within` so many seconds."""
    merchant = current_merchant()
    if merchant in (EVERYBODY, NOBODY):
        yield
        return
    key = id(pool), merchant
    most = max(1, pool.get_max_size() // 2)
    share = _shares.setdefault(key, _Share(asyncio.Semaphore(most)))
    share.users += 1
    try:
        async with asyncio.timeout(within):
            await share.slots.acquire()
        try:
            yield
        finally:
            share.slots.release()
    finally:
        share.users -= 1
        if not share.users:
            del _shares[key]
