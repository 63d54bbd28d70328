"""REST over feeds: their configuration, progress and removal."""

from typing import Annotated, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from catalog_service.access import (
    CatalogueName,
    FeedId,
    FeedReader,
    FeedWriter,
    Note,
    ShopName,
)
from catalog_service.families.store import load_progress
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration, remove_feed
from catalog_service.feeds.store import (
    Lifecycle,
    count_online,
    list_feeds,
    load_configuration,
    load_feed,
)
from catalog_service.feeds.views import (
    Applied,
    FeedDetails,
    FeedView,
    ProgressView,
    applied_view,
    feed_view,
    progress_view,
)
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.identity import Caller
from common.web.pagination import Keyset, Page
from common.web.preconditions import WITH_ETAG, Conditional
from common.web.routing import new_router


class FeedPlace(NamedTuple):
    """Where a feed stands in the list."""

    feed_id: str


After = Annotated[FeedPlace | None, Depends(Keyset(FeedPlace))]


class FeedFilters(BaseModel):
    """Which feeds are wanted."""

    shop_id: ShopName | None = None
    catalogue_id: CatalogueName | None = None
    lifecycle: Lifecycle | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


def feeds_router(pool: Pool) -> APIRouter:
    """The routes of feeds."""
    router = new_router(tags=["feeds"])

    @router.put("/v1/merchants/{merchant_id}/feeds/{feed_id}", responses=WITH_ETAG)
    async def put_feed(
        merchant: FeedWriter,
        feed_id: FeedId,
        *,
        caller: Caller,
        form: FeedConfiguration,
        conditional: Conditional,
        response: Response,
        note: Note = None,
    ) -> Applied:
        """Apply a configuration; every family of the feed is evaluated again. The merchant has to
        be known as a seller and the shop to have been connected before (M1.1). One that says
        something new is a new version."""
        async with unit_of_work(pool) as connection:
            feed = await apply_configuration(
                connection,
                merchant,
                feed_id,
                form,
                author=caller.name,
                note=note,
                preconditions=conditional,
            )
        response.headers["ETag"] = feed.etag
        return await applied_view(pool, feed, form)

    @router.get("/v1/merchants/{merchant_id}/feeds")
    async def list_of_merchant(
        merchant: FeedReader, filters: Annotated[FeedFilters, Query()], after: After = None
    ) -> Page[FeedView]:
        """The merchant's feeds, removed ones too."""
        async with reading(pool) as connection:
            found = await list_feeds(
                connection,
                merchant,
                shop_id=filters.shop_id,
                catalogue_id=filters.catalogue_id,
                lifecycle=filters.lifecycle,
                after=after.feed_id if after else "",
                limit=filters.limit + 1,
            )
        page = Page.of(found, filters.limit, lambda feed: FeedPlace(feed.feed_id))
        return page.with_items([FeedView(**feed_view(feed)) for feed in page.items])

    @router.get("/v1/merchants/{merchant_id}/feeds/{feed_id}", responses=WITH_ETAG)
    async def show(merchant: FeedReader, feed_id: FeedId, response: Response) -> FeedDetails:
        """A feed with its configuration as it was applied."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            body = await load_configuration(
                connection, merchant, feed_id, feed.configuration_version
            )
            online = await count_online(connection, feed)
        response.headers["ETag"] = feed.etag
        configuration = msgspec.json.decode(body)
        return FeedDetails(**feed_view(feed), configuration=configuration, online=online)

    @router.delete("/v1/merchants/{merchant_id}/feeds/{feed_id}")
    async def delete(merchant: FeedWriter, feed_id: FeedId, conditional: Conditional) -> FeedView:
        """Remove the feed; its products are then deleted from the shop."""
        async with unit_of_work(pool) as connection:
            feed = await remove_feed(connection, merchant, feed_id, preconditions=conditional)
        return FeedView(**feed_view(feed))

    @router.get("/v1/merchants/{merchant_id}/feeds/{feed_id}/progress")
    async def progress(merchant: FeedReader, feed_id: FeedId) -> ProgressView:
        """How far normalizing is."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            return progress_view(
                await load_progress(connection, merchant, feed.catalogue_id, feed_id)
            )

    return router
