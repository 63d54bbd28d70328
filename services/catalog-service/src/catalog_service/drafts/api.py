"""REST over drafts: a configuration tried on the whole feed, then applied or dropped."""

from datetime import timedelta
from typing import Annotated, NamedTuple, get_args

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from catalog_service.access import DraftId, FeedId, FeedReader, FeedWriter, Note
from catalog_service.drafts.compare import Kind
from catalog_service.drafts.store import (
    Draft,
    list_changes,
    list_drafts,
    load_draft,
    remove_draft,
)
from catalog_service.drafts.try_draft import apply_draft, begin_draft
from catalog_service.drafts.views import (
    DraftDetails,
    DraftView,
    FamilyChangeView,
    change_view,
    draft_details,
    draft_view,
)
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.views import Applied, applied_view
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.identity import Caller
from common.web.pagination import Keyset, Limit, Page
from common.web.preconditions import WITH_ETAG
from common.web.routing import new_router


class DraftPlace(NamedTuple):
    """Where a draft stands in the list."""

    draft_id: int


class FamilyPlace(NamedTuple):
    """Where a family stands among a draft's changes."""

    family_id: str


Before = Annotated[DraftPlace | None, Depends(Keyset(DraftPlace))]
After = Annotated[FamilyPlace | None, Depends(Keyset(FamilyPlace))]


class ChangeFilters(BaseModel):
    """Which changes are wanted."""

    kind: list[Kind] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


def drafts_router(pool: Pool, *, most: int, lifetime: timedelta) -> APIRouter:
    """The routes of drafts; a merchant has so many at `most`, each for its `lifetime`."""
    router = new_router(tags=["drafts"])
    base = "/v1/merchants/{merchant_id}/feeds/{feed_id}/drafts"
    one = base + "/{draft_id}"

    def view(draft: Draft) -> DraftView:
        return draft_view(draft, draft.created_at + lifetime)

    @router.post(base, status_code=201)
    async def begin(
        merchant: FeedWriter, caller: Caller, feed_id: FeedId, form: FeedConfiguration
    ) -> DraftView:
        """Try a configuration on every product of the feed; nothing is saved or sent."""
        async with unit_of_work(pool) as connection:
            draft = await begin_draft(
                connection, merchant, feed_id, form, author=caller.name, most=most
            )
        return view(draft)

    @router.get(base)
    async def list_of_feed(
        merchant: FeedReader, feed_id: FeedId, before: Before = None, limit: Limit = 50
    ) -> Page[DraftView]:
        """The feed's drafts, the newest first."""
        async with reading(pool) as connection:
            found = await list_drafts(
                connection,
                merchant,
                feed_id,
                before=before.draft_id if before else None,
                limit=limit + 1,
            )
        page = Page.of(found, limit, lambda draft: DraftPlace(draft.draft_id))
        return page.with_items([view(draft) for draft in page.items])

    @router.get(one)
    async def show(merchant: FeedReader, feed_id: FeedId, draft_id: DraftId) -> DraftDetails:
        """How far a draft is, what it would do, and the configuration that is tried."""
        async with reading(pool) as connection:
            draft = await load_draft(connection, merchant, feed_id, draft_id)
        return draft_details(draft, draft.created_at + lifetime)

    @router.get(one + "/changes")
    async def changes(
        merchant: FeedReader,
        feed_id: FeedId,
        draft_id: DraftId,
        filters: Annotated[ChangeFilters, Query()],
        after: After = None,
    ) -> Page[FamilyChangeView]:
        """What would become of each product that does not stay as it is, field by field."""
        async with reading(pool) as connection:
            draft = await load_draft(connection, merchant, feed_id, draft_id)
            found = await list_changes(
                connection,
                draft.key,
                kinds=filters.kind or get_args(Kind),
                after=after.family_id if after else "",
                limit=filters.limit + 1,
            )
        page = Page.of(found, filters.limit, lambda family: FamilyPlace(family[0]))
        return page.with_items([change_view(*family) for family in page.items])

    @router.post(one + "/apply", responses=WITH_ETAG)
    async def apply(
        merchant: FeedWriter,
        feed_id: FeedId,
        draft_id: DraftId,
        *,
        caller: Caller,
        response: Response,
        note: Note = None,
    ) -> Applied:
        """Save the configuration, if the feed is still what it was when the draft began."""
        async with unit_of_work(pool) as connection:
            draft = await load_draft(connection, merchant, feed_id, draft_id, lock=True)
            feed, form = await apply_draft(connection, draft, author=caller.name, note=note)
        response.headers["ETag"] = feed.etag
        return await applied_view(pool, feed, form)

    @router.delete(one, status_code=204)
    async def drop(merchant: FeedWriter, feed_id: FeedId, draft_id: DraftId) -> None:
        """Forget a draft."""
        async with unit_of_work(pool) as connection:
            draft = await load_draft(connection, merchant, feed_id, draft_id, lock=True)
            await remove_draft(connection, draft.key)

    return router
