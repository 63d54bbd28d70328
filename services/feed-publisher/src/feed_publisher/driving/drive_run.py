"""Drives runs: any replica takes a turn at any run that can go on, holding its lease.

A turn plans, or takes steps of the plan for a few seconds; then the run goes to the end of the
line. In one process a shop has one turn at a time and a merchant no more than half of them, so that
a shop that does not answer, or a merchant with much to do, holds nobody else up. How long a run has
backed off is kept in this process's memory only; all else stands in the database.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import msgspec
import structlog
from structlog.contextvars import bound_contextvars

from aliexpress.client import Client
from aliexpress.errors import (
    AppRefused,
    CallerFault,
    LimitReached,
    MarketplaceFailure,
    TokenDead,
)
from aliexpress.operation import AccessToken
from common import clock
from common.contracts.feed import FeedCompleted
from common.errors import Outage
from common.messaging.outbox import add_events
from common.postgres.leases import Lease, LeaseLost, check_lease, hold_lease
from common.postgres.pool import OUTAGE_ERRORS, Connection, Pool
from common.postgres.schedules import remove_schedule
from common.postgres.set_aside import RowKey, alone
from common.postgres.unit_of_work import reading, unit_of_work
from common.shop_tokens import ShopNotConnected, ShopTokens
from common.telemetry.names import RUNS_ENDED, SPAN_RUN
from common.telemetry.setup import counter
from common.telemetry.tracing import Attribute, begin_trace_about, trace_about
from feed_publisher.desired.feeds.rhythm import OFFER_SCHEDULE, PRODUCT_SCHEDULE
from feed_publisher.desired.feeds.store import leave_zeroings, load_feed
from feed_publisher.desired.store import mark_families
from feed_publisher.driving.preview_run import look_up_plan, show_plan
from feed_publisher.listings.causes import FAST_LANE_FULL, RUN_FAILED, explain
from feed_publisher.listings.listing import Refused
from feed_publisher.listings.report import SOURCE
from feed_publisher.listings.store import has_listings
from feed_publisher.planning.guards import shares_of, usual_shares
from feed_publisher.planning.make_plan import plan_next_piece
from feed_publisher.runs.items.store import count_items, count_refusals, defer_pending, find_open
from feed_publisher.runs.outcome import EVENT_OUTCOMES, counts_of, state_of
from feed_publisher.runs.run import Run, State
from feed_publisher.runs.store import (
    begin_planning,
    end_run,
    end_turn,
    find_queued,
    list_runnable,
    load_run,
    note_trouble,
)
from feed_publisher.sending.apply_plan import take_step
from feed_publisher.sending.context import Backoff, Sending, Step, Wait
from feed_publisher.settings import PublisherSettings
from feed_publisher.shortfalls.store import list_run_causes

log = structlog.get_logger()

_ended = counter(RUNS_ENDED)

JOB = "runs"
TURN_SECONDS = 3.0
LEASE = timedelta(seconds=10)
SHOP_WAIT = timedelta(seconds=1)
OUTAGE_FIRST = timedelta(milliseconds=500)
OUTAGE_LONGEST = timedelta(seconds=30)
MAX_FAILURES = 5
"""Unexpected failures after which a run is given up, so that it does not block its feed."""
EVENT_CAUSES = 50


BACKOFFS_KEPT = 1_000
LISTED = 50
"""Runs looked at for a turn; more wait behind runs that are in other hands."""


class RunDriver:
    """Takes turns at the runs. One instance serves all jobs of the process; those of the fast lane
    call by `lane_client`, which keeps to their share of the limits."""

    def __init__(
        self,
        pool: Pool,
        client: Client,
        tokens: ShopTokens,
        settings: PublisherSettings,
        *,
        lane_client: Client | None = None,
    ) -> None:
        self._pool = pool
        self._client = client
        self._lane_client = lane_client or client
        self._tokens = tokens
        self._settings = settings
        self._backoffs: dict[str, Backoff] = {}
        self._shops: Counter[tuple[str, str]] = Counter()
        self._merchants: Counter[str] = Counter()
        self._merchant_turns = max(1, settings.concurrent_runs // 2)

    async def take_turn(self) -> bool:
        """Take one run further; whether there was one."""
        async with reading(self._pool) as connection:
            runs = await list_runnable(connection, JOB, limit=LISTED)
        self._forget_backoffs({run.run_id for run in runs})
        for run in runs:
            if self._is_free(run):
                with self._taking(run):
                    row = RowKey(run.merchant_id, run.run_id)
                    turn, trace = partial(self._turn, run), trace_of_run(run)
                    if await alone(self._pool, JOB, row, turn, trace_parent=trace):
                        return True
        return False

    def _forget_backoffs(self, kept: set[str]) -> None:
        """Runs that another process ended leave theirs here."""
        if len(self._backoffs) > BACKOFFS_KEPT:
            self._backoffs = {name: b for name, b in self._backoffs.items() if name in kept}

    def _is_free(self, run: Run) -> bool:
        """Whether the run's shop and merchant may have a turn more of this process."""
        has_shop = self._shops[run.merchant_id, run.shop_id] > 0
        return not has_shop and self._merchants[run.merchant_id] < self._merchant_turns

    @contextmanager
    def _taking(self, run: Run) -> Iterator[None]:
        shop = (run.merchant_id, run.shop_id)
        self._shops[shop] += 1
        self._merchants[run.merchant_id] += 1
        try:
            yield
        finally:
            self._shops -= Counter([shop])
            self._merchants -= Counter([run.merchant_id])

    async def _turn(self, run: Run) -> bool:
        with bound_contextvars(run=run.run_id, feed=run.feed_id, shop=run.shop_id):
            return await self._turn_of(run)

    async def _turn_of(self, run: Run) -> bool:
        backoff = self._backoffs.setdefault(run.run_id, Backoff())
        try:
            async with hold_lease(
                self._pool, run.lease_name, self._settings.instance_id, lasts=LEASE
            ) as lease:
                if lease is None:
                    return False
                wait = await self._drive(run, lease, backoff)
                await self._end_turn(run, wait)
        except LeaseLost:
            log.info("run.lease_lost", run=run.run_id)
            return False
        except OUTAGE_ERRORS:
            raise
        except Exception as error:
            await self._end_turn(run, await self._fail(run, error, backoff))
        return True

    async def _end_turn(self, run: Run, wait: Wait | None) -> None:
        if wait is None:
            self._backoffs.pop(run.run_id, None)
            return
        async with unit_of_work(self._pool) as connection:
            await end_turn(connection, run, waits=wait.lasts)

    async def _drive(self, run: Run, lease: Lease, backoff: Backoff) -> Wait | None:
        """Go on with the run; how long it waits then, or None when nothing holds it up."""
        ends_at = time.monotonic() + TURN_SECONDS
        while time.monotonic() < ends_at:
            async with reading(self._pool) as connection:
                run = await load_run(connection, run.merchant_id, run.run_id)
            if run.state == "queued":
                async with unit_of_work(self._pool) as connection:
                    await check_lease(connection, lease)
                    if not await begin_planning(connection, run):
                        return Wait(SHOP_WAIT)
                    if run.kind == "offer" and not run.is_dry_run:
                        await leave_zeroings(
                            connection, run.merchant_id, run.feed_id, is_left=False
                        )
            elif run.state == "planning" and run.plan_hash is None:
                await self._plan(run, lease)
            elif run.state == "planning":
                await self._preview(run, lease, backoff)
            elif run.state == "running":
                wait = await self._send(run, lease, backoff)
                if isinstance(wait, Wait):
                    return wait
            else:
                return None
        return Wait(timedelta())

    async def _plan(self, run: Run, lease: Lease) -> None:
        async with reading(self._pool) as connection:
            feed = await load_feed(connection, run.merchant_id, run.feed_id)
        shares = shares_of(feed, usual_shares(self._settings))
        state = await plan_next_piece(self._pool, run, feed, lease, shares=shares)
        if state is not None:
            log.info("run.planned", run=run.run_id, feed=run.feed_id, kind=run.kind, state=state)

    async def _preview(self, run: Run, lease: Lease, backoff: Backoff) -> None:
        """Look a plan through and show it; while the shop cannot be read it is shown without."""
        if run.kind == "product":
            try:
                sending = await self._sending(run, lease, backoff)
                await look_up_plan(sending)
            except (MarketplaceFailure, Outage, ShopNotConnected) as failure:
                log.warning("run.not_looked_up", run=run.run_id, reason=str(failure))
        await show_plan(self._pool, run, lease)

    # -- sending ------------------------------------------------------------------------------

    async def _send(self, run: Run, lease: Lease, backoff: Backoff) -> Wait | None:
        """Take steps until the run ends, must wait, or something outside does not answer."""
        sending: Sending | None = None
        try:
            sending = await self._sending(run, lease, backoff)
            step = await take_step(sending)
        except TokenDead as dead:
            await self._note(run, f"AliExpress refuses the shop's token: {dead.message}")
            if sending is not None:
                await self._report_dead(run, sending.generation)
            return Wait(SHOP_WAIT)
        except ShopNotConnected:
            await self._note(run, "the shop is not connected")
            return Wait(SHOP_WAIT)
        except LimitReached as limit:
            await self._note(run, f"AliExpress's limit is reached: {limit.message}")
            wait = Wait(min(limit.ban, OUTAGE_LONGEST))
            return await self._unless_left(run, lease, wait, is_limit=True)
        except CallerFault:
            raise
        except (MarketplaceFailure, Outage) as outage:
            trouble = outage.trouble if isinstance(outage, AppRefused) else str(outage)
            await self._note(run, trouble)
            wait = backoff.next_wait("outage", first=OUTAGE_FIRST, longest=OUTAGE_LONGEST)
            return await self._unless_left(run, lease, wait, is_limit=False)
        backoff.forget("outage")
        await self._note(run, None)
        if step is Step.ENDED:
            await self._end(run, lease)
        return step if isinstance(step, Wait) else None

    async def _unless_left(
        self, run: Run, lease: Lease, wait: Wait, *, is_limit: bool
    ) -> Wait | None:
        """The wait; None where the pending rest of a fast-lane run was left to the ordinary one, so
        that this shall not wait: by a limit, or where one waits already."""
        if not run.is_fast_lane:
            return wait
        place = (run.merchant_id, run.feed_id, run.kind)
        async with unit_of_work(self._pool) as connection:
            await check_lease(connection, lease)
            if not is_limit and not await find_queued(connection, *place, is_dry_run=False):
                return wait
            families = await defer_pending(connection, run, FAST_LANE_FULL)
            await mark_families(connection, run.merchant_id, run.feed_id, [run.kind], families)
        return None if families else wait

    async def _report_dead(self, run: Run, generation: int) -> None:
        """Tell auth-service; while it cannot settle that, the next call with the token does."""
        try:
            await self._tokens.report_dead(run.merchant_id, run.shop_id, generation)
        except Outage as outage:
            log.warning("token.not_reported", shop=run.shop_id, reason=str(outage))

    async def _sending(self, run: Run, lease: Lease, backoff: Backoff) -> Sending:
        shop_token = await self._tokens.token(run.merchant_id, run.shop_id)
        return Sending(
            self._pool,
            self._lane_client if run.is_fast_lane else self._client,
            AccessToken(shop_token.seller_id, shop_token.value.get_secret_value()),
            shop_token.generation,
            self._settings,
            run,
            lease,
            backoff,
        )

    async def _end(self, run: Run, lease: Lease) -> None:
        async with unit_of_work(self._pool) as connection:
            await check_lease(connection, lease)
            completed = await _end(connection, run)
        _report_end(run, completed)

    async def _note(self, run: Run, trouble: str | None) -> None:
        if run.trouble != trouble:
            log.warning("run.held_up", run=run.run_id, trouble=trouble)
            async with unit_of_work(self._pool) as connection:
                await note_trouble(connection, run, trouble)

    async def _fail(self, run: Run, error: Exception, backoff: Backoff) -> Wait:
        """An unexpected failure: logged, retried, and given up after `MAX_FAILURES`."""
        log.exception("run.failed", run=run.run_id, failure=type(error).__name__)
        trouble = f"{type(error).__name__}: {error}"
        completed: FeedCompleted | None = None
        async with unit_of_work(self._pool) as connection:
            failures = await note_trouble(connection, run, trouble, is_failure=True)
            _, under_way = await find_open(connection, run)
            if failures >= MAX_FAILURES and not under_way:
                families = await defer_pending(connection, run, RUN_FAILED)
                await mark_families(connection, run.merchant_id, run.feed_id, [run.kind], families)
                completed = await _end(connection, run, failed_by=trouble)
        if completed is not None:
            _report_end(run, completed)
        return backoff.next_wait("failure", first=OUTAGE_FIRST, longest=OUTAGE_LONGEST)


