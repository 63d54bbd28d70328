"""REST: the runs of feeds."""

from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, StrictBool

from common.errors import Refusal
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router
from feed_publisher.access import FeedId, Reader, RunId, Runner
from feed_publisher.desired.feeds.store import UnknownFeed, load_feed
from feed_publisher.desired.states import Kind
from feed_publisher.driving.confirm_run import confirm_run
from feed_publisher.driving.feed_api import why_waiting
from feed_publisher.runs.items.store import count_items
from feed_publisher.runs.outcome import UNDER_WAY, counts_of
from feed_publisher.runs.run import Run
from feed_publisher.runs.store import ask_for_run, count_queued, find_queued, list_runs, load_run

SkipOvertaken = Annotated[
    bool, Query(description="Leave out products that have changed since the plan was made.")
]


WithFastLane = Annotated[bool, Query(description="Also the runs of the fast lane, which are many.")]


class RunPlace(NamedTuple):
    """A run's place in the list of runs."""

    asked_at: datetime
    run_id: str


AfterRun = Annotated[RunPlace | None, Depends(Keyset(RunPlace))]

ACTIVE = frozenset({"queued", "planning", "running"})


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
    router = new_router(prefix="/v1/merchants/{merchant_id}", tags=["runs"])

    @router.post("/feeds/{feed_id}/runs", status_code=202)
    async def post_run(merchant_id: Runner, feed_id: FeedId, request: RunRequest) -> RunAsked:
        """Run now, or plan only."""
        run_id = await _ask_for_run(pool, merchant_id, feed_id, request, max_queued)
        if run_id is None:
            raise UnknownFeed
        return RunAsked(run_id=run_id)

    @router.get("/feeds/{feed_id}/runs")
    async def get_runs(
        merchant_id: Reader,
        feed_id: FeedId,
        after: AfterRun = None,
        limit: Limit = 20,
        fast_lane: WithFastLane = False,
    ) -> Page[RunView]:
        """The feed's runs, the newest first."""
        async with reading(pool) as connection:
            await load_feed(connection, merchant_id, feed_id)
            runs = await list_runs(
                connection,
                merchant_id,
                feed_id,
                before=after,
                limit=limit + 1,
                with_fast_lane=fast_lane,
            )
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


async def _run_views(connection: Connection, merchant_id: str, runs: list[Run]) -> list[RunView]:
    counts = await count_items(connection, merchant_id, [run.run_id for run in runs])
    waits = {
        shop_id: await why_waiting(connection, merchant_id, shop_id)
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
