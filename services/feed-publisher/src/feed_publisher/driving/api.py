"""REST: feeds with their schedules, and their runs."""

from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from common import clock
from common.errors import Refusal
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.schedules import Schedule, list_schedules, pause_schedule
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.pagination import Keyset, Limit, Page
from common.web.problem import PROBLEM_RESPONSES
from feed_publisher.access import STORABLE, FeedId, Reader, RunId, Runner
from feed_publisher.desired.consumer import OFFER_SCHEDULE, PRODUCT_SCHEDULE
from feed_publisher.desired.states import Feed, Kind
from feed_publisher.desired.store import UnknownFeed, find_shop, list_feeds, load_feed
from feed_publisher.driving.confirm_run import confirm_run
from feed_publisher.driving.store import count_feed
from feed_publisher.runs.items.store import count_items
from feed_publisher.runs.outcome import UNDER_WAY, counts_of
from feed_publisher.runs.run import Run
from feed_publisher.runs.store import ask_for_run, count_queued, find_queued, list_runs, load_run

SkipOvertaken = Annotated[
    bool, Query(description="Leave out products that have changed since the plan was made.")
]


class FeedPlace(NamedTuple):
    """A feed's place in the list of feeds."""

    feed_id: str


class RunPlace(NamedTuple):
    """A run's place in the list of runs."""

    asked_at: datetime
    run_id: str


AfterFeed = Annotated[FeedPlace | None, Depends(Keyset(FeedPlace))]
AfterRun = Annotated[RunPlace | None, Depends(Keyset(RunPlace))]

ACTIVE = frozenset({"queued", "planning", "running"})


class ScheduleView(BaseModel):
    """When a kind of run is due next, and whether it is paused."""

    kind: Kind
    next_due_at: datetime
    is_paused: bool
    pause_reason: str | None


class FeedView(BaseModel):
    """A feed: its schedules and how many of its products are where."""

    feed_id: str
    shop_id: str
    catalogue_id: str
    main_locale: str
    configuration_version: int
    lifecycle: str
    is_first_run_confirmed: bool
    waits_for_shop: str | None = Field(description="Why AliExpress may not be called now.")
    schedules: list[ScheduleView]
    counts: dict[str, int]


class PauseRequest(BaseModel):
    """Why the feed's schedules stop."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=STORABLE)]


class RunRequest(BaseModel):
    """Which run is wanted; a dry run only plans."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    dry_run: StrictBool = False


class RunAsked(BaseModel):
    """The run that will do it; one that was queued already serves both."""

    run_id: str


class Progress(BaseModel):
    """How far a run is."""

    total: int
    decided: int
    under_way: int


class RunView(BaseModel):
    """A run. `plan_hash` names the plan exactly; `counts` are items by what became of them."""

    run_id: str
    feed_id: str
    shop_id: str
    kind: Kind
    cause: str
    is_dry_run: bool
    state: str
    waiting_reason: str | None
    trouble: str | None
    plan_hash: str | None
    needs_confirmation: bool
    counts: dict[str, int]
    progress: Progress
    asked_at: datetime
    planned_at: datetime | None
    confirmed_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


def run_router(pool: Pool, *, max_queued: int) -> APIRouter:
    """The routes; a merchant may have `max_queued` runs waiting to begin."""
    router = APIRouter(
        prefix="/v1/merchants/{merchant_id}", tags=["runs"], responses=PROBLEM_RESPONSES
    )

    @router.get("/feeds")
    async def get_feeds(
        merchant_id: Reader, after: AfterFeed = None, limit: Limit = 50
    ) -> Page[FeedView]:
        """The merchant's feeds."""
        async with reading(pool) as connection:
            feeds = await list_feeds(
                connection, merchant_id, after=after.feed_id if after else "", limit=limit + 1
            )
            page = Page.of(feeds, limit, lambda feed: FeedPlace(feed.feed_id))
            return page.with_items([await _feed_view(connection, feed) for feed in page.items])

    @router.get("/feeds/{feed_id}")
    async def get_feed(merchant_id: Reader, feed_id: FeedId) -> FeedView:
        """One feed."""
        async with reading(pool) as connection:
            return await _feed_view(connection, await load_feed(connection, merchant_id, feed_id))

    @router.post("/feeds/{feed_id}/pause")
    async def pause_feed(merchant_id: Runner, feed_id: FeedId, request: PauseRequest) -> FeedView:
        """Stop the feed's schedules; runs in progress go on."""
        return await _set_pause(pool, merchant_id, feed_id, request.reason)

    @router.post("/feeds/{feed_id}/resume")
    async def resume_feed(merchant_id: Runner, feed_id: FeedId) -> FeedView:
        """Let the feed's schedules go on; a run that was missed is caught up once."""
        return await _set_pause(pool, merchant_id, feed_id, None)

    @router.post("/feeds/{feed_id}/runs", status_code=202)
    async def post_run(merchant_id: Runner, feed_id: FeedId, request: RunRequest) -> RunAsked:
        """Run now, or plan only."""
        run_id = await _ask_for_run(pool, merchant_id, feed_id, request, max_queued)
        if run_id is None:
            raise UnknownFeed
        return RunAsked(run_id=run_id)

    @router.get("/feeds/{feed_id}/runs")
    async def get_runs(
        merchant_id: Reader, feed_id: FeedId, after: AfterRun = None, limit: Limit = 20
    ) -> Page[RunView]:
        """The feed's runs, the newest first."""
        async with reading(pool) as connection:
            await load_feed(connection, merchant_id, feed_id)
            runs = await list_runs(connection, merchant_id, feed_id, before=after, limit=limit + 1)
            page = Page.of(runs, limit, lambda run: RunPlace(run.asked_at, run.run_id))
            return page.with_items(await _run_views(connection, merchant_id, page.items))

    @router.get("/runs/{run_id}")
    async def get_run(merchant_id: Reader, run_id: RunId) -> RunView:
        """One run, with its progress."""
        async with reading(pool) as connection:
            run = await load_run(connection, merchant_id, run_id)
            return (await _run_views(connection, merchant_id, [run]))[0]

    @router.post("/runs/{run_id}/confirm", status_code=202)
    async def post_confirmation(
        merchant_id: Runner, run_id: RunId, skip_overtaken: SkipOvertaken = False
    ) -> RunView:
        """Apply exactly this plan, or the removals it withholds; refused once it is out of date."""
        run = await confirm_run(pool, merchant_id, run_id, skip_overtaken=skip_overtaken)
        async with reading(pool) as connection:
            return (await _run_views(connection, merchant_id, [run]))[0]

    return router


