"""Holds back what would empty a shop (M7.4), and remembers the removals that were let through.

In pieces of one transaction each. Whatever was done of it may be done again: what is held back or
remembered already is counted once.
"""

from datetime import datetime
from decimal import Decimal

from common import clock
from common.postgres.leases import Lease, check_lease
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.desired.store import mark_families
from feed_publisher.listings.store import count_online
from feed_publisher.planning.guards import GUARD_WINDOW, counted_products, exceeds_share
from feed_publisher.removals.store import record_planned
from feed_publisher.runs.items.store import count_new_removals, withhold_new_removals
from feed_publisher.runs.run import Run

PIECE_ITEMS = 5_000


async def guard_removals(
    pool: Pool, run: Run, lease: Lease, *, share: Decimal, is_binding: bool
) -> None:
    """Withhold the plan's removals beyond the share; in a binding plan the others count for the
    next day, and the families held back stay marked. Raises `LeaseLost`."""
    now = clock.now()
    since = now - GUARD_WINDOW
    async with reading(pool) as connection:
        new, removed = await count_new_removals(connection, run, since=since)
        before, online = await count_online(connection, run.merchant_id, run.shop_id, since)
    if exceeds_share(new, removed, counted_products(before, online), share):
        await _withhold(pool, run, lease, since, count=new, is_binding=is_binding)
    if is_binding:
        await _record(pool, run, lease, now)


async def _withhold(
    pool: Pool, run: Run, lease: Lease, since: datetime, *, count: int, is_binding: bool
) -> None:
    families = [""]
    while families:
        async with unit_of_work(pool) as connection:
            await check_lease(connection, lease)
            families = await withhold_new_removals(
                connection,
                run,
                since=since,
                limit=PIECE_ITEMS,
                code="removal-guard",
                message=f"{count} removals need a confirmation",
            )
            if is_binding:
                await mark_families(connection, run.merchant_id, run.feed_id, [run.kind], families)


async def _record(pool: Pool, run: Run, lease: Lease, at: datetime) -> None:
    after: int | None = 0
    while after is not None:
        async with unit_of_work(pool) as connection:
            await check_lease(connection, lease)
            after = await record_planned(connection, run, after=after, limit=PIECE_ITEMS, at=at)
