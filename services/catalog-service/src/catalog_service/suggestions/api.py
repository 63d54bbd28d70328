"""REST over suggestions: what a feed's configuration may lack, and accepting it."""

import asyncio
from typing import Annotated, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog_service.access import FeedId, FeedReader, FeedWriter, Note
from catalog_service.categories.shop_trees import ShopTrees
from catalog_service.feeds.compile import CompiledFeed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.feeds.store import Feed, load_configuration, load_feed, lock_name
from catalog_service.feeds.stored import compile_body
from catalog_service.feeds.views import Applied, applied_view
from catalog_service.suggestions.accept import Accepted, Kind, accept
from catalog_service.suggestions.check_accepted import check_accepted
from catalog_service.suggestions.for_attributes import suggest_columns, suggest_values
from catalog_service.suggestions.for_categories import CategorySuggestions
from catalog_service.suggestions.views import SuggestionView
from common.errors import NotFound
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.identity import Caller
from common.web.pagination import Int32, Keyset, Limit, Page
from common.web.preconditions import WITH_ETAG, Conditional
from common.web.routing import new_router

AttributeName = Annotated[
    str | None,
    Query(max_length=200, pattern=r"^[^\x00]+$", description="Values of this attribute only."),
]


class SuggestionPlace(NamedTuple):
    """Where a suggestion stands in its list: behind so many others."""

    place: Int32


After = Annotated[SuggestionPlace | None, Depends(Keyset(SuggestionPlace))]


class AcceptForm(BaseModel):
    """The suggestions that are accepted; of two for the same, the last counts."""

    model_config = ConfigDict(extra="forbid")

    accepted: Annotated[list[Accepted], Field(min_length=1, max_length=1_000)]


def suggestions_router(pool: Pool, trees: ShopTrees, categories: CategorySuggestions) -> APIRouter:
    """The routes of a feed's suggestions."""
    router = new_router(tags=["feeds"])
    base = "/v1/merchants/{merchant_id}/feeds/{feed_id}/suggestions"

    @router.get(base)
    async def suggestions(
        merchant: FeedReader,
        feed_id: FeedId,
        *,
        kind: Kind = "categories",
        attribute: AttributeName = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[SuggestionView]:
        """What the feed lacks, that on which the most products wait first, each with up to three
        candidates: leaves for `categories` without a match, columns for `attributes` that are
        required and not filled, allowed values for catalogue `values` that are none. Nothing is
        changed."""
        feed, compiled = await _compiled(pool, merchant, feed_id)
        begin = max(after.place, 0) if after is not None else 0
        if kind == "categories":
            found = await categories.find(feed, compiled, begin=begin, limit=limit + 1)
        elif kind == "attributes":
            found = await suggest_columns(pool, feed, begin=begin, limit=limit + 1)
        else:
            found = await suggest_values(
                pool, feed, compiled, attribute=attribute, begin=begin, limit=limit + 1
            )
        numbered = list(enumerate(found, start=begin + 1))
        page = Page.of(numbered, limit, lambda each: SuggestionPlace(each[0]))
        return Page(items=[each for _, each in page.items], next_cursor=page.next_cursor)

    @router.post(base + "/accept", responses=WITH_ETAG)
    async def accept_some(
        merchant: FeedWriter,
        feed_id: FeedId,
        form: AcceptForm,
        *,
        caller: Caller,
        conditional: Conditional,
        response: Response,
        note: Note = None,
    ) -> Applied:
        """Save the configuration with these suggestions in it, as a new version."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
        if feed.lifecycle != "active":
            raise NotFound("feed", remedy="It is removed: apply a configuration to bring it back.")
        await check_accepted(pool, trees, feed, form.accepted)
        async with unit_of_work(pool) as connection:
            await lock_name(connection, merchant, feed_id)
            feed = await load_feed(connection, merchant, feed_id)
            body = await load_configuration(
                connection, merchant, feed_id, feed.configuration_version
            )
            changed = _with(body, form.accepted)
            feed = await apply_configuration(
                connection,
                merchant,
                feed_id,
                changed,
                author=caller.name,
                note=note or _note(form.accepted),
                preconditions=conditional,
                action="feed.suggestions.accepted",
            )
        response.headers["ETag"] = feed.etag
        return await applied_view(pool, feed, changed)

    return router


async def _compiled(pool: Pool, merchant: str, feed_id: str) -> tuple[Feed, CompiledFeed]:
    async with reading(pool) as connection:
        feed = await load_feed(connection, merchant, feed_id)
        version = feed.configuration_version
        body = await load_configuration(connection, merchant, feed_id, version)
    return feed, await asyncio.to_thread(compile_body, merchant, feed_id, version, body)


def _with(body: str, accepted: list[Accepted]) -> FeedConfiguration:
    """The stored configuration with these suggestions. Raises `RequestValidationError`."""
    document = accept(msgspec.json.decode(body), accepted)
    try:
        return FeedConfiguration.model_validate(document)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _note(accepted: list[Accepted]) -> str:
    if len(accepted) == 1:
        return f"accepted: {accepted[0].take} for {accepted[0].of}"[:500]
    return f"accepted {len(accepted)} suggestions"
