"""Notes in a run what is wanted and not in its plan, grouped by cause (M7.5), and how many products
need nothing: so its report accounts for every product of the feed.

In pieces; the causes alone are kept in memory. Repeated, it gives the same.
"""

from collections.abc import Awaitable, Callable

from common.contracts.feed import Cause
from common.postgres.leases import Lease, check_lease
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.desired.store import count_wanted
from feed_publisher.listings.causes import explain
from feed_publisher.listings.store import list_refused_listings
from feed_publisher.planning.find_shortfall import SIDES_OF
from feed_publisher.runs.items.store import count_planned, list_with_item
from feed_publisher.runs.run import Run
from feed_publisher.runs.store import save_unplanned
from feed_publisher.shortfalls.shortfall import Missing
from feed_publisher.shortfalls.store import list_shortfalls, replace_run_causes

PIECE_FAMILIES = 1_000

Found = list[tuple[str, list[Cause]]]


async def note_missing(pool: Pool, run: Run, lease: Lease) -> None:
    """Look through what is missing of the run's feed, changed or not. Raises `LeaseLost`."""
    missing = Missing()
    for read in (_read_shortfalls, _read_refused):
        await _add(pool, run, read, missing)
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await replace_run_causes(connection, run, missing.groups())
        wanted = await count_wanted(connection, run.merchant_id, run.feed_id)
        planned = await count_planned(connection, run)
        unchanged = max(0, wanted - planned - missing.products)
        await save_unplanned(connection, run, missing=missing.products, unchanged=unchanged)


async def _add(
    pool: Pool, run: Run, read: Callable[[Connection, Run, str], Awaitable[Found]], missing: Missing
) -> None:
    after = ""
    while True:
        async with reading(pool) as connection:
            found = await read(connection, run, after)
            families = [family_id for family_id, _ in found]
            planned = await list_with_item(connection, run, families)
        for family_id, causes in found:
            if causes and family_id not in planned:
                missing.add(family_id, causes)
        if len(found) < PIECE_FAMILIES:
            return
        after = families[-1]


async def _read_shortfalls(connection: Connection, run: Run, after: str) -> Found:
    return await list_shortfalls(connection, run, after=after, limit=PIECE_FAMILIES)


async def _read_refused(connection: Connection, run: Run, after: str) -> Found:
    listings = await list_refused_listings(
        connection, run.merchant_id, run.feed_id, run.kind, after=after, limit=PIECE_FAMILIES
    )
    return [
        (
            listing.family_id,
            [
                explain(refused)
                for side in SIDES_OF[run.kind]
                if (refused := listing.accepted.refused.get(side)) is not None
            ],
        )
        for listing in listings
    ]
