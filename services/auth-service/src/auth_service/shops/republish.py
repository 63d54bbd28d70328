"""Publish the state of shops again: asked for by an operator, and once a day."""

from collections.abc import Sequence
from datetime import time

from auth_service.shops import store
from auth_service.shops.publish_state import publish_states
from common.postgres.pool import Pool
from common.postgres.schedules import Daily, claim_due, set_schedule
from common.postgres.set_aside import RowKey, each_apart
from common.postgres.unit_of_work import reading, unit_of_work

JOB = "republish"
ROWS = 500
_KIND, _EVERYONE = "republish", "*"


async def republish(pool: Pool, merchant_id: str | None = None) -> int:
    """Emit `shop.state` of all shops, or of one merchant's; how many."""

    async def publish(shops: Sequence[RowKey]) -> None:
        async with unit_of_work(pool) as connection:
            await publish_states(connection, await store.renew_revisions(connection, shops))

    after, count = RowKey("", ""), 0
    while True:
        async with reading(pool) as connection:
            shops = await store.list_keys(
                connection, merchant_id=merchant_id, after=after, limit=ROWS
            )
        await each_apart(pool, JOB, shops, publish, key=lambda shop: shop)
        count += len(shops)
        if len(shops) < ROWS:
            return count
        after = shops[-1]


async def republish_daily(pool: Pool) -> bool:
    """Republish everything when its daily time has come. Whether it had."""
    async with unit_of_work(pool) as connection:
        await set_schedule(connection, _KIND, _EVERYONE, _EVERYONE, Daily(time(3, 30)))
        is_due = bool(await claim_due(connection, _KIND))
    if is_due:
        await republish(pool)
    return is_due
