"""The plan of a fast-lane run, made in one transaction: with its marks it takes only what an hourly
run would send as it is, and leaves the rest to that run."""

from decimal import Decimal
from hashlib import sha256
from uuid import uuid4

from common import clock
from common.failpoints import reach
from common.postgres.pool import Connection
from feed_publisher.desired.feeds.store import leave_zeroings
from feed_publisher.desired.marks import Marks
from feed_publisher.desired.states import Feed
from feed_publisher.desired.store import leave_to_offer_run
from feed_publisher.fast_lane.store import (
    count_waiting_zeroings,
    leaves_zeroings,
    list_blocked,
    list_lane_marks,
)
from feed_publisher.guarded.store import record_passed
from feed_publisher.planning.guard_changes import PIECE_ITEMS, find_withheld
from feed_publisher.planning.make_plan import (
    EMPTY,
    Decided,
    Piece,
    bind,
    decide,
    save_missing,
    save_plan,
)
from feed_publisher.runs.items.store import drop_items
from feed_publisher.runs.run import FAST_LANE, Run
from feed_publisher.runs.store import begin_fast_lane_run

MANY = 1_000_000_000


async def plan_run(
    connection: Connection, feed: Feed, *, families: int, removal_share: Decimal
) -> Run | None:
    """Begin a run of the feed's next families; None where there is nothing to send of them.

    What it looks at leaves the fast lane: its marks go with the plan, or stay for the ordinary run.
    That has what the guard holds or would hold back (M7.4). Nobody else may begin an offer run of
    the feed meanwhile.
    """
    run = _new_run(feed)
    lane = await list_lane_marks(connection, run.merchant_id, run.feed_id, limit=families)
    blocked = await list_blocked(connection, run, list(lane))
    marks = {family_id: known for family_id, known in lane.items() if family_id not in blocked}
    piece = Piece(connection, run, True, 0, sha256(), zeroings_first=True)
    decided = await decide(piece, marks)
    await save_plan(piece, decided)
    decided = await _leave_guarded(connection, run, decided, list(lane), removal_share)
    await save_missing(piece, decided)
    done = await bind(piece, marks, decided)
    await _leave(connection, lane, done)
    after: int | None = 0
    while after is not None:
        after = await record_passed(
            connection, run, after=after, limit=PIECE_ITEMS, at=run.asked_at
        )
    items = sum(len(plan.items) for plan in decided.plans.values())
    if not items:
        return None
    await begin_fast_lane_run(connection, run, items=items, plan_hash=piece.digest or EMPTY)
    reach("planning.before-commit")
    return run


def _new_run(feed: Feed) -> Run:
    now = clock.now()
    return Run(
        merchant_id=feed.merchant_id,
        run_id=uuid4().hex,
        feed_id=feed.feed_id,
        shop_id=feed.shop_id,
        kind="offer",
        cause=FAST_LANE,
        is_dry_run=False,
        state="running",
        plan_hash=None,
        trouble=None,
        failures=0,
        asked_at=now,
        planned_at=now,
        confirmed_at=None,
        started_at=now,
        finished_at=None,
    )


async def _leave_guarded(
    connection: Connection, run: Run, decided: Decided, looked_at: list[str], share: Decimal
) -> Decided:
    """Take out what the guard would withhold of a plan of all that is marked. From then on every
    zeroing waits for the ordinary run, which judges them together."""
    waiting = (
        MANY
        if await leaves_zeroings(connection, run.merchant_id, run.feed_id)
        else await count_waiting_zeroings(connection, run, looked_at)
    )
    withheld = await find_withheld(connection, run, removal_share=share, waiting=waiting)
    if not withheld:
        return decided
    await leave_zeroings(connection, run.merchant_id, run.feed_id, is_left=True)
    await drop_items(connection, run, sorted(withheld))
    return decided.without(withheld)


async def _leave(connection: Connection, lane: dict[str, Marks], done: set[str]) -> None:
    left = [mark_id for f, known in lane.items() if f not in done for mark_id in known.ids]
    await leave_to_offer_run(connection, left)
