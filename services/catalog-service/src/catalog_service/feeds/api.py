"""REST over feeds: their configuration, progress and removal; a shop's categories."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from catalog_service.families.progress import Progress, load_progress
from catalog_service.feeds.check_feed import FeedCheck, check_feed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration, remove_feed, republish
from catalog_service.feeds.store import (
    Feed,
    TreeNode,
    find_feed,
    find_tree,
    list_feeds,
    load_configuration,
    load_schemas,
    request_schemas,
)
from catalog_service.feeds.suggest import search
from catalog_service.normalizing.schema_check import AttributeForm, CategorySchema
from common.errors import NotFound, Refusal
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import unit_of_work
from common.web.identity import OPERATOR, Identity, caller_with, merchant_with
from common.web.pagination import Cursor, Limit, Page, cursor_of, place_of
from common.web.problem import PROBLEM_RESPONSES

Reader = Annotated[str, Depends(merchant_with("feeds:read"))]
Writer = Annotated[str, Depends(merchant_with("feeds:write"))]
Operator = Annotated[Identity, Depends(caller_with(OPERATOR))]


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
    """A feed whose configuration was accepted."""

    progress: ProgressView


class CategoryView(BaseModel):
    """A leaf of the shop's tree."""

    category_id: str
    name: str
    path: list[str]


class CategoriesView(BaseModel):
    """Leaves found; `fetched_at` is None while the tree is being fetched for the first time."""

    fetched_at: datetime | None
    items: list[CategoryView]


class AttributeView(BaseModel):
    """An attribute of a leaf with its allowed values (id to name; empty: free text)."""

    name: str
    kind: str
    is_required: bool
    values: dict[str, str]


class CategoryAttributes(BaseModel):
    """What a leaf asks for."""

    category_id: str
    category_attributes: list[AttributeView]
    sku_attributes: list[AttributeView]


class RepublishRequest(BaseModel):
    """Whose state is emitted again; None: everybody's."""

    model_config = ConfigDict(extra="forbid")

    merchant_id: str | None = None


class Republished(BaseModel):
    """How many feeds are emitted again."""

    feeds: int


def progress_view(progress: Progress) -> ProgressView:
    """The progress as answered."""
    return ProgressView(**msgspec.structs.asdict(progress), normalized=progress.normalized)


def _view(feed: Feed) -> dict[str, Any]:
    names = FeedView.model_fields
    return {name: getattr(feed, name) for name in names}


async def load_feed(connection: Connection, merchant_id: str, feed_id: str) -> Feed:
    """The merchant's feed. Raises `NotFound`."""
    feed = await find_feed(connection, merchant_id, feed_id)
    if feed is None:
        raise NotFound("feed", remedy="List the feeds: GET /v1/merchants/{m}/feeds.")
    return feed


