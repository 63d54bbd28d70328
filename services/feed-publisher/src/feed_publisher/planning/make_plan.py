"""Makes a run's plan from the marked families, piece by piece, and seals it with its hash."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from common import clock
from common.failpoints import reach
from common.postgres.leases import Lease, check_lease
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import unit_of_work
from common.telemetry.tracing import step
from feed_publisher.claims.store import claim_skus, load_holders, wait_for_skus
from feed_publisher.desired.desired_state import desired_skus
from feed_publisher.desired.marks import Marks
from feed_publisher.desired.states import Desired, Feed
from feed_publisher.desired.store import forget_marks, list_marked, load_desired
from feed_publisher.guarded.store import release_gone
from feed_publisher.listings.listing import Listing
from feed_publisher.listings.report import Changed, report_products
from feed_publisher.listings.store import load_listings, save_listings
from feed_publisher.planning.find_shortfall import find_shortfall
from feed_publisher.planning.guard_changes import guard_changes
from feed_publisher.planning.guards import still_reconfigured, still_removed
from feed_publisher.planning.note_missing import note_missing
from feed_publisher.planning.plan import (
    FamilyPlan,
    is_zeroing,
    plan_offers,
    plan_product,
    with_known_content,
)
from feed_publisher.runs.items.extent import Guard
from feed_publisher.runs.items.item import NewItem
from feed_publisher.runs.items.store import add_items, list_busy
from feed_publisher.runs.release_claims import release_claims
from feed_publisher.runs.run import Run, State
from feed_publisher.runs.store import advance_plan, seal_plan
from feed_publisher.shortfalls.store import save_shortfalls

PIECE_FAMILIES = 500
EMPTY = sha256().hexdigest()
"""The hash of a plan without items."""

_encoder = msgspec.json.Encoder()

if TYPE_CHECKING:
    from hashlib import _Hash


@dataclass
class Piece:
    """The next piece of a plan. Without `is_binding` nothing but the plan itself is written; with
    `zeroings_first` its items are not in the order of their families."""

    connection: Connection
    run: Run
    is_binding: bool
    items: int
    hash: "_Hash"
    zeroings_first: bool = False

    @property
    def digest(self) -> str:
        """The hash of the plan as far as it is made; one without items has none."""
        has_more = self.items > self.run.planned_items
        return self.hash.hexdigest() if has_more else self.run.planned_digest


async def plan_next_piece(
    pool: Pool, run: Run, feed: Feed, lease: Lease, *, shares: Mapping[Guard, Decimal]
) -> State | None:
    """Plan the run's next marked families; None while there are more. With none left the plan is
    sealed, and the run's state returned.

    A dry run, and a feed's first product run, stay in planning until the plan was looked through
    and can be shown; their families stay marked. Any other plan binds: its marks go, its refusals
    are reported, it runs. Each piece is a transaction of its own, so a plan of any size goes on
    where it was and holds nothing for long. Raises `LeaseLost`.
    """
    is_first = run.kind == "product" and feed.confirmed_at is None
    is_binding = not run.is_dry_run and not is_first
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        marks = await list_marked(
            connection,
            run.merchant_id,
            run.feed_id,
            run.kind,
            after=run.planned_through,
            limit=PIECE_FAMILIES,
        )
        if marks:
            digest = sha256(run.planned_digest.encode())
            piece = Piece(connection, run, is_binding, run.planned_items, digest)
            await _plan_families(piece, marks)
            await advance_plan(
                connection, run, through=[*marks][-1], items=piece.items, digest=piece.digest
            )
            reach("planning.before-commit")
            return None
    await guard_changes(pool, run, lease, shares=shares, is_binding=is_binding)
    await note_missing(pool, run, lease)
    is_empty = not run.planned_items and not run.is_dry_run  # nothing to confirm: it ends at once
    state: State = "running" if is_binding or is_empty else "planning"
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await seal_plan(connection, run, plan_hash=run.planned_digest or EMPTY, state=state)
    return state


@dataclass(frozen=True)
class Decided:
    """What a piece comes to: of families that no item of the kind is under way for, what is wanted,
    what is believed of them (the marks taken into account) and what was accepted, and the plan."""

    free: list[str]
    desired: dict[str, Desired]
    listings: dict[str, Listing]
    accepted: dict[str, Listing]
    plans: dict[str, FamilyPlan]

    def without(self, families: Set[str]) -> "Decided":
        """The same without these families."""
        return Decided(
            [family_id for family_id in self.free if family_id not in families],
            {f: target for f, target in self.desired.items() if f not in families},
            self.listings,
            self.accepted,
            {f: plan for f, plan in self.plans.items() if f not in families},
        )


async def _plan_families(piece: Piece, marks: dict[str, Marks]) -> None:
    decided = await decide(piece, marks)
    await save_plan(piece, decided)
    await save_missing(piece, decided)
    if piece.is_binding:
        await bind(piece, marks, decided)


async def decide(piece: Piece, marks: Mapping[str, Marks]) -> Decided:
    """Plan the marked families; a product run claims their SKU codes."""
    connection, run = piece.connection, piece.run
    family_ids = list(marks)
    listings = await load_listings(
        connection, run.merchant_id, run.feed_id, family_ids, shop_id=run.shop_id
    )
    busy = await list_busy(connection, run.merchant_id, run.feed_id, run.kind, family_ids)
    free = [family_id for family_id in family_ids if family_id not in busy]
    desired = await load_desired(connection, run.merchant_id, run.feed_id, free)
    wanted = [
        (code, family_id)
        for family_id, target in desired.items()
        for code in desired_skus(target.state)
    ]
    if run.kind == "product":
        await claim_skus(connection, run.merchant_id, run.shop_id, run.feed_id, wanted)
    codes = [code for code, _ in wanted]
    holders = await load_holders(connection, run.merchant_id, run.shop_id, codes)
    unsure = {
        family_id: listings[family_id].with_unsure(marks[family_id].unsure) for family_id in free
    }
    plans = {
        family_id: plan_product(target.state, unsure[family_id], holders)
        if run.kind == "product"
        else plan_offers(target.state, unsure[family_id])
        for family_id, target in desired.items()
    }
    return Decided(free, desired, unsure, listings, plans)


async def save_plan(piece: Piece, decided: Decided) -> None:
    """Store the items."""
    run = piece.run
    items = list(_new_items(piece, decided))
    await add_items(piece.connection, run.merchant_id, run.run_id, run.feed_id, items)


async def save_missing(piece: Piece, decided: Decided) -> None:
    """Keep why families without an item cannot be sent."""
    run = piece.run
    shortfalls = {
        family_id: []
        if decided.plans[family_id].items
        else find_shortfall(run.kind, target.state, decided.accepted[family_id])
        for family_id, target in decided.desired.items()
    }
    await save_shortfalls(piece.connection, run, shortfalls)


async def bind(piece: Piece, marks: Mapping[str, Marks], decided: Decided) -> set[str]:
    """Write what follows from the plan, and take the marks; the families whose marks went."""
    connection, run = piece.connection, piece.run
    unsure, listings = decided.listings, decided.accepted
    less_sure = [unsure[f] for f in sorted(decided.free) if unsure[f] is not listings[f]]
    await save_listings(connection, run.merchant_id, [(changed, None) for changed in less_sure])
    await _bind(piece, decided)
    done = set(decided.free) - await _list_growing(piece, marks, listings)
    await forget_marks(
        connection, [mark_id for family_id in done for mark_id in marks[family_id].ids]
    )
    return done


async def _list_growing(
    piece: Piece, marks: Mapping[str, Marks], listings: dict[str, Listing]
) -> set[str]:
    """Families of which something is unsure that was not accepted yet: a creation or an update that
    brings it is under way, and their marks stay until its outcome is known."""
    run = piece.run
    growing = [
        family_id
        for family_id, known in marks.items()
        if known.unsure.sku_codes - listings[family_id].accepted.skus.keys()
    ]
    return await list_busy(piece.connection, run.merchant_id, run.feed_id, "product", growing)


def _new_items(piece: Piece, decided: Decided) -> Iterator[NewItem]:
    planned_items = [planned for plan in decided.plans.values() for planned in plan.items]
    if piece.zeroings_first:
        planned_items.sort(key=lambda planned: not is_zeroing(planned))
    for planned in planned_items:
        piece.items += 1
        piece.hash.update(_encoder.encode(planned))
        refused, target = planned.refused, decided.desired[planned.family_id]
        attributes = {"channel.run": piece.run.run_id, "channel.family": planned.family_id}
        yield NewItem(
            item_no=piece.items,
            planned=planned,
            status="rejected" if refused else "pending",
            code=refused.code if refused else None,
            message=refused.message if refused else None,
            traceparent=step(f"plan {planned.action}", target.traceparent, attributes=attributes),
            changed_at=target.state.changed_at,
            decided_at=clock.now() if refused else None,
        )


async def _bind(piece: Piece, decided: Decided) -> None:
    """Write what follows from planning alone: refusals of ours, settled ones, free claims."""
    connection, run = piece.connection, piece.run
    desired, listings = decided.desired, decided.listings
    changed, known, waits = [], [], []
    for family_id, plan in decided.plans.items():
        target = desired[family_id]
        before = with_known_content(listings[family_id], target.state)
        listing = _after_planning(before, plan)
        if listing is not before:
            changed.append(Changed(listing, target.state.revision, target.traceparent))
        elif before is not listings[family_id]:
            known.append((before, None))
        if _waits_for_sku(listing):
            waits += [(code, family_id) for code in desired_skus(target.state)]
    await report_products(connection, run.merchant_id, changed)
    await save_listings(connection, run.merchant_id, sorted(known, key=lambda k: k[0].family_id))
    await _release_gone(piece, desired, listings)
    await wait_for_skus(connection, run.merchant_id, run.shop_id, run.feed_id, waits)
    if run.kind == "product":
        kept = {
            family_id: {*desired_skus(target.state), *listings[family_id].accepted.skus}
            for family_id, target in desired.items()
        }
        await release_claims(connection, run, kept)


async def _release_gone(
    piece: Piece, desired: dict[str, Desired], listings: dict[str, Listing]
) -> None:
    """The guard holds no longer what the catalogue wants no more."""
    removing, reconfiguring = [], []
    for family_id, target in desired.items():
        codes = still_removed(piece.run.kind, target.state, listings[family_id])
        removing += [(family_id, code) for code in codes]
        if still_reconfigured(target.state, listings[family_id]):
            reconfiguring.append(family_id)
    await release_gone(
        piece.connection, piece.run, list(desired), removing=removing, reconfiguring=reconfiguring
    )


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
