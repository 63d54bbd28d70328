"""`/feeds/{f}/exclusions`: what stays out? Rules with counts; each change is tried first."""

from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.catalog import CheckedFeed, FeedDetails
from console.forms import Form
from console.pages.feeds import rules, views
from console.pages.feeds.conflict import CHANGED, saved_meanwhile
from console.pages.feeds.trying import begin_draft
from console.panels import Panel, panel
from console.services import CATALOG, Problem, Refused
from console.viewer import Member, OfMerchant

router = APIRouter(route_class=IncludedRoute)
FEED = "/feeds/{}"
COUNTED_WITHIN = 30.0
"""Seconds: the whole catalogue is looked through, while the page is shown."""


@router.get("/feeds/{feed_id}/exclusions")
async def exclusions(viewer: OfMerchant, feed_id: str) -> Response:
    return await _page(viewer, feed_id)


async def _page(
    viewer: Member, feed_id: str, problem: Problem | None = None, form: Form | None = None
) -> Response:
    feed = await _feed(viewer, feed_id)
    values = dict(form.values) if form else {}
    meanwhile = await saved_meanwhile(viewer, feed, problem, values.get("version", ""))
    if "remove" in values:  # the rules beside their buttons are shown as they are now
        values = {}
    may_count = viewer.may("feeds:write")
    is_later = may_count and viewer.is_later("rules")
    counted = await panel(_counted(viewer, feed)) if may_count and not is_later else Panel()
    by_rule = {each.rule: each for each in counted.value.excluded_by} if counted.value else {}
    return viewer.page(
        "feeds/exclusions.html",
        block="rules_panel" if viewer.query.get("part") == "rules" else None,
        status=problem.status if problem else 200,
        problem=problem,
        meanwhile=meanwhile,
        feed=feed,
        feed_id=feed_id,
        rail=views.rail(),
        step="exclusions",
        counted=counted,
        is_later=is_later,
        rules=[
            (place, rule, rules.said_of(rule), by_rule.get(place))
            for place, rule in rules.alternatives(feed.configuration.get("exclude"))
        ],
        tests=rules.TESTS,
        values=values,
    )


async def _feed(viewer: Member, feed_id: str) -> FeedDetails:
    return await viewer.get(CATALOG, viewer.m(FEED), feed_id, answer=FeedDetails)


async def _counted(viewer: Member, feed: FeedDetails) -> CheckedFeed:
    return await viewer.send(
        "POST",
        CATALOG,
        viewer.m(FEED + "/check"),
        feed.feed_id,
        answer=CheckedFeed,
        within=COUNTED_WITHIN,
        body=feed.configuration,
    )


@router.post("/feeds/{feed_id}/exclusions")
async def change(viewer: OfMerchant, feed_id: str) -> Response:
    """Try the configuration with one rule more, or without the one that `remove` names."""
    form = await viewer.form()
    feed = await _feed(viewer, feed_id)
    if form.text("version") != str(feed.configuration_version):
        return await _page(viewer, feed_id, CHANGED, form)
    exclude = feed.configuration.get("exclude")
    if form.has("remove"):
        exclude = rules.without(exclude, form.text("remove"))
    else:
        rule = rules.made(form.text("field"), form.text("test"), form.text("value"))
        exclude = rules.with_rule(exclude, rule)
    document = {key: value for key, value in feed.configuration.items() if key != "exclude"}
    if exclude is not None:
        document["exclude"] = exclude
    try:
        return await begin_draft(viewer, feed_id, document)
    except Refused as refused:
        return await _page(viewer, feed_id, refused.problem, form)
