"""Holds back what would empty or rewrite a shop (M7.4), and remembers what was let through.

In pieces of one transaction each. Whatever was done of it may be done again: what is held back or
remembered already is counted once. What was held stays so in every plan that follows, however much
time passes, until it is confirmed or no longer wanted.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from common import clock
from common.postgres.leases import Lease, check_lease
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.desired.store import mark_families
from feed_publisher.guarded.store import (
    count_new_changes,
    count_passed,
    hold_withheld,
    list_guarded_changes,
    record_passed,
)
from feed_publisher.listings.listing import Refused
from feed_publisher.listings.store import count_online
from feed_publisher.planning.guards import GUARD_WINDOW, Touched, counted, exceeds_share
from feed_publisher.runs.items.extent import Extent, Guard
from feed_publisher.runs.items.store import withhold_items
from feed_publisher.runs.run import Run

PIECE_ITEMS = 5_000
_MESSAGES: Mapping[Guard, str] = {
    "removal": "{0.products} products and {0.skus} SKUs would be deleted or zeroed",
    "configuration": "{0.products} products would be rewritten by a new configuration",
}


async def guard_changes(
    pool: Pool, run: Run, lease: Lease, *, shares: Mapping[Guard, Decimal], is_binding: bool
) -> None:
    """Withhold the plan's changes beyond the shares; in a binding plan the others count for the
    next day, and the families held back stay marked. Raises `LeaseLost`."""
    now = clock.now()
    since = now - GUARD_WINDOW
    for guard, share in shares.items():
        async with reading(pool) as connection:
            new = await count_new_changes(connection, run, guard, since=since)
            is_exceeded = await _is_exceeded(connection, run, guard, share, new, since=since)
        message = _MESSAGES[guard].format(new)
        await _withhold(
            pool, run, lease, guard, since,
            only_held=not is_exceeded, message=message, is_binding=is_binding,
        )  # fmt: skip
    if is_binding:
        await _record(pool, run, lease, now)


async def find_withheld(
    connection: Connection, run: Run, *, removal_share: Decimal, waiting: int
) -> set[str]:
    """The families of a plan of offers whose zeroings the guard would hold back. As many as
    `waiting` other products are to lose stock besides, which a plan of all that is marked has."""
    since = clock.now() - GUARD_WINDOW
    new = await count_new_changes(connection, run, "removal", since=since)
    if new == Extent(0, 0):
        return set()
    new = Extent(new.products + waiting, new.skus + waiting)
    is_exceeded = await _is_exceeded(connection, run, "removal", removal_share, new, since=since)
    changes = await list_guarded_changes(
        connection,
        run,
        "removal",
        since=since,
        only_held=not is_exceeded,
        after=0,
        limit=PIECE_ITEMS,
    )
    return {change.family_id for change in changes if change.is_new}


async def _is_exceeded(
    connection: Connection, run: Run, guard: Guard, share: Decimal, new: Extent, *, since: datetime
) -> bool:
    if new == Extent(0, 0):
        return False  # and a shop of a million SKUs need not be counted
    passed = await count_passed(connection, run, guard, since=since)
    place = (connection, run.merchant_id, run.shop_id)
    at_start, online = await count_online(*place, since=since), await count_online(*place)
    of = counted(Extent(*at_start), Extent(*online))
    return exceeds_share(Touched(new, passed), of, share)


async def _withhold(
    pool: Pool,
    run: Run,
    lease: Lease,
    guard: Guard,
    since: datetime,
    *,
    only_held: bool,
    message: str,
    is_binding: bool,
) -> None:
    after: int | None = 0
    while after is not None:
        async with unit_of_work(pool) as connection:
            await check_lease(connection, lease)
            changes = await list_guarded_changes(
                connection,
                run,
                guard,
                since=since,
                only_held=only_held,
                after=after,
                limit=PIECE_ITEMS,
            )
            new = [change.item_no for change in changes if change.is_new]
            await withhold_items(connection, run, new, Refused(f"{guard}-guard", message))
            if is_binding:
                families = sorted({change.family_id for change in changes if change.is_new})
                await hold_withheld(connection, run, guard, families, at=clock.now())
                await mark_families(connection, run.merchant_id, run.feed_id, [run.kind], families)
        after = changes[-1].item_no if changes else None


async def _record(pool: Pool, run: Run, lease: Lease, at: datetime) -> None:
    after: int | None = 0
    while after is not None:
        async with unit_of_work(pool) as connection:
            await check_lease(connection, lease)
            after = await record_passed(connection, run, after=after, limit=PIECE_ITEMS, at=at)
