"""REST over feeds: their configuration, progress and removal."""

from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from catalog_service.access import FeedId, FeedReader, FeedWriter
from catalog_service.families.store import Progress, load_progress
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration, remove_feed
from catalog_service.feeds.store import Feed, list_feeds, load_configuration, load_feed
from catalog_service.feeds.warn import ConfigurationWarning, find_warnings
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.pagination import Keyset, Limit, Page
from common.web.problem import PROBLEM_RESPONSES


class FeedPlace(NamedTuple):
    """Where a feed stands in the list."""

    feed_id: str


After = Annotated[FeedPlace | None, Depends(Keyset(FeedPlace))]


class ProgressView(BaseModel):
    """How far normalizing is: families in all, still dirty (`waiting` of them for a schema or a
    picture), done."""

    families: int
    dirty: int
    waiting: int
    normalized: int
    waits_for: dict[str, int]


class FeedView(BaseModel):
    """A feed."""

    feed_id: str
    shop_id: str
    catalogue_id: str
    main_locale: str
    configuration_version: int
    lifecycle: str


class FeedDetails(FeedView):
    """A feed with its configuration."""

    configuration: dict[str, Any]


class Applied(FeedView):
    """A feed whose configuration was accepted; `warnings` name what is likely a slip in it."""

    progress: ProgressView
    warnings: list[ConfigurationWarning]


def progress_view(progress: Progress) -> ProgressView:
    """The progress as answered."""
    return ProgressView(**msgspec.structs.asdict(progress), normalized=progress.normalized)


def _view(feed: Feed) -> dict[str, Any]:
    names = FeedView.model_fields
    return {name: getattr(feed, name) for name in names}


def feeds_router(pool: Pool) -> APIRouter:
    """The routes of feeds."""
    router = APIRouter(tags=["feeds"], responses=PROBLEM_RESPONSES)

    @router.put("/v1/merchants/{merchant_id}/feeds/{feed_id}")
    async def put_feed(merchant: FeedWriter, feed_id: FeedId, form: FeedConfiguration) -> Applied:
        """Apply a configuration; every family of the feed is evaluated again. The merchant has to
        be known as a seller and the shop to have been connected before (M1.1)."""
        async with unit_of_work(pool) as connection:
            feed = await apply_configuration(connection, merchant, feed_id, form)
            progress = await load_progress(connection, merchant, feed.catalogue_id, feed_id)
        async with reading(pool) as connection:
            warnings = await find_warnings(connection, merchant, form)
        return Applied(**_view(feed), progress=progress_view(progress), warnings=warnings)

    @router.get("/v1/merchants/{merchant_id}/feeds")
    async def list_of_merchant(
        merchant: FeedReader, after: After = None, limit: Limit = 50
    ) -> Page[FeedView]:
        """The merchant's feeds."""
        async with reading(pool) as connection:
            found = await list_feeds(
                connection, merchant, after=after.feed_id if after else "", limit=limit + 1
            )
        page = Page.of(found, limit, lambda feed: FeedPlace(feed.feed_id))
        return page.with_items([FeedView(**_view(feed)) for feed in page.items])

    @router.get("/v1/merchants/{merchant_id}/feeds/{feed_id}")
    async def show(merchant: FeedReader, feed_id: FeedId) -> FeedDetails:
        """A feed with its configuration as it was applied."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            body = await load_configuration(
                connection, merchant, feed_id, feed.configuration_version
            )
        return FeedDetails(**_view(feed), configuration=msgspec.json.decode(body))

    @router.delete("/v1/merchants/{merchant_id}/feeds/{feed_id}")
    async def delete(merchant: FeedWriter, feed_id: FeedId) -> FeedView:
        """Remove the feed; its products are then deleted from the shop."""
        async with unit_of_work(pool) as connection:
            feed = await remove_feed(connection, merchant, feed_id)
        return FeedView(**_view(feed))

    @router.get("/v1/merchants/{merchant_id}/feeds/{feed_id}/progress")
    async def progress(merchant: FeedReader, feed_id: FeedId) -> ProgressView:
        """How far normalizing is."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            return progress_view(
                await load_progress(connection, merchant, feed.catalogue_id, feed_id)
            )

    return router
