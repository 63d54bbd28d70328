"""`/search?q=`: whatever it names leads to its page."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.auth import Merchants
from console.answers.catalog import Catalogue, Feed, PreviewLine, SourceProduct
from console.answers.orders import Order
from console.answers.publisher import OnlineProducts, Run
from console.panels import Panel, panel
from console.services import AUTH, CATALOG, ORDERS, PUBLISHER
from console.viewer import Member, Person, SignedIn, as_member, see_other

router = APIRouter(route_class=IncludedRoute)
LOOKED_THROUGH = 10
SHOWN = 10
LONGEST_ID = 64


@router.get("/search")
async def search(viewer: SignedIn) -> Response:
    """Of the merchant that is looked at, and for operators among all merchants."""
    words = viewer.query.get("q", "").strip()[:200]
    if not words:
        return _page(viewer, "")
    if viewer.merchant_id is None and viewer.is_operator:
        merchants = await panel(_merchants(viewer, words))
        return _page(viewer, words, merchants=merchants, asked=[merchants])
    return await _of_merchant(as_member(viewer), words)


def _page(
    viewer: Person, words: str, *, asked: Sequence[Panel[Any]] = (), **found: Any
) -> Response:
    """What was found, of each kind; of what was asked, the first that did not answer is named."""
    kinds: dict[str, Any] = {"merchants": Panel(), "online": Panel()}
    kinds |= {"found": [], "products": [], "sources": []}
    away = next((each for each in asked if each.is_away), None)
    return viewer.page("search/results.html", words=words, away=away, **kinds | found)


async def _merchants(viewer: Person, words: str) -> Merchants:
    """The merchants whose id or name has the words: operators alone see others'."""
    if not viewer.is_operator:
        return Merchants([])
    return await viewer.console.services.send(
        "GET",
        AUTH,
        "/v1/merchants",
        Merchants,
        within=viewer.console.settings.panel_seconds,
        bearer=(await viewer.grant(None)).access_token,
        query={"q": words, "limit": SHOWN},
    )


async def _online(viewer: Member, words: str) -> OnlineProducts:
    """What AliExpress knows by this id, which has digits alone."""
    if not (words.isascii() and words.isdecimal() and len(words) <= LONGEST_ID):
        return OnlineProducts([])
    return await viewer.get(
        PUBLISHER,
        viewer.m("/products"),
        answer=OnlineProducts,
        query={"marketplace_product_id": words},
    )


async def _of_merchant(viewer: Member, words: str) -> Response:
    feeds, catalogues = await asyncio.gather(
        panel(viewer.listed(CATALOG, viewer.m("/feeds"), of=Feed, limit=LOOKED_THROUGH)),
        panel(viewer.listed(CATALOG, viewer.m("/catalogues"), of=Catalogue, limit=LOOKED_THROUGH)),
    )
    named = [feed.feed_id for feed in feeds.value.items] if feeds.value else []
    kept = [item.catalogue_id for item in catalogues.value.items] if catalogues.value else []
    by_number, by_sku, by_parcel, run, online, merchants = await asyncio.gather(
        panel(viewer.listed(ORDERS, viewer.m("/orders"), of=Order, query={"number": words})),
        panel(viewer.listed(ORDERS, viewer.m("/orders"), of=Order, query={"sku": words})),
        panel(viewer.listed(ORDERS, viewer.m("/orders"), of=Order, query={"tracking": words})),
        panel(viewer.get(PUBLISHER, viewer.m("/runs/{}"), words, answer=Run)),
        panel(_online(viewer, words)),
        panel(_merchants(viewer, words)),
    )
    rest = await asyncio.gather(
        *(
            panel(
                viewer.listed(
                    CATALOG,
                    viewer.m("/feeds/{}/preview"),
                    feed_id,
                    of=PreviewLine,
                    limit=SHOWN,
                    query={"q": words},
                )
            )
            for feed_id in named
        ),
        *(
            panel(
                viewer.listed(
                    CATALOG,
                    viewer.m("/catalogues/{}/products"),
                    catalogue_id,
                    of=SourceProduct,
                    limit=SHOWN,
                    query={"q": words},
                )
            )
            for catalogue_id in kept
        ),
    )
    products = list(zip(named, rest[: len(named)], strict=True))
    sources = list(zip(kept, rest[len(named) :], strict=True))
    orders = [each.value.items for each in (by_number, by_parcel) if each.value]
    order = next((o[0] for o in orders if len(o) == 1 and is_meant(o[0], words)), None)
    if order is not None:
        return see_other(f"/orders/{quote(order.shop_id)}/{quote(order.order_id)}")
    if run.value:
        return see_other(f"/runs/{quote(run.value.run_id)}")
    is_sku = any(
        words in line.sku_codes
        for _, found in products
        if found.value
        for line in found.value.items
    )
    if is_sku:
        return see_other(f"/products/{quote(words, safe='')}")
    if online.value and len(online.value.items) == 1:
        [one] = online.value.items
        return see_other(f"/feeds/{quote(one.feed_id)}/preview/{quote(one.family_id, safe='')}")
    rows = [item for _, found in sources if found.value for item in found.value.items]
    if len(rows) == 1 and is_named(rows[0], words):
        # it is in no product as it would be sent: its row's story says why
        return see_other(f"/products/{quote(rows[0].product_id, safe='')}")
    return _page(
        viewer,
        words,
        found=[by_number, by_sku, by_parcel],
        products=products,
        sources=sources,
        online=online,
        merchants=merchants,
        asked=[feeds, catalogues, by_number, by_sku, by_parcel, online, merchants, *rest],
    )


def is_meant(order: Order, words: str) -> bool:
    """Whether the order, by its number or a parcel's, is what was looked for."""
    return words == order.order_id or any(words == p.tracking_number for p in order.parcels)


def is_named(row: SourceProduct, words: str) -> bool:
    """Whether the row, by its id or a whole field, is what was looked for."""
    return words == row.product_id or words in map(str, row.fields.values())