async def _ask_for_run(
    pool: Pool, merchant_id: str, feed_id: str, request: RunRequest, max_queued: int
) -> str | None:
    """The run that waits already, or a new one; None without such a feed."""
    wanted = (merchant_id, feed_id, request.kind)
    async with unit_of_work(pool) as connection:
        waiting = await find_queued(connection, *wanted, is_dry_run=request.dry_run)
        if waiting is not None:
            return waiting
        await _require_room(connection, merchant_id, max_queued)
        run_id = await ask_for_run(connection, *wanted, cause="request", is_dry_run=request.dry_run)
        if run_id is not None:
            await record(
                connection,
                "feed.run-asked",
                feed_id,
                {"kind": request.kind, "run": run_id, "dry_run": request.dry_run},
            )
        return run_id


async def _require_room(connection: Connection, merchant_id: str, max_queued: int) -> None:
    if await count_queued(connection, merchant_id) >= max_queued:
        raise Refusal(
            f"{max_queued} runs of this merchant wait to begin; no more are taken",
            status=429,
            slug="too-many-runs",
            remedy="Wait until some have begun, and ask for one run per feed and kind.",
        )


async def _set_pause(pool: Pool, merchant_id: str, feed_id: str, reason: str | None) -> FeedView:
    async with unit_of_work(pool) as connection:
        feed = await load_feed(connection, merchant_id, feed_id)
        for kind in (PRODUCT_SCHEDULE, OFFER_SCHEDULE):
            await pause_schedule(connection, kind, merchant_id, feed_id, reason=reason)
        await record(connection, "feed.resumed" if reason is None else "feed.paused", feed_id)
        return await _feed_view(connection, feed)


async def _feed_view(connection: Connection, feed: Feed) -> FeedView:
    schedules = await list_schedules(connection, feed.merchant_id, subject=feed.feed_id)
    return FeedView(
        feed_id=feed.feed_id,
        shop_id=feed.shop_id,
        catalogue_id=feed.catalogue_id,
        main_locale=feed.main_locale,
        configuration_version=feed.configuration_version,
        lifecycle=feed.lifecycle,
        is_first_run_confirmed=feed.confirmed_at is not None,
        waits_for_shop=await _why_waiting(connection, feed.merchant_id, feed.shop_id),
        schedules=[_schedule_view(schedule) for schedule in schedules],
        counts=await count_feed(connection, feed.merchant_id, feed.feed_id),
    )


def _schedule_view(schedule: Schedule) -> ScheduleView:
    return ScheduleView(
        kind="product" if schedule.kind == PRODUCT_SCHEDULE else "offer",
        next_due_at=schedule.next_due_at,
        is_paused=schedule.is_paused,
        pause_reason=schedule.pause_reason,
    )


async def _why_waiting(connection: Connection, merchant_id: str, shop_id: str) -> str | None:
    shop = await find_shop(connection, merchant_id, shop_id)
    if shop is None:
        return "the shop is not known yet"
    return shop.why_unusable(clock.now())


async def _run_views(connection: Connection, merchant_id: str, runs: list[Run]) -> list[RunView]:
    counts = await count_items(connection, merchant_id, [run.run_id for run in runs])
    waits = {
        shop_id: await _why_waiting(connection, merchant_id, shop_id)
        for shop_id in {run.shop_id for run in runs}
    }
    return [_run_view(run, counts[run.run_id], waits[run.shop_id]) for run in runs]


def _run_view(run: Run, counts: dict[tuple[str, str], int], waiting: str | None) -> RunView:
    is_waiting = waiting is not None and run.state in ACTIVE and not run.is_dry_run
    total = sum(counts.values())
    pending = sum(items for (_, status), items in counts.items() if status == "pending")
    open_items = sum(items for (_, status), items in counts.items() if status in UNDER_WAY)
    return RunView(
        run_id=run.run_id,
        feed_id=run.feed_id,
        shop_id=run.shop_id,
        kind=run.kind,
        cause=run.cause,
        is_dry_run=run.is_dry_run,
        state="waiting_for_shop" if is_waiting else run.state,
        waiting_reason=waiting if is_waiting else None,
        trouble=run.trouble if run.state in ACTIVE | {"failed"} else None,
        plan_hash=run.plan_hash,
        needs_confirmation=run.state in {"awaiting_confirmation", "withheld"},
        counts=counts_of(counts, missing=run.missing),
        progress=Progress(total=total, decided=total - open_items, under_way=open_items - pending),
        asked_at=run.asked_at,
        planned_at=run.planned_at,
        confirmed_at=run.confirmed_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )
