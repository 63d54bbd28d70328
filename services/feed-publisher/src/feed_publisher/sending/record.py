"""Intents before and outcomes after each call, each in one transaction under the run's lease."""

from collections.abc import Mapping, Sequence

import msgspec

from common import clock
from common.failpoints import reach
from common.postgres.leases import check_lease
from common.postgres.pool import Connection
from common.postgres.unit_of_work import unit_of_work
from common.telemetry.names import FAST_LANE_DELAY, ITEMS_DECIDED, TIME_TO_LIVE, TIME_TO_SENT
from common.telemetry.setup import counter, histogram
from common.telemetry.tracing import Attribute, step
from feed_publisher.desired.desired_state import desired_skus
from feed_publisher.desired.marks import OTHER, Lane
from feed_publisher.desired.states import Kind
from feed_publisher.desired.store import load_desired, lock_revisions, mark_families, mark_overtaken
from feed_publisher.listings.causes import JOB_STUCK
from feed_publisher.listings.change import SIDE_OF, Action
from feed_publisher.listings.listing import Listing
from feed_publisher.listings.outcomes import Outcome, Sent, apply_outcome
from feed_publisher.listings.report import Changed, report_products
from feed_publisher.listings.store import load_listings, save_listings
from feed_publisher.runs.items.item import OVERTAKEN, Decision, RunItem
from feed_publisher.runs.items.store import begin_sending, decide_items, enter_job, note_stuck
from feed_publisher.runs.release_claims import release_claims
from feed_publisher.runs.run import Run
from feed_publisher.runs.store import ask_for_run
from feed_publisher.sending import store
from feed_publisher.sending.context import Sending
from feed_publisher.sending.store import CallState

_decided = counter(ITEMS_DECIDED)
_to_sent = histogram(TIME_TO_SENT)
_to_live = histogram(TIME_TO_LIVE)
_by_fast_lane = histogram(FAST_LANE_DELAY)


async def record_intent(
    sending: Sending,
    operation: Action,
    items: Sequence[RunItem],
    sent: Mapping[int, Sent] | None = None,
) -> tuple[str, list[RunItem]] | None:
    """Write down that these items are about to be sent: the call's id and what it may send.

    Items that no longer fit are superseded (`keep_fitting`). None when nothing is left, or while
    the shop has another job of that type in flight. Raises `LeaseLost`.
    """
    run = sending.run
    async with unit_of_work(sending.pool) as connection:
        await check_lease(connection, sending.lease)
        listings = await _lock(connection, sending, items)
        fitting = await _keep_fitting(connection, sending, items, listings)
        if not fitting:
            return None
        call_id = await store.intend_call(connection, run, operation)
        if call_id is None:
            return None
        await begin_sending(connection, run, call_id, fitting, sent or {})
        if operation == "create":
            await _begin_creations(connection, sending, fitting, listings)
    reach("publisher.after-intent")
    for item in fitting:
        _to_sent.record(_age(item), {"action": item.action})
    return call_id, fitting


async def keep_fitting(sending: Sending, items: Sequence[RunItem]) -> list[RunItem]:
    """Those of the items that may still be sent as they were planned.

    The others are superseded: their family has a newer desired state, or another product on
    AliExpress. They are marked, and a run that follows at once plans them again; those of the fast
    lane by its next run, in which the newer state is. Raises `LeaseLost`.
    """
    async with unit_of_work(sending.pool) as connection:
        await check_lease(connection, sending.lease)
        listings = await _lock(connection, sending, items)
        return await _keep_fitting(connection, sending, items, listings)


async def record_outcomes(
    sending: Sending,
    items: Sequence[RunItem],
    outcomes: Sequence[Outcome],
    *,
    call: tuple[str, CallState] | None,
    run_id: str | None = None,
) -> None:
    """Write what became of items into their rows and listings, report them, and move the call.

    `run_id` names the run of the items where it is not the one in hand. Raises `LeaseLost`.
    """
    run = sending.run
    by_no = {item.item_no: item for item in items}
    known = [outcome for outcome in outcomes if outcome.item_no in by_no]
    decisions = [_decision(by_no[outcome.item_no], outcome) for outcome in known]
    async with unit_of_work(sending.pool) as connection:
        await check_lease(connection, sending.lease)
        if known:
            await _apply(connection, sending, by_no, known)
            await decide_items(connection, run_id or run.run_id, run.merchant_id, decisions)
        if call is not None:
            await _move_call(connection, run.merchant_id, call[0], call[1])
        reach("publisher.before-outcome")
    for decision in decisions:
        item = by_no[decision.item_no]
        _decided.add(1, {"outcome": decision.status})
        if decision.status == "accepted":
            _to_live.record(_age(item), {"action": item.action})
            if run.is_fast_lane:
                _by_fast_lane.record(_age(item), {"action": item.action})


