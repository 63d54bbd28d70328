"""Makes a run's plan from the marked families, in one transaction, and seals it with its hash."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from common import clock
from common.failpoints import reach
from common.postgres.leases import Lease, check_lease
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import unit_of_work
from feed_publisher.claims.store import claim_skus, load_holders, wait_for_skus
from feed_publisher.desired.desired_state import desired_skus
from feed_publisher.desired.states import Desired, Feed
from feed_publisher.desired.store import forget_marks, list_marked, load_desired, mark_families
from feed_publisher.listings.listing import Listing
from feed_publisher.listings.report import Changed, report_products
from feed_publisher.listings.store import count_online, load_listings
from feed_publisher.planning.guards import (
    GUARD_WINDOW,
    counted_products,
    withheld,
)
from feed_publisher.planning.plan import FamilyPlan, plan_offers, plan_product
from feed_publisher.removals.store import list_confirmed, list_removals, record_removals
from feed_publisher.runs.items.item import NewItem
from feed_publisher.runs.items.store import add_items, forget_items, list_busy, withhold_items
from feed_publisher.runs.release_claims import release_claims
from feed_publisher.runs.run import Run, State
from feed_publisher.runs.store import seal_plan

CHUNK_FAMILIES = 500

_encoder = msgspec.json.Encoder()

if TYPE_CHECKING:
    from hashlib import _Hash


@dataclass
class _Making:
    """A plan in the making. Without `is_binding` nothing but the plan itself is written."""

    connection: Connection
    run: Run
    is_binding: bool
    items: int = 0
    hash: "_Hash" = field(default_factory=sha256)
    removals: list[tuple[str, int]] = field(default_factory=list)


async def make_plan(
    pool: Pool, run: Run, feed: Feed, lease: Lease, *, removal_share: Decimal
) -> State:
    """Plan the run; the state it is in then.

    A dry run, and a feed's first product run, stay in planning until the plan was looked through
    and can be shown; their families stay marked. Any other plan binds: its marks go, its refusals
    are reported, it runs. Raises `LeaseLost`.
    """
    await _claim_skus(pool, run)
    is_first = run.kind == "product" and feed.confirmed_at is None
    state: State = "planning" if run.is_dry_run or is_first else "running"
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await forget_items(connection, run.merchant_id, run.run_id)
        making = _Making(connection, run, state == "running")
        after = ""
        while marks := await _next_marks(making, after):
            after = [*marks][-1]
            await _plan_families(making, marks)
        await _guard(making, removal_share)
        plan_hash = making.hash.hexdigest()
        if not making.items and not run.is_dry_run:
            state = "running"  # nothing to confirm: it ends at once
        await seal_plan(connection, run, plan_hash=plan_hash, state=state)
        reach("planning.before-commit")
    return state


async def _next_marks(making: _Making, after: str) -> dict[str, list[int]]:
    run = making.run
    return await list_marked(
        making.connection,
        run.merchant_id,
        run.feed_id,
        run.kind,
        after=after,
        limit=CHUNK_FAMILIES,
    )


async def _claim_skus(pool: Pool, run: Run) -> None:
    """Claim the SKU codes of every marked family, chunk by chunk, each in key order."""
    if run.kind != "product":
        return
    after = ""
    while True:
        async with unit_of_work(pool) as connection:
            marks = await list_marked(
                connection,
                run.merchant_id,
                run.feed_id,
                run.kind,
                after=after,
                limit=CHUNK_FAMILIES,
            )
            family_ids = list(marks)
            desired = await load_desired(connection, run.merchant_id, run.feed_id, family_ids)
            wanted = [
                (code, family_id)
                for family_id, target in desired.items()
                for code in desired_skus(target.state)
            ]
            await claim_skus(connection, run.merchant_id, run.shop_id, run.feed_id, wanted)
        if not family_ids:
            return
        after = family_ids[-1]


async def _plan_families(making: _Making, marks: dict[str, list[int]]) -> None:
    connection, run = making.connection, making.run
    family_ids = list(marks)
    busy = await list_busy(connection, run.merchant_id, run.feed_id, run.kind, family_ids)
    free = [family_id for family_id in family_ids if family_id not in busy]
    desired = await load_desired(connection, run.merchant_id, run.feed_id, free)
    listings = await load_listings(
        connection, run.merchant_id, run.feed_id, free, shop_id=run.shop_id
    )
    codes = [code for target in desired.values() for code in desired_skus(target.state)]
    holders = await load_holders(connection, run.merchant_id, run.shop_id, codes)
    plans = {
        family_id: plan_product(target.state, listings[family_id], holders)
        if run.kind == "product"
        else plan_offers(target.state, listings[family_id])
        for family_id, target in desired.items()
    }
    await add_items(
        connection,
        run.merchant_id,
        run.run_id,
        run.feed_id,
        list(_new_items(making, plans, desired)),
    )
    if making.is_binding:
        await _bind(making, plans, desired, listings)
        await forget_marks(
            connection, [mark_id for family_id in free for mark_id in marks[family_id]]
        )


def _new_items(
    making: _Making, plans: dict[str, FamilyPlan], desired: dict[str, Desired]
) -> Iterator[NewItem]:
    for family_id, plan in plans.items():
        for planned in plan.items:
            making.items += 1
            making.hash.update(_encoder.encode(planned))
            if planned.is_removal and not planned.is_confirmed:
                making.removals.append((family_id, planned.desired_revision))
            refused = planned.refused
            yield NewItem(
                item_no=making.items,
                planned=planned,
                status="rejected" if refused else "pending",
                code=refused.code if refused else None,
                message=refused.message if refused else None,
                traceparent=desired[family_id].traceparent,
                decided_at=clock.now() if refused else None,
            )


async def _bind(
    making: _Making,
    plans: dict[str, FamilyPlan],
    desired: dict[str, Desired],
    listings: dict[str, Listing],
) -> None:
    """Write what follows from planning alone: refusals of ours, settled ones, free claims."""
    connection, run = making.connection, making.run
    changed, waits = [], []
    for family_id, plan in plans.items():
        listing = _after_planning(listings[family_id], plan)
        target = desired[family_id]
        if listing is not listings[family_id]:
            changed.append(Changed(listing, target.state.revision, target.traceparent))
        if _waits_for_sku(listing):
            waits += [(code, family_id) for code in desired_skus(target.state)]
    await report_products(connection, run.merchant_id, changed)
    await wait_for_skus(connection, run.merchant_id, run.shop_id, run.feed_id, waits)
    if run.kind == "product":
        kept = {
            family_id: {*desired_skus(target.state), *listings[family_id].accepted.skus}
            for family_id, target in desired.items()
        }
        await release_claims(connection, run, kept)


def _after_planning(listing: Listing, plan: FamilyPlan) -> Listing:
    for side in plan.settled:
        listing = listing.refusing(side, None)
    for planned in plan.items:
        if planned.refused is not None:
            listing = listing.refusing(planned.refused_side, planned.refused)
    return listing


def _waits_for_sku(listing: Listing) -> bool:
    refused = listing.accepted.refused.get("content")
    return refused is not None and refused.code == "sku-claimed"


async def _guard(making: _Making, share: Decimal) -> None:
    """Withhold removals beyond the share (M7.4); those let through count for the next day."""
    connection, run = making.connection, making.run
    if not making.removals:
        return
    now = clock.now()
    scope = (connection, run.merchant_id, run.shop_id)
    confirmed = await list_confirmed(*scope, run.feed_id, making.removals)
    asked = [removal for removal in making.removals if removal[0] not in confirmed]
    before, online = await count_online(*scope, now - GUARD_WINDOW)
    held = withheld(
        {(run.feed_id, family_id) for family_id, _ in asked},
        await list_removals(*scope, now - GUARD_WINDOW),
        counted_products(before, online),
        share,
    )
    families = sorted({family_id for _, family_id in held})
    await withhold_items(
        connection,
        run.merchant_id,
        run.run_id,
        families,
        code="removal-guard",
        message=f"{len(families)} removals need a confirmation",
    )
    if making.is_binding:
        passed = [removal for removal in asked if removal[0] not in set(families)]
        await record_removals(*scope, run.feed_id, passed, at=now, is_confirmed=False)
        await mark_families(connection, run.merchant_id, run.feed_id, [run.kind], families)
