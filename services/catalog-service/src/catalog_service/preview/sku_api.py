"""REST: why a SKU is wanted as it is, from its source row to what was emitted."""

import asyncio

from fastapi import APIRouter

from catalog_service.access import FeedId, FeedReader, ProductId
from catalog_service.feeds.store import Feed, load_feed
from catalog_service.normalizing.evaluate import FeedUnusable
from catalog_service.normalizing.reference_data import FeedCache
from catalog_service.normalizing.store import load_members, load_standings
from catalog_service.preview.explain import Explained, explain_sku
from catalog_service.preview.sku_views import (
    SkuWhy,
    match_view,
    row_view,
    sourced_issues,
    wanted_view,
)
from catalog_service.preview.store import (
    find_family_of_sku,
    find_normalized,
    find_pending,
    list_codes_beside,
)
from catalog_service.sources.store import find_product, list_family
from catalog_service.sources.views import ProductView, product_view
from common.errors import NotFound
from common.nearest import MOST_COMPARED, nearest_names, nearest_remedy
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading
from common.web.routing import new_router


def sku_router(pool: Pool) -> APIRouter:
    """The route."""
    router = new_router(tags=["preview"])

    @router.get("/v1/merchants/{merchant_id}/feeds/{feed_id}/skus/{sku_code:path}")
    async def get_sku(merchant: FeedReader, feed_id: FeedId, sku_code: ProductId) -> SkuWhy:
        """Why a SKU is wanted as it is: source row and version, matches and issues with the source
        fields of each value, configuration version. A code that is not known names the nearest."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            family_id = await _family_of(connection, feed, sku_code)
            return await _explain(connection, feed, family_id, sku_code)

    return router


async def _family_of(connection: Connection, feed: Feed, sku_code: str) -> str:
    """The SKU's family; of a product that was never wanted by its id. Raises `NotFound`."""
    family_id = await find_family_of_sku(connection, feed, sku_code)
    if family_id is not None:
        return family_id
    source = await find_product(connection, feed.merchant_id, feed.catalogue_id, sku_code)
    if source is not None:
        return source.family_id
    beside = await list_codes_beside(connection, feed, sku_code, limit=MOST_COMPARED)
    raise NotFound("SKU", remedy=nearest_remedy(nearest_names(sku_code, beside)))


async def _explain(connection: Connection, feed: Feed, family_id: str, sku_code: str) -> SkuWhy:
    key = (feed.merchant_id, feed.catalogue_id, family_id)
    product = await find_normalized(connection, feed, family_id)
    rows = await list_family(connection, *key)
    is_pending, waits_for = await find_pending(connection, feed, family_id)
    explained = await _explained(connection, feed, family_id, sku_code)
    product_id = None if explained is None else explained.product_id
    source = row_view(rows, product_id)
    if source is None:
        source = await _last_source(connection, feed, family_id, sku_code)
    event = None if product is None else product.event
    return SkuWhy(
        sku_code=sku_code,
        feed_id=feed.feed_id,
        catalogue_id=feed.catalogue_id,
        family_id=family_id,
        product_id=product_id,
        configuration_version=feed.configuration_version,
        evaluated_with=None if event is None else event.configuration_version,
        revision=None if event is None else event.revision,
        state=None if product is None else product.state,
        absent_reason=None if event is None else event.absent_reason,
        normalized_at=None if product is None else product.normalized_at,
        is_pending=is_pending,
        waits_for=waits_for,
        category_path=None if explained is None else explained.category_path,
        category_id=None if explained is None else explained.category_id,
        excluded_by=[] if explained is None else explained.excluded_by,
        source=source,
        parent=row_view(rows, family_id) if family_id != product_id else None,
        matches=[] if explained is None else [match_view(match) for match in explained.matches],
        issues=[]
        if product is None
        else sourced_issues(product, explained, {sku_code, product_id}),
        wanted=None if product is None else wanted_view(product, sku_code),
        report_status=None if product is None else product.report_status,
        marketplace_product_id=None if product is None else product.marketplace_product_id,
    )


async def _last_source(
    connection: Connection, feed: Feed, family_id: str, sku_code: str
) -> ProductView | None:
    """The row of this name, or that of a simple product: a deleted one, maybe."""
    for product_id in (sku_code, family_id):
        row = await find_product(connection, feed.merchant_id, feed.catalogue_id, product_id)
        if row is not None and (row.is_deleted or product_id == sku_code):
            return product_view(row)
    return None


async def _explained(
    connection: Connection, feed: Feed, family_id: str, sku_code: str
) -> Explained | None:
    """How the present configuration fills it; None where it cannot be used, or nothing is left."""
    compiled = await FeedCache().get(connection, feed)
    if isinstance(compiled, FeedUnusable):
        return None
    key = (feed.merchant_id, feed.catalogue_id, family_id)
    members = (await load_members(connection, [key])).get(key, [])
    standing_key = (feed.merchant_id, feed.feed_id, family_id)
    standing = (await load_standings(connection, [standing_key])).get(standing_key)
    return await asyncio.to_thread(
        explain_sku,
        compiled,
        family_id,
        members,
        sku_code,
        was_parent=standing is not None and standing.was_parent,
    )
