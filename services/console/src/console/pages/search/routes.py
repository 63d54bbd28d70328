"""`/search?q=`: whatever it names leads to its page."""

import asyncio
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from console.answers.catalog import Catalogue, Feed, PreviewLine, SourceProduct
from console.answers.orders import Order
from console.answers.publisher import Run
from console.panels import panel
from console.services import CATALOG, ORDERS, PUBLISHER
from console.viewer import OfMerchant, see_other

router = APIRouter()
LOOKED_THROUGH = 10
SHOWN = 10


@router.get("/search")
async def search(viewer: OfMerchant) -> Response:
    words = viewer.query.get("q", "").strip()[:200]
    if not words:
        return viewer.page("search/results.html", words="", found=None)
    feeds, catalogues = await asyncio.gather(
        panel(viewer.listed(CATALOG, viewer.m("/feeds"), of=Feed, limit=LOOKED_THROUGH)),
        panel(viewer.listed(CATALOG, viewer.m("/catalogues"), of=Catalogue, limit=LOOKED_THROUGH)),
    )
    named = [feed.feed_id for feed in feeds.value.items] if feeds.value else []
    kept = [item.catalogue_id for item in catalogues.value.items] if catalogues.value else []
    by_number, by_sku, by_parcel, run = await asyncio.gather(
        panel(viewer.listed(ORDERS, viewer.m("/orders"), of=Order, query={"number": words})),
        panel(viewer.listed(ORDERS, viewer.m("/orders"), of=Order, query={"sku": words})),
        panel(viewer.listed(ORDERS, viewer.m("/orders"), of=Order, query={"tracking": words})),
        panel(viewer.get(PUBLISHER, viewer.m("/runs/{}"), words, answer=Run)),
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
    rows = [item for _, found in sources if found.value for item in found.value.items]
    if len(rows) == 1 and is_named(rows[0], words):
        # it is in no product as it would be sent: its row's story says why
        return see_other(f"/products/{quote(rows[0].product_id, safe='')}")
    return viewer.page(
        "search/results.html",
        words=words,
        found=[by_number, by_sku, by_parcel],
        products=products,
        sources=sources,
        away=next(
            (p for p in (feeds, catalogues, by_number, by_sku, by_parcel, *rest) if p.is_away), None
        ),
    )


def is_meant(order: Order, words: str) -> bool:
    """Whether the order, by its number or a parcel's, is what was looked for."""
    return words == order.order_id or any(words == p.tracking_number for p in order.parcels)


def is_named(row: SourceProduct, words: str) -> bool:
    """Whether the row, by its id or a whole field, is what was looked for."""
    return words == row.product_id or words in map(str, row.fields.values())