def trace_of_run(run: Run) -> str:
    """The root of the run's own trace, in which its turns are."""
    return trace_about("run", run.merchant_id, run.run_id)


def _report_end(run: Run, completed: FeedCompleted) -> None:
    """Count it, write a line for operators, and make the root of its trace, with its counts."""
    counts = completed.counts
    kind = "fast-lane" if run.is_fast_lane else run.kind
    _ended.add(1, {"kind": kind, "outcome": completed.outcome})
    log.info("run.ended", kind=run.kind, outcome=completed.outcome, **counts)
    attributes: dict[str, Attribute] = {
        "channel.merchant": run.merchant_id,
        "channel.shop": run.shop_id,
        "channel.feed": run.feed_id,
        "channel.run": run.run_id,
        "channel.kind": run.kind,
        "channel.outcome": completed.outcome,
        **{f"channel.count.{name}": number for name, number in counts.items()},
    }
    begin_trace_about(
        SPAN_RUN,
        *("run", run.merchant_id, run.run_id),
        lasted=completed.finished_at - completed.started_at,
        attributes=attributes,
    )


async def _end(connection: Connection, run: Run, *, failed_by: str | None = None) -> FeedCompleted:
    """End the run, by its items' outcomes unless it has failed, and tell other systems; what they
    are told. A run of the fast lane is no news: the report of the next ordinary one has what is
    refused still."""
    counts = (await count_items(connection, run.merchant_id, [run.run_id]))[run.run_id]
    state: State = "failed" if failed_by else state_of(counts, missing=run.missing)
    decided = Counter[str]()
    for (_, status), items in counts.items():
        decided[status] += items
    await end_run(connection, run, state, accepted=decided["accepted"], refused=decided["rejected"])
    causes = [
        explain(Refused(code, message), count=items)
        for code, message, items in await count_refusals(connection, run.merchant_id, run.run_id)
    ]
    causes += [
        msgspec.structs.replace(group.cause, count=group.products)
        for group in await list_run_causes(connection, run.merchant_id, run.run_id)
    ]
    if failed_by:
        causes.insert(0, explain(msgspec.structs.replace(RUN_FAILED, message=failed_by)))
    now = clock.now()
    completed = FeedCompleted(
        merchant_id=run.merchant_id,
        feed_id=run.feed_id,
        shop_id=run.shop_id,
        run_id=run.run_id,
        kind=run.kind,
        outcome=EVENT_OUTCOMES[state],
        started_at=run.started_at or now,
        finished_at=now,
        counts=counts_of(counts, missing=run.missing),
        causes=causes[:EVENT_CAUSES],
    )
    if run.is_fast_lane:
        return completed
    await add_events(connection, [completed], source=SOURCE)
    feed = await load_feed(connection, run.merchant_id, run.feed_id)
    is_empty = not await has_listings(connection, run.merchant_id, run.feed_id)
    if feed.lifecycle == "removed" and is_empty:
        for schedule in (PRODUCT_SCHEDULE, OFFER_SCHEDULE):
            await remove_schedule(connection, schedule, run.merchant_id, run.feed_id)
    return completed
