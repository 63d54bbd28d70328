"""A person confirms a plan: it is applied exactly as it was shown, or refused as out of date."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from common.errors import Refusal
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import unit_of_work
from feed_publisher.desired.feeds.store import confirm_feed, lock_feed
from feed_publisher.guarded.store import record_confirmed
from feed_publisher.listings.causes import refusal
from feed_publisher.listings.report import Changed, report_products
from feed_publisher.listings.store import load_listings
from feed_publisher.runs.items.store import (
    count_overtaken,
    list_refused,
    release_withheld,
)
from feed_publisher.runs.run import CONFIRMABLE, FAST_LANE, Run
from feed_publisher.runs.store import (
    ask_for_run,
    begin_confirmed,
    find_active_cause,
    find_newer_plan,
    load_run,
)

PIECE_ITEMS = 20_000
"""Written by one statement: none of them meets its time-out, however large the plan is."""


LANE_LOOKS = 20
LANE_LOOK_SECONDS = 0.25
"""A fast-lane run is over in a moment, in which nobody is sent away."""


class _RunActive(Refusal):
    """Another run of the kind is in progress, asked for by that cause."""

    def __init__(self, kind: str, *, cause: str) -> None:
        super().__init__(
            f"another {kind} run of this feed is in progress",
            status=409,
            slug="run-active",
            remedy="Confirm this one once the other has ended.",
        )
        self.is_fast_lane = cause == FAST_LANE


async def confirm_run(
    pool: Pool, merchant_id: str, run_id: str, *, skip_overtaken: bool = False
) -> Run:
    """Apply a dry run, a feed's first product run, or what a run withholds (M7.4).

    With `skip_overtaken` products that have changed since are left out: no item of theirs is
    sent, and the next run has them. Raises `NotFound`, and `Refusal` when there is nothing to
    confirm, another run is in progress, or the plan is out of date. A fast-lane run in progress is
    waited for.
    """
    for look in range(LANE_LOOKS):
        try:
            return await _confirm(pool, merchant_id, run_id, skip_overtaken=skip_overtaken)
        except _RunActive as active:
            if not active.is_fast_lane or look == LANE_LOOKS - 1:
                raise
            await asyncio.sleep(LANE_LOOK_SECONDS)
    raise AssertionError  # the last look returns or raises


async def _confirm(pool: Pool, merchant_id: str, run_id: str, *, skip_overtaken: bool) -> Run:
    async with unit_of_work(pool) as connection:
        run = await load_run(connection, merchant_id, run_id, locked=True)
        await lock_feed(connection, merchant_id, run.feed_id)
        await _require_newest(connection, run)
        if run.state not in CONFIRMABLE:
            raise Refusal(
                f"this run is {run.state}: there is nothing to confirm",
                status=409,
                slug="nothing-to-confirm",
                remedy="Read the run; if its plan is out of date, ask for a new one.",
            )
        active = await find_active_cause(connection, merchant_id, run.feed_id, run.kind)
        if active is not None:
            raise _RunActive(run.kind, cause=active)
        if not skip_overtaken:
            await _require_current(connection, run)
        await _in_pieces(partial(record_confirmed, connection, run))
        if run.kind == "product":
            await confirm_feed(connection, merchant_id, run.feed_id)
        await _in_pieces(partial(release_withheld, connection, run))
        await begin_confirmed(connection, run)
        if run.state != "withheld":
            await _report_refused(connection, run)
            # What changed since the plan was made, and what it refused, is for the next one.
            await ask_for_run(connection, merchant_id, run.feed_id, run.kind, cause="confirmation")
        details = {"feed": run.feed_id, "kind": run.kind, "was": run.state}
        await record(connection, "run.confirmed", run_id, details)
        return await load_run(connection, merchant_id, run_id)


async def _in_pieces(do_next: Callable[..., Awaitable[int | None]]) -> None:
    after: int | None = 0
    while after is not None:
        after = await do_next(after=after, limit=PIECE_ITEMS)


async def _require_newest(connection: Connection, run: Run) -> None:
    """Raises `Refusal` for a plan that waits, or waited, while a newer one was made."""
    newest = await find_newer_plan(connection, run)
    if newest is None or run.state not in {*CONFIRMABLE, "superseded"}:
        return
    raise Refusal(
        f"this plan was superseded by run {newest.run_id}, which is {newest.state}",
        status=409,
        slug="plan-superseded",
        rule="M7.4",
        remedy=f"Read the newer plan, {_path(newest)}, and confirm that one if it waits for it;"
        " what was withheld and is still to go is in it. Else ask for a new dry run.",
    )


async def _require_current(connection: Connection, run: Run) -> None:
    """Raises `Refusal` for a plan with products that have changed since it was made."""
    overtaken, families = await count_overtaken(connection, run)
    if overtaken:
        raise Refusal(
            f"{overtaken} of {families} products have changed since this plan was made",
            status=409,
            slug="plan-overtaken",
            rule="M7.4",
            remedy=f"Ask for a new {run.kind} dry run, read its plan and confirm that one; or"
            f" confirm {_path(run)} with skip_overtaken=true, which leaves out what has changed.",
        )


def _path(run: Run) -> str:
    return f"/v1/merchants/{run.merchant_id}/runs/{run.run_id}"


async def _report_refused(connection: Connection, run: Run) -> None:
    """What the confirmed plan refused is refused from now on, and reported so."""
    refused = await list_refused(connection, run.merchant_id, run.run_id)
    families = [item.family_id for item in refused]
    listings = await load_listings(
        connection, run.merchant_id, run.feed_id, families, shop_id=run.shop_id
    )
    changed = [
        Changed(
            listings[item.family_id].refusing("content", refusal(item.code, item.message)),
            item.desired_revision,
            item.traceparent,
        )
        for item in refused
    ]
    await report_products(connection, run.merchant_id, changed)
