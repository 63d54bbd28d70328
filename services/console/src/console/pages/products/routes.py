"""`/products/{sku}`: its story in every feed that knows it."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.catalog import Feed
from console.answers.catalog import WhySku as Wanted
from console.answers.publisher import WhySku as Published
from console.pages.products import views
from console.panels import panel
from console.services import CATALOG, PUBLISHER
from console.viewer import Member, OfMerchant

router = APIRouter(route_class=IncludedRoute)
FEEDS_ASKED = 20


@router.get("/products/{sku:path}")
async def show_sku(viewer: OfMerchant, sku: str) -> Response:
    feeds = await panel(viewer.listed(CATALOG, viewer.m("/feeds"), of=Feed, limit=FEEDS_ASKED))
    named = [feed.feed_id for feed in feeds.value.items] if feeds.value else []
    told = await asyncio.gather(*(_told(viewer, feed_id, sku) for feed_id in named))
    known = [each for each in told if each.wanted.value or each.published.value]
    away = [asked for each in told for asked in (each.wanted, each.published) if asked.is_away]
    nearest = next(
        (
            each.wanted.problem.remedy
            for each in told
            if each.wanted.problem and each.wanted.problem.status == 404
        ),
        None,
    )
    return viewer.page(
        "products/sku.html",
        status=200 if known or away else 404,
        sku=sku,
        feeds=feeds,
        told=known,
        away=away[:1],
        nearest=nearest,
    )


async def _told(viewer: Member, feed_id: str, sku: str) -> views.Told:
    wanted, published = await asyncio.gather(
        panel(
            viewer.get(
                CATALOG,
                viewer.m("/feeds/{}/skus/{}"),
                feed_id,
                sku,
                answer=Wanted,
            )
        ),
        panel(
            viewer.get(
                PUBLISHER,
                viewer.m("/feeds/{}/skus/{}"),
                feed_id,
                sku,
                answer=Published,
            )
        ),
    )
    return views.Told(feed_id, wanted, published)
