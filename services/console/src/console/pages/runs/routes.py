"""`/feeds/{f}/runs`: what came of the runs; `/runs/{r}`: the plan and its confirmation, progress,
the report by cause, the items."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.publisher import Feed, Item, PlanLine, Report, Run
from console.pages.runs import views
from console.panels import panel
from console.services import PUBLISHER, Problem, Refused
from console.viewer import Member, OfMerchant, see_other

router = APIRouter(route_class=IncludedRoute)
RUN, FEED = "/runs/{}", "/feeds/{}"
STATUSES = ("rejected", "accepted", "pending", "in_job", "withheld", "deferred", "superseded")


@router.get("/feeds/{feed_id}/runs")
async def history(viewer: OfMerchant, feed_id: str) -> Response:
    """The feed's runs, a chart of what came of them, and how the shop differs now."""
    feed = await viewer.get(PUBLISHER, viewer.m(FEED), feed_id, answer=Feed)
    runs = await panel(
        viewer.listed(
            PUBLISHER,
            viewer.m(FEED + "/runs"),
            feed_id,
            of=Run,
            query={"cursor": viewer.query.get("cursor")},
        )
    )
    return viewer.page(
        "runs/history.html",
        feed=feed,
        runs=runs,
        accepted_of=views.accepted_of,
        bars=views.chart_of(runs.value.items if runs.value else []),
        height=views.CHART_HEIGHT,
        step=views.BAR_WIDTH,
    )


@router.get("/runs/{run_id}")
async def show_run(viewer: OfMerchant, run_id: str) -> Response:
    if viewer.follows("state"):
        return await viewer.followed(lambda: _state(viewer, run_id))
    return await _page(viewer, run_id)


async def _state(viewer: Member, run_id: str) -> Response:
    """How the run stands, for a page that follows it."""
    run = await viewer.get(PUBLISHER, viewer.m(RUN), run_id, answer=Run)
    report = None
    if not views.is_under_way(run):  # what waits for a confirmation is counted by the report
        asked = viewer.get(PUBLISHER, viewer.m(RUN + "/report"), run_id, answer=Report)
        report = (await panel(asked)).value
    return viewer.page(
        "runs/run.html",
        block="state",
        run=run,
        confirmation=views.confirmation(run, report),
        is_under_way=views.is_under_way(run),
    )


async def _page(viewer: Member, run_id: str, problem: Problem | None = None) -> Response:
    below = viewer.m(RUN)
    run = await viewer.get(PUBLISHER, below, run_id, answer=Run)
    status, action = viewer.query.get("status", ""), viewer.query.get("action", "")
    cursor = viewer.query.get("cursor")
    report, plan, items, feed = await asyncio.gather(
        panel(viewer.get(PUBLISHER, below + "/report", run_id, answer=Report)),
        panel(
            viewer.listed(
                PUBLISHER,
                below + "/plan",
                run_id,
                of=PlanLine,
                limit=25,
                query={
                    "action": action if action in views.ACTIONS else None,
                    "cursor": None if status else cursor,
                },
            )
        ),
        panel(
            viewer.listed(
                PUBLISHER,
                below + "/items",
                run_id,
                of=Item,
                limit=25,
                query={
                    "status": status if status in STATUSES else None,
                    "cursor": cursor if status else None,
                },
            )
        ),
        panel(viewer.get(PUBLISHER, viewer.m(FEED), run.feed_id, answer=Feed)),
    )
    return viewer.page(
        "runs/run.html",
        status=problem.status if problem else 200,
        problem=problem,
        run=run,
        report=report,
        plan=plan,
        items=items,
        feed=feed,
        confirmation=views.confirmation(run, report.value),
        is_under_way=views.is_under_way(run),
        statuses=STATUSES,
        actions=views.ACTIONS,
    )


@router.post("/runs/{run_id}/confirm")
async def confirm(viewer: OfMerchant, run_id: str) -> Response:
    form = await viewer.form()
    try:
        await viewer.send(
            "POST",
            PUBLISHER,
            viewer.m(RUN + "/confirm"),
            run_id,
            answer=type(None),
            query={"skip_overtaken": True if form.has("skip_overtaken") else None},
        )
    except Refused as refused:
        return await _page(viewer, run_id, refused.problem)
    return see_other(f"/runs/{run_id}")


@router.get("/runs/{run_id}/report-download")
async def download(viewer: OfMerchant, run_id: str) -> Response:
    is_csv = viewer.query.get("format") != "json"
    query = {"format": "csv"} if is_csv else {}
    name = "report.csv" if is_csv else "report.json"
    return await viewer.passed_on(
        PUBLISHER, viewer.m(RUN + "/report"), run_id, query=query, name=name
    )
