"""`/`: troubles first, then each feed, the orders that must leave, the connections."""

import asyncio
from datetime import timedelta

from fastapi import APIRouter
from starlette.responses import Response

from common import clock
from common.web.routing import IncludedRoute
from console.answers.alerts import Trouble
from console.answers.auth import Shop
from console.answers.catalog import Catalogue, Import
from console.answers.orders import Order
from console.answers.publisher import Feed, Run
from console.pages.alerts.views import repaired_at
from console.pages.today import views
from console.panels import panel
from console.services import AUTH, CATALOG, ORDERS, PUBLISHER, Listed
from console.viewer import Member, OfMerchant

router = APIRouter(route_class=IncludedRoute)
FEEDS_SHOWN = 10
RUNS_LOOKED_AT = 10
ORDERS_COUNTED = 200
TROUBLES_SHOWN = 8
DUE_WITHIN = timedelta(days=30)


@router.get("/")
async def today(viewer: OfMerchant) -> Response:
    told, shops, feeds, due, imports = await asyncio.gather(
        panel(_told(viewer)),
        panel(viewer.listed(AUTH, viewer.m("/shops"), of=Shop)),
        panel(_feed_cards(viewer)),
        panel(_due(viewer)),
        panel(_imports(viewer)),
    )
    now = clock.now()
    known = told.value or []
    found = [
        *views.shop_troubles(shops.value.items if shops.value else [], now),
        *views.run_troubles(feeds.value or []),
        *views.import_troubles(imports.value or []),
    ]
    origin = viewer.console.settings.origin
    return viewer.page(
        "today/today.html",
        told=[(each, repaired_at(each, origin)) for each in known[:TROUBLES_SHOWN]],
        more=len(known) > TROUBLES_SHOWN,
        troubles=views.not_told(found, known),
        shops=shops,
        feeds=feeds,
        due=due,
        first_steps=views.first_steps(
            shops.value.items if shops.value else [], [card.feed for card in feeds.value or []]
        )
        if shops.value and feeds.value is not None
        else [],
        silent=[told, shops, feeds, due, imports],
    )


async def _told(viewer: Member) -> list[Trouble]:
    """The open troubles, the critical ones first; those that are over and only watched left out."""
    by_severity = await asyncio.gather(
        *(
            viewer.listed(
                AUTH,
                viewer.m("/troubles"),
                of=Trouble,
                query={"state": "open", "severity": severity, "language": viewer.language},
            )
            for severity in ("critical", "warning")
        )
    )
    return [each for found in by_severity for each in found.items if each.state == "open"]


async def _feed_cards(viewer: Member) -> list[views.FeedCard]:
    found = await viewer.listed(PUBLISHER, viewer.m("/feeds"), of=Feed, limit=FEEDS_SHOWN)
    runs = await asyncio.gather(*(_runs(viewer, feed) for feed in found.items))
    return [
        views.FeedCard(feed, views.newest_runs(of_feed.items))
        for feed, of_feed in zip(found.items, runs, strict=True)
    ]


async def _runs(viewer: Member, feed: Feed) -> Listed:
    return await viewer.listed(
        PUBLISHER,
        viewer.m("/feeds/{}/runs"),
        feed.feed_id,
        of=Run,
        limit=RUNS_LOOKED_AT,
    )


async def _due(viewer: Member) -> views.Due:
    now = clock.now()
    until = (now + DUE_WITHIN).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = await viewer.listed(
        ORDERS,
        viewer.m("/orders"),
        of=Order,
        limit=ORDERS_COUNTED,
        query={"status": "waiting_shipment", "due_before": until},
    )
    return views.due_of(found.items, now, is_more=found.next_cursor is not None)


async def _imports(viewer: Member) -> list[Import]:
    catalogues = await viewer.listed(
        CATALOG, viewer.m("/catalogues"), of=Catalogue, limit=FEEDS_SHOWN
    )
    newest = await asyncio.gather(
        *(
            viewer.listed(
                CATALOG,
                viewer.m("/catalogues/{}/imports"),
                catalogue.catalogue_id,
                of=Import,
                limit=1,
            )
            for catalogue in catalogues.items
        )
    )
    return [item for found in newest for item in found.items]
