"""`/feeds`, `/feeds/{f}` and its steps to look at and to send."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.catalog import (
    Completeness,
    Diff,
    Feed,
    IssueGroup,
    PreviewLine,
    ProductPreview,
    Progress,
    UnmatchedCategory,
    Version,
)
from console.answers.publisher import Body, Candidate, Forecast, Run, RunAsked
from console.answers.publisher import Feed as PublishedFeed
from console.answers.publisher import Product as PublishedProduct
from console.pages.feeds import views
from console.pages.feeds.beginning import router as beginning
from console.pages.feeds.excluding import router as excluding
from console.pages.feeds.matching import router as matching
from console.pages.feeds.sending import router as sending
from console.pages.feeds.setting import router as setting
from console.pages.feeds.steps import router as steps
from console.pages.feeds.trying import router as trying
from console.panels import Panel, panel
from console.services import CATALOG, NOT_FOUND, PUBLISHER, Problem, Refused
from console.viewer import Member, OfMerchant, see_other

router = APIRouter(route_class=IncludedRoute)
router.include_router(beginning)
router.include_router(setting)
router.include_router(sending)
router.include_router(steps)
router.include_router(matching)
router.include_router(excluding)
router.include_router(trying)
FEED = "/feeds/{}"
KINDS = ("product", "offer")
FORECAST_WITHIN = 15.0
"""Seconds: the feed is looked through as a run does it."""
STATES = ("valid", "invalid", "content_invalid", "offers_invalid", "excluded", "deleted")
STATUSES = ("live", "pending", "rejected", "deleted", "drifted")
FORMATS = ("csv", "xlsx", "jsonl")


@router.get("/feeds")
async def list_feeds(viewer: OfMerchant) -> Response:
    cursor = {"cursor": viewer.query.get("cursor")}
    feeds, published = await asyncio.gather(
        panel(viewer.listed(CATALOG, viewer.m("/feeds"), of=Feed, query=cursor)),
        panel(viewer.listed(PUBLISHER, viewer.m("/feeds"), of=PublishedFeed)),
    )
    counts = (
        {feed.feed_id: feed.counts for feed in published.value.items} if published.value else {}
    )
    return viewer.page("feeds/list.html", feeds=feeds, published=published, counts=counts)


@router.get("/feeds/{feed_id}")
async def show_feed(viewer: OfMerchant, feed_id: str) -> Response:
    if viewer.follows("progress"):
        return await viewer.followed(lambda: _progress(viewer, feed_id))
    return await _feed_page(viewer, feed_id)


async def _progress(viewer: Member, feed_id: str) -> Response:
    """How far the evaluation is, for a page that follows it."""
    below = viewer.m(FEED)
    feed = await viewer.get(CATALOG, below, feed_id, answer=Feed)
    progress = await panel(viewer.get(CATALOG, below + "/progress", feed_id, answer=Progress))
    return viewer.page("feeds/feed.html", block="progress_panel", feed=feed, progress=progress)


async def _feed_page(viewer: Member, feed_id: str) -> Response:
    below = viewer.m(FEED)
    feed = await viewer.get(CATALOG, below, feed_id, answer=Feed)
    versions = panel(viewer.listed(CATALOG, below + "/versions", feed_id, of=Version, limit=10))
    runs = panel(viewer.listed(PUBLISHER, below + "/runs", feed_id, of=Run, limit=5))
    (completeness, progress, published, unmatched, issues), history = await asyncio.gather(
        asyncio.gather(
            panel(viewer.get(CATALOG, below + "/completeness", feed_id, answer=Completeness)),
            panel(viewer.get(CATALOG, below + "/progress", feed_id, answer=Progress)),
            panel(viewer.get(PUBLISHER, below, feed_id, answer=PublishedFeed)),
            panel(
                viewer.get(
                    CATALOG,
                    below + "/unmatched-categories",
                    feed_id,
                    answer=list[UnmatchedCategory],
                    query={"limit": 20},
                )
            ),
            panel(viewer.get(CATALOG, below + "/issues", feed_id, answer=list[IssueGroup])),
        ),
        asyncio.gather(versions, runs),
    )
    steps_open = views.rail(completeness.value, unmatched.value, published.value)
    return viewer.page(
        "feeds/feed.html",
        feed=feed,
        rail=steps_open,
        next=views.next_step(steps_open),
        step="",
        completeness=completeness,
        progress=progress,
        published=published,
        issues=issues,
        versions=history[0],
        runs=history[1],
    )


@router.get("/feeds/{feed_id}/versions/{version}")
async def show_version(viewer: OfMerchant, feed_id: str, version: int) -> Response:
    return await _version_page(viewer, feed_id, version)


async def _version_page(
    viewer: Member, feed_id: str, version: int, problem: Problem | None = None
) -> Response:
    """The page of a version that is there. Raises `Refused` (404) for none."""
    if version < 1:
        raise Refused(NOT_FOUND)
    where = viewer.m(FEED + "/versions/{}")
    await viewer.get(CATALOG, where, feed_id, str(version), answer=Version)
    diff = await panel(viewer.get(CATALOG, where + "/diff", feed_id, str(version), answer=Diff))
    return viewer.page(
        "feeds/version.html",
        status=problem.status if problem else 200,
        problem=problem,
        feed_id=feed_id,
        version=version,
        diff=diff,
    )


@router.post("/feeds/{feed_id}/versions/{version}/rollback")
async def rollback(viewer: OfMerchant, feed_id: str, version: int) -> Response:
    form = await viewer.form()
    note = form.text("note")
    try:
        await viewer.send(
            "POST",
            CATALOG,
            viewer.m(FEED + "/versions/{}/rollback"),
            feed_id,
            str(version),
            answer=type(None),
            query={"note": note or None},
        )
    except Refused as refused:
        return await _version_page(viewer, feed_id, version, refused.problem)
    return see_other(f"/feeds/{feed_id}")


@router.get("/feeds/{feed_id}/preview")
async def preview(viewer: OfMerchant, feed_id: str) -> Response:
    state = viewer.query.get("state", "")
    asked = {
        "state": state if state in STATES else None,
        "rule": viewer.query.get("rule") or None,
        "q": viewer.query.get("q") or None,
        "cursor": viewer.query.get("cursor"),
    }
    lines, completeness = await asyncio.gather(
        panel(
            viewer.listed(
                CATALOG,
                viewer.m(FEED + "/preview"),
                feed_id,
                of=PreviewLine,
                query=asked,
            )
        ),
        panel(
            viewer.get(
                CATALOG,
                viewer.m(FEED + "/completeness"),
                feed_id,
                answer=Completeness,
            )
        ),
    )
    return viewer.page(
        "feeds/preview.html",
        feed_id=feed_id,
        rail=views.rail(completeness.value),
        step="preview",
        lines=lines,
        completeness=completeness,
        states=STATES,
    )


@router.get("/feeds/{feed_id}/preview-download")
async def download(viewer: OfMerchant, feed_id: str) -> Response:
    wanted = viewer.query.get("format", "csv")
    chosen = wanted if wanted in FORMATS else "csv"
    query = {"format": chosen} if chosen != "jsonl" else {}
    where = viewer.m(FEED + "/preview-download")
    return await viewer.passed_on(CATALOG, where, feed_id, query=query, name=f"preview.{chosen}")


@router.get("/feeds/{feed_id}/preview/{family_id:path}")
async def preview_product(viewer: OfMerchant, feed_id: str, family_id: str) -> Response:
    product, body = await asyncio.gather(
        viewer.get(
            CATALOG,
            viewer.m(FEED + "/preview/{}"),
            feed_id,
            family_id,
            answer=ProductPreview,
        ),
        panel(
            viewer.get(PUBLISHER, viewer.m(FEED + "/bodies/{}"), feed_id, family_id, answer=Body)
        ),
    )
    return viewer.page(
        "feeds/product.html",
        pictures=True,
        feed_id=feed_id,
        rail=views.rail(),
        step="preview",
        product=product,
        shown=views.pictures_of(product),
        body=body,
    )


@router.get("/feeds/{feed_id}/products")
async def published_products(viewer: OfMerchant, feed_id: str) -> Response:
    status = viewer.query.get("status", "")
    products = await panel(
        viewer.listed(
            PUBLISHER,
            viewer.m(FEED + "/products"),
            feed_id,
            of=PublishedProduct,
            query={
                "status": status if status in STATUSES else None,
                "cursor": viewer.query.get("cursor"),
            },
        )
    )
    return viewer.page(
        "feeds/products.html",
        feed_id=feed_id,
        rail=views.rail(),
        step="send",
        products=products,
        statuses=STATUSES,
    )


@router.get("/feeds/{feed_id}/send")
async def send(viewer: OfMerchant, feed_id: str) -> Response:
    return await _send_page(viewer, feed_id)


async def _forecast(viewer: Member, feed_id: str, kind: str) -> Panel[Forecast]:
    """What the next run would do: the publisher looks through the whole feed."""
    return await panel(
        viewer.send(
            "GET",
            PUBLISHER,
            viewer.m(FEED + "/forecast"),
            feed_id,
            answer=Forecast,
            within=FORECAST_WITHIN,
            query={"kind": kind},
        )
    )


async def _send_page(viewer: Member, feed_id: str, problem: Problem | None = None) -> Response:
    below = viewer.m(FEED)
    feed = await viewer.get(PUBLISHER, below, feed_id, answer=PublishedFeed)
    is_later, is_part = viewer.is_later("forecasts"), viewer.query.get("part") == "forecasts"
    product, offer = (
        (Panel(), Panel())
        if is_later
        else await asyncio.gather(*(_forecast(viewer, feed_id, kind) for kind in KINDS))
    )
    runs, adoptions = await asyncio.gather(
        panel(
            viewer.listed(
                PUBLISHER,
                below + "/runs",
                feed_id,
                of=Run,
                limit=20,
                query={"cursor": viewer.query.get("cursor")},
            )
        ),
        panel(viewer.listed(PUBLISHER, below + "/adoptions", feed_id, of=Candidate, limit=25)),
    )
    return viewer.page(
        "feeds/send.html",
        block="forecasts_panel" if is_part else None,
        status=problem.status if problem else 200,
        problem=problem,
        feed=feed,
        feed_id=feed_id,
        rail=views.rail(published=feed),
        step="send",
        forecasts=[product, offer],
        is_later=is_later,
        runs=runs,
        adoptions=adoptions,
    )


@router.post("/feeds/{feed_id}/runs")
async def begin_run(viewer: OfMerchant, feed_id: str) -> Response:
    form = await viewer.form()
    kind = "offer" if form.text("kind") == "offer" else "product"
    body = {"kind": kind, "dry_run": form.has("dry_run")}
    try:
        asked = await viewer.send(
            "POST",
            PUBLISHER,
            viewer.m(FEED + "/runs"),
            feed_id,
            answer=RunAsked,
            body=body,
        )
    except Refused as refused:
        return await _send_page(viewer, feed_id, refused.problem)
    return see_other(f"/runs/{asked.run_id}")


@router.post("/feeds/{feed_id}/pause")
async def pause(viewer: OfMerchant, feed_id: str) -> Response:
    form = await viewer.form()
    body = {"reason": form.text("reason")}
    return await _switch(viewer, feed_id, "/pause", body)


@router.post("/feeds/{feed_id}/resume")
async def resume(viewer: OfMerchant, feed_id: str) -> Response:
    await viewer.form()
    return await _switch(viewer, feed_id, "/resume", None)


async def _switch(viewer: Member, feed_id: str, what: str, body: dict[str, str] | None) -> Response:
    try:
        await viewer.send(
            "POST",
            PUBLISHER,
            viewer.m(FEED + what),
            feed_id,
            answer=type(None),
            body=body,
        )
    except Refused as refused:
        return await _send_page(viewer, feed_id, refused.problem)
    return see_other(f"/feeds/{feed_id}/send")


@router.post("/feeds/{feed_id}/adoptions")
async def adopt(viewer: OfMerchant, feed_id: str) -> Response:
    form = await viewer.form()
    chosen = [value.partition("|") for value in form.all("adopt")]
    items = [{"family_id": f, "marketplace_product_id": p} for f, _, p in chosen]
    try:
        await viewer.send(
            "POST",
            PUBLISHER,
            viewer.m(FEED + "/adoptions"),
            feed_id,
            answer=type(None),
            body={"items": items},
        )
    except Refused as refused:
        return await _send_page(viewer, feed_id, refused.problem)
    return see_other(f"/feeds/{feed_id}/send")
