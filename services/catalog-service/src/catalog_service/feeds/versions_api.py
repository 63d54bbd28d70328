"""REST over the versions of a feed's configuration: list, show, compare, roll back."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from catalog_service.access import FeedId, FeedReader, FeedWriter, Note, VersionNumber
from catalog_service.feeds.differences import find_changes, in_words, json_patch
from catalog_service.feeds.save_feed import roll_back
from catalog_service.feeds.store import (
    Feed,
    Version,
    list_versions,
    load_configuration,
    load_feed,
)
from catalog_service.feeds.stored import compile_body
from catalog_service.feeds.views import Applied, applied_view
from common.errors import NotFound
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.identity import Caller
from common.web.pagination import Int32, Keyset, Limit, Page
from common.web.preconditions import WITH_ETAG, Conditional
from common.web.routing import new_router


class VersionPlace(NamedTuple):
    """Where a version stands in the list."""

    version: Int32


Before = Annotated[VersionPlace | None, Depends(Keyset(VersionPlace))]
Against = Annotated[
    int | None,
    Query(ge=1, le=2**31 - 1, description="The other version; the one before when left out."),
]


class VersionView(BaseModel):
    """A version of a feed's configuration. `author` is the client whose token saved it; null of
    one that was saved before authors were kept."""

    version: int
    author: str | None
    note: str | None
    saved_at: datetime
    is_present: bool


class VersionDetails(VersionView):
    """A version with its configuration."""

    configuration: dict[str, Any]


class ChangeView(BaseModel):
    """What a path of the configuration held and holds; `words` is the same on one line."""

    path: list[str | int]
    kind: Literal["add", "remove", "replace"]
    words: str


class DiffView(BaseModel):
    """What makes the configuration of `to_version` of that of `from_version`: change by change, and
    as a JSON Patch (RFC 6902)."""

    from_version: int
    to_version: int
    changes: list[ChangeView]
    patch: list[dict[str, Any]]


def versions_router(pool: Pool) -> APIRouter:
    """The routes of versions."""
    router = new_router(tags=["feeds"])
    base = "/v1/merchants/{merchant_id}/feeds/{feed_id}/versions"

    @router.get(base)
    async def list_of_feed(
        merchant: FeedReader, feed_id: FeedId, before: Before = None, limit: Limit = 50
    ) -> Page[VersionView]:
        """Every configuration the feed has had, the newest first."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            found = await list_versions(
                connection, feed, before=before.version if before else None, limit=limit + 1
            )
        page = Page.of(found, limit, lambda one: VersionPlace(one.version))
        return page.with_items([VersionView(**_members(feed, one)) for one in page.items])

    @router.get(base + "/{version}")
    async def show(merchant: FeedReader, feed_id: FeedId, version: VersionNumber) -> VersionDetails:
        """A version as it was applied."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            body = await load_configuration(connection, merchant, feed_id, version)
            (known,) = await list_versions(connection, feed, before=version + 1, limit=1)
        return VersionDetails(**_members(feed, known), configuration=msgspec.json.decode(body))

    @router.get(base + "/{version}/diff")
    async def diff(
        merchant: FeedReader, feed_id: FeedId, version: VersionNumber, against: Against = None
    ) -> DiffView:
        """What the version changed of the one before, or what tells it apart from another one."""
        other = version - 1 if against is None else against
        async with reading(pool) as connection:
            await load_feed(connection, merchant, feed_id)
            new = await load_configuration(connection, merchant, feed_id, version)
            if other == 0:
                raise NotFound("a version before the first", remedy="Name another: ?against=2.")
            old = await load_configuration(connection, merchant, feed_id, other)
        return await asyncio.to_thread(_diff, other, old, version, new)

    @router.post(base + "/{version}/rollback", responses=WITH_ETAG)
    async def rollback(
        merchant: FeedWriter,
        feed_id: FeedId,
        version: VersionNumber,
        *,
        caller: Caller,
        conditional: Conditional,
        response: Response,
        note: Note = None,
    ) -> Applied:
        """Apply the version's configuration again, as a new version."""
        async with unit_of_work(pool) as connection:
            feed = await roll_back(
                connection,
                merchant,
                feed_id,
                version,
                author=caller.name,
                note=note,
                preconditions=conditional,
            )
            body = await load_configuration(
                connection, merchant, feed_id, feed.configuration_version
            )
        response.headers["ETag"] = feed.etag
        return await applied_view(pool, feed, compile_body(merchant, feed_id, version, body).form)

    return router


def _members(feed: Feed, version: Version) -> dict[str, Any]:
    is_present = feed.lifecycle == "active" and version.version == feed.configuration_version
    return {
        "version": version.version,
        "author": version.author,
        "note": version.note,
        "saved_at": version.created_at,
        "is_present": is_present,
    }


def _diff(old_version: int, old: str, new_version: int, new: str) -> DiffView:
    changes = find_changes(msgspec.json.decode(old), msgspec.json.decode(new))
    return DiffView(
        from_version=old_version,
        to_version=new_version,
        changes=[
            ChangeView(path=list(one.path), kind=one.kind, words=in_words(one)) for one in changes
        ],
        patch=json_patch(changes),
    )