async def leave_to_next(
    sending: Sending, items: Sequence[RunItem], *, run_id: str, call: tuple[str, CallState] | None
) -> None:
    """These items of an earlier run end undecided; their families are planned again at once."""
    run = sending.run
    async with unit_of_work(sending.pool) as connection:
        await check_lease(connection, sending.lease)
        decisions = [
            Decision(item.item_no, "deferred", JOB_STUCK.code, JOB_STUCK.message) for item in items
        ]
        await decide_items(connection, run_id, run.merchant_id, decisions)
        await _mark(connection, sending, ["product"], items)
        await ask_for_run(connection, run.merchant_id, run.feed_id, "product", cause="job-ended")
        if call is not None:
            await _move_call(connection, run.merchant_id, call[0], call[1])


async def put_back(
    sending: Sending,
    items: Sequence[RunItem],
    *,
    call: tuple[str, CallState] | None,
    was_tried: bool = False,
    run_id: str | None = None,
) -> None:
    """These items are to be sent (again): nothing was done, or repeating them is harmless.

    An attempt that may have done something counts (`was_tried`): their number is bounded.
    """
    run = sending.run
    async with unit_of_work(sending.pool) as connection:
        await check_lease(connection, sending.lease)
        await decide_items(
            connection,
            run_id or run.run_id,
            run.merchant_id,
            [Decision(item.item_no, "pending", refunds=int(not was_tried)) for item in items],
        )
        if call is not None:
            await _move_call(connection, run.merchant_id, call[0], call[1])


async def move_call(
    sending: Sending, call_id: str, state: CallState, *, job_id: str | None = None
) -> None:
    """Bring a call into another state. Raises `LeaseLost`."""
    async with unit_of_work(sending.pool) as connection:
        await check_lease(connection, sending.lease)
        await _move_call(connection, sending.run.merchant_id, call_id, state, job_id=job_id)


async def _move_call(
    connection: Connection,
    merchant_id: str,
    call_id: str,
    state: CallState,
    *,
    job_id: str | None = None,
) -> None:
    """Bring a call into another state; a job's items are in the job from then on, and say so when
    it is stuck."""
    await store.move_call(connection, merchant_id, call_id, state, marketplace_job_id=job_id)
    if state == "following":
        await enter_job(connection, merchant_id, call_id)
    elif state == "stuck":
        await note_stuck(connection, merchant_id, call_id, JOB_STUCK)


async def _keep_fitting(
    connection: Connection,
    sending: Sending,
    items: Sequence[RunItem],
    listings: Mapping[str, Listing],
) -> list[RunItem]:
    run = sending.run
    newest = await lock_revisions(connection, run.merchant_id, run.feed_id, sorted(listings))
    stale = [i for i in items if not _fits(i, listings[i.family_id], newest.get(i.family_id))]
    if stale:
        decisions = [Decision(item.item_no, "superseded", *OVERTAKEN) for item in stale]
        await decide_items(connection, run.run_id, run.merchant_id, decisions)
        await _mark(connection, sending, ["product", "offer"], stale)
        if not run.is_fast_lane:
            await ask_for_run(connection, run.merchant_id, run.feed_id, run.kind, cause="overtaken")
    superseded = {item.item_no for item in stale}
    return [item for item in items if item.item_no not in superseded]


def _fits(item: RunItem, listing: Listing, newest: int | None) -> bool:
    return (
        item.desired_revision == newest
        and item.marketplace_product_id == listing.marketplace_product_id
    )


async def _lock(
    connection: Connection, sending: Sending, items: Sequence[RunItem]
) -> dict[str, Listing]:
    run = sending.run
    families = sorted({item.family_id for item in items})
    return await load_listings(
        connection, run.merchant_id, run.feed_id, families, shop_id=run.shop_id
    )


async def _mark(
    connection: Connection,
    sending: Sending,
    kinds: Sequence[Kind],
    items: Sequence[RunItem],
    *,
    lane: Lane | None = None,
) -> None:
    run = sending.run
    families = sorted({item.family_id for item in items})
    await mark_families(connection, run.merchant_id, run.feed_id, kinds, families, lane=lane)


async def _begin_creations(
    connection: Connection,
    sending: Sending,
    items: Sequence[RunItem],
    listings: Mapping[str, Listing],
) -> None:
    now = clock.now()
    begun = [
        (
            msgspec.structs.replace(
                listings[item.family_id],
                create_intent_at=listings[item.family_id].create_intent_at or now,
            ),
            None,
        )
        for item in sorted(items, key=lambda item: item.family_id)
    ]
    await save_listings(connection, sending.run.merchant_id, begun)