def feeds_router(pool: Pool) -> APIRouter:
    """The routes of feeds."""
    router = APIRouter(tags=["feeds"], responses=PROBLEM_RESPONSES)

    @router.put("/v1/merchants/{merchant_id}/feeds/{feed_id}")
    async def put_feed(merchant: Writer, feed_id: str, form: FeedConfiguration) -> Applied:
        """Apply a configuration; every family of the feed is judged anew."""
        async with unit_of_work(pool) as connection:
            feed = await apply_configuration(connection, merchant, feed_id, form)
            progress = await load_progress(connection, merchant, feed.catalogue_id, feed_id)
        return Applied(**_view(feed), progress=progress_view(progress))

    @router.post("/v1/merchants/{merchant_id}/feeds/{feed_id}/check")
    async def check(merchant: Writer, feed_id: str, form: FeedConfiguration) -> FeedCheck:
        """Try a configuration without saving it: excluded products, unmatched categories."""
        return await check_feed(pool, merchant, feed_id, form)

    @router.get("/v1/merchants/{merchant_id}/feeds")
    async def list_of_merchant(
        merchant: Reader, cursor: Cursor = None, limit: Limit = 50
    ) -> Page[FeedView]:
        """The merchant's feeds."""
        place = place_of(cursor)
        async with pool.acquire(timeout=10) as connection:
            found = await list_feeds(
                connection, merchant, after=str(place[0]) if place else "", limit=limit + 1
            )
        items = [FeedView(**_view(feed)) for feed in found[:limit]]
        more = len(found) > limit
        return Page(items=items, next_cursor=cursor_of(items[-1].feed_id) if more else None)

    @router.get("/v1/merchants/{merchant_id}/feeds/{feed_id}")
    async def show(merchant: Reader, feed_id: str) -> FeedDetails:
        """A feed with its configuration as it was applied."""
        async with pool.acquire(timeout=10) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            body = await load_configuration(
                connection, merchant, feed_id, feed.configuration_version
            )
        return FeedDetails(**_view(feed), configuration=msgspec.json.decode(body))

    @router.delete("/v1/merchants/{merchant_id}/feeds/{feed_id}")
    async def delete(merchant: Writer, feed_id: str) -> FeedView:
        """Remove the feed; its products are then deleted from the shop."""
        async with unit_of_work(pool) as connection:
            feed = await remove_feed(connection, merchant, feed_id)
        return FeedView(**_view(feed))

    @router.get("/v1/merchants/{merchant_id}/feeds/{feed_id}/progress")
    async def progress(merchant: Reader, feed_id: str) -> ProgressView:
        """How far normalizing is."""
        async with pool.acquire(timeout=10) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            return progress_view(
                await load_progress(connection, merchant, feed.catalogue_id, feed_id)
            )

    @router.post("/v1/republish", status_code=202)
    async def emit_again(_caller: Operator, request: RepublishRequest) -> Republished:
        """Emit `feed.state` and `product.normalized` again."""
        async with unit_of_work(pool) as connection:
            return Republished(feeds=await republish(connection, request.merchant_id))

    return router


def categories_router(pool: Pool) -> APIRouter:
    """The routes of a shop's categories."""
    router = APIRouter(tags=["categories"], responses=PROBLEM_RESPONSES)

    @router.get("/v1/merchants/{merchant_id}/shops/{shop_id}/categories")
    async def categories(
        merchant: Reader, shop_id: str, q: str = "", limit: Limit = 50
    ) -> CategoriesView:
        """Leaves the shop may post in, the best match of `q` first (M2.1)."""
        async with pool.acquire(timeout=10) as connection:
            found = await find_tree(connection, merchant, shop_id)
        if found is None:
            return CategoriesView(fetched_at=None, items=[])
        tree, fetched_at = found
        return CategoriesView(
            fetched_at=fetched_at,
            items=[_category(node, path) for node, path in search(tree, q, limit=limit)],
        )

    @router.get("/v1/merchants/{merchant_id}/shops/{shop_id}/categories/{category_id}/attributes")
    async def attributes(merchant: Reader, shop_id: str, category_id: str) -> CategoryAttributes:
        """What a leaf asks for, with the allowed values (M3.12)."""
        key = (merchant, shop_id, category_id)
        async with unit_of_work(pool) as connection:
            there = await request_schemas(connection, [key])
            loaded = await load_schemas(connection, [key]) if there else []
        if not loaded:
            raise Refusal(
                "the category's attributes are being fetched",
                status=503,
                slug="not-fetched-yet",
                remedy="Ask again in a few seconds; the shop has to be connected.",
            )
        _, _, body, refusal = loaded[0]
        if body is None:
            raise Refusal(
                f"the shop may not post in this category: {refusal}",
                status=404,
                slug="category-refused",
                rule="M2.1",
                remedy="Take a leaf of the shop's tree.",
            )
        schema = CategorySchema(category_id, body)
        return CategoryAttributes(
            category_id=category_id,
            category_attributes=[_attribute(a) for a in schema.category_attributes.values()],
            sku_attributes=[_attribute(a) for a in schema.sku_attributes.values()],
        )

    return router


def _category(node: TreeNode, path: list[str]) -> CategoryView:
    return CategoryView(category_id=node.category_id, name=node.name, path=path)


def _attribute(form: AttributeForm) -> AttributeView:
    return AttributeView(
        name=form.name,
        kind=form.kind,
        is_required=form.is_required,
        values=dict(form.choices.titles),
    )
