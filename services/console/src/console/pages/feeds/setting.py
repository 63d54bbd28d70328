"""`/feeds/{f}/settings`: delivery, parcel, countries, units, pictures and languages as a form; each
save is one version."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.catalog import Applied, FeedDetails, Options
from console.answers.publisher import Feed as PublishedFeed
from console.forms import Form
from console.pages.feeds import terms, views
from console.pages.feeds.conflict import CHANGED, in_plain_words, saved_meanwhile
from console.pages.feeds.trying import begin_draft
from console.panels import panel
from console.services import CATALOG, PUBLISHER, Problem, Refused
from console.viewer import Member, OfMerchant, see_other

router = APIRouter(route_class=IncludedRoute)
FEED = "/feeds/{}"
MOST_COUNTRIES = 60
"""Countries that are offered as boxes; of more the codes are typed."""


@router.get("/feeds/{feed_id}/settings")
async def settings(viewer: OfMerchant, feed_id: str) -> Response:
    return await settings_page(viewer, feed_id)


async def settings_page(
    viewer: Member,
    feed_id: str,
    problem: Problem | None = None,
    form: Form | None = None,
    *,
    sending: Form | None = None,
) -> Response:
    """The page; after a refusal with what was typed into the form, or one of those of `sending`."""
    feed = await viewer.get(CATALOG, viewer.m(FEED), feed_id, answer=FeedDetails)
    options, published = await asyncio.gather(
        panel(viewer.get(CATALOG, viewer.m("/shops/{}/options"), feed.shop_id, answer=Options)),
        panel(viewer.get(PUBLISHER, viewer.m(FEED), feed_id, answer=PublishedFeed)),
    )
    values = terms.values_of(feed.configuration)
    if form is not None:
        values |= {**form.values, "countries": ", ".join(form.all("countries"))}
    countries = options.value.countries if options.value else None
    return viewer.page(
        "feeds/settings.html",
        status=problem.status if problem else 200,
        problem=problem if sending else terms.at_its_input(problem),
        meanwhile=await saved_meanwhile(viewer, feed, problem, values.get("version", "")),
        feed=feed,
        feed_id=feed_id,
        rail=views.rail(published=published.value),
        step="settings",
        options=options,
        published=published,
        offer_minutes=views.offer_minutes(published.value),
        sending=views.sending(published.value) | (dict(sending.values) if sending else {}),
        countries=countries if countries and len(countries) <= MOST_COUNTRIES else None,
        languages=sorted(feed.configuration.get("languages") or {}),
        values=values,
        terms=terms.TERMS,
        strategies=terms.STRATEGIES,
        units=terms.UNITS,
        sources=terms.sources_of(feed.configuration),
    )


@router.post("/feeds/{feed_id}/settings")
async def save_settings(viewer: OfMerchant, feed_id: str) -> Response:
    """Save what was changed as a new version, or try it on the whole feed."""
    form = await viewer.form()
    feed = await viewer.get(CATALOG, viewer.m(FEED), feed_id, answer=FeedDetails)
    if form.text("version") != str(feed.configuration_version):
        return await settings_page(viewer, feed_id, CHANGED, form)
    document = terms.changed(feed.configuration, form)
    if (problem := terms.impossible(document, form)) is not None:
        return await settings_page(viewer, feed_id, problem, form)
    try:
        if form.has("try"):
            return await begin_draft(viewer, feed_id, document)
        await viewer.send(
            "PUT",
            CATALOG,
            viewer.m(FEED),
            feed_id,
            answer=Applied,
            body=document,
            query={"note": form.text("note") or None},
            headers={"If-Match": f'"{feed.configuration_version}"'},
        )
    except Refused as refused:
        return await settings_page(viewer, feed_id, in_plain_words(refused.problem), form)
    return see_other(f"/feeds/{feed_id}/settings")