async def _apply(
    connection: Connection,
    sending: Sending,
    by_no: Mapping[int, RunItem],
    outcomes: Sequence[Outcome],
) -> None:
    run = sending.run
    items = [by_no[outcome.item_no] for outcome in outcomes]
    listings = await _lock(connection, sending, items)
    changed: dict[str, Changed] = {}
    now = clock.now()
    for outcome in outcomes:
        item = by_no[outcome.item_no]
        before = changed[item.family_id].listing if item.family_id in changed else None
        listing = apply_outcome(
            before or listings[item.family_id],
            outcome,
            action=item.action,
            change=item.change,
            sent=item.sent,
            now=now,
        )
        cause = _trace_result(run, item, outcome)
        changed[item.family_id] = Changed(listing, item.desired_revision, cause)
    await report_products(connection, run.merchant_id, list(changed.values()))
    await _mark_followers(connection, sending, by_no, outcomes, changed)
    freeing = [i for i in items if i.action in {"update", "delete"} or not _is_online(changed, i)]
    await _release(connection, sending, sorted({i.family_id for i in freeing}), changed)


def _trace_result(run: Run, item: RunItem, outcome: Outcome) -> str | None:
    """The result in the item's own trace; the traceparent of what is reported of it."""
    attributes: dict[str, Attribute] = {
        "channel.run": run.run_id,
        "channel.family": item.family_id,
        "channel.outcome": outcome.verdict,
    }
    if outcome.product_id is not None:
        attributes["channel.aliexpress_product"] = outcome.product_id
    if outcome.refused is not None:
        attributes["channel.code"] = outcome.refused.code
    return step(f"result of {item.action}", item.traceparent, attributes=attributes)


def _may_go_again(changed: Mapping[str, Changed], item: RunItem) -> bool:
    refused = changed[item.family_id].listing.accepted.refused.get(SIDE_OF[item.action])
    return refused is not None and refused.is_transient


def _is_online(changed: Mapping[str, Changed], item: RunItem) -> bool:
    return changed[item.family_id].listing.is_online


_LEAVE_OFFERS = {("accepted", "create"), ("accepted", "update"), ("rejected", "update")}
"""What leaves offers to be looked at: those that were carried may not be the desired ones."""


async def _mark_followers(
    connection: Connection,
    sending: Sending,
    by_no: Mapping[int, RunItem],
    outcomes: Sequence[Outcome],
    changed: Mapping[str, Changed],
) -> None:
    """Have the next runs look at what an outcome leaves open."""
    run = sending.run
    items = [by_no[outcome.item_no] for outcome in outcomes]
    planned = [(item.family_id, item.desired_revision) for item in items]
    await mark_overtaken(connection, run.merchant_id, run.feed_id, planned)
    created, updated, again, lost = (list[RunItem]() for _ in range(4))
    for item, outcome in zip(items, outcomes, strict=True):
        if outcome.verdict == "gone" and item.action != "delete":
            lost.append(item)
        elif outcome.verdict == "rejected" and _may_go_again(changed, item):
            again.append(item)
        if (outcome.verdict, item.action) in _LEAVE_OFFERS:
            (created if item.action == "create" else updated).append(item)
    await _mark(connection, sending, ["offer"], created)
    await _mark(connection, sending, ["offer"], updated, lane=OTHER)
    await _mark(connection, sending, [run.kind], again)
    await _mark(connection, sending, ["product"], lost)


async def _release(
    connection: Connection,
    sending: Sending,
    families: Sequence[str],
    changed: Mapping[str, Changed],
) -> None:
    """Release claims of SKUs that AliExpress confirmed to be gone; who waits gets a run."""
    if not families:
        return
    run = sending.run
    desired = await load_desired(connection, run.merchant_id, run.feed_id, families)
    kept = {
        family_id: {
            *changed[family_id].listing.accepted.skus,
            *(desired_skus(desired[family_id].state) if family_id in desired else ()),
        }
        for family_id in families
    }
    await release_claims(connection, run, kept)


def _age(item: RunItem) -> float:
    """Seconds since the change came in that the item sends; where that is not known, since its
    desired state was made, whose revision is its time."""
    if item.changed_at is not None:
        return clock.seconds_between(item.changed_at, clock.now())
    return max(0.0, (clock.epoch_milliseconds() - item.desired_revision) / 1000)


def _decision(item: RunItem, outcome: Outcome) -> Decision:
    if outcome.verdict == "accepted" or (outcome.verdict == "gone" and item.action == "delete"):
        return Decision(item.item_no, "accepted", marketplace_product_id=outcome.product_id)
    if outcome.verdict == "gone":
        return Decision(
            item.item_no, "superseded", "product-gone", "AliExpress no longer has this product"
        )
    refused = outcome.refused
    return Decision(
        item.item_no,
        "rejected",
        refused.code if refused else None,
        refused.message if refused else None,
    )
