"""Feeds as they are answered."""

from typing import Any

import msgspec
from pydantic import BaseModel

from catalog_service.families.store import Progress, load_progress
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.store import Feed
from catalog_service.feeds.warn import ConfigurationWarning, find_warnings
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading


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
    """A feed with its configuration, and how many of its products are on AliExpress; the answer's
    `ETag` names this state of it."""

    configuration: dict[str, Any]
    online: int


class Applied(FeedView):
    """A feed whose configuration was accepted; `warnings` name what is likely a slip in it."""

    progress: ProgressView
    warnings: list[ConfigurationWarning]


def progress_view(progress: Progress) -> ProgressView:
    """The progress as answered."""
    return ProgressView(**msgspec.structs.asdict(progress), normalized=progress.normalized)


def feed_view(feed: Feed) -> dict[str, Any]:
    """The members of a `FeedView`."""
    return {name: getattr(feed, name) for name in FeedView.model_fields}


async def applied_view(pool: Pool, feed: Feed, form: FeedConfiguration) -> Applied:
    """What is answered where a configuration was saved."""
    merchant = feed.merchant_id
    async with reading(pool) as connection:
        progress = await load_progress(connection, merchant, feed.catalogue_id, feed.feed_id)
        warnings = await find_warnings(connection, merchant, form)
    return Applied(**feed_view(feed), progress=progress_view(progress), warnings=warnings)
