"""REST over what would be sent: preview, issues, completeness, unmatched categories, dry run."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from catalog_service.access import (
    CatalogueId,
    CatalogueWriter,
    FamilyId,
    FeedId,
    FeedReader,
    FeedWriter,
)
from catalog_service.categories.store import find_tree
from catalog_service.categories.suggest import LeafNames, Suggested
from catalog_service.categories.tree import Tree, TreeNode
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.store import Feed, load_feed
from catalog_service.finding.store import Found, find_families, find_touched
from catalog_service.photo_bank.store import load_requested
from catalog_service.preview.check_families import CheckedFeed, check_whole_feed
from catalog_service.preview.completeness import Completeness, completeness
from catalog_service.preview.download import FORMS, Form
from catalog_service.preview.store import (
    ShownProduct,
    count_missing,
    count_qualities,
    count_states,
    count_unmatched,
    find_pending,
    list_issue_groups,
    list_normalized,
    load_normalized,
)
from catalog_service.preview.try_event import TriedEvent, event_of_body, try_event
from catalog_service.preview.views import (
    ProductLine,
    ProductPreview,
    photos_of,
    product_line,
    product_preview,
)
from catalog_service.sources.store import list_family
from catalog_service.sources.views import product_view
from common.contracts.envelope import BadRecord
from common.errors import Refusal
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading
from common.web.pagination import Keyset, Limit, Page, cursor_of
from common.web.routing import new_router
from common.web.spreadsheets import as_csv
from common.web.workbooks import MEDIA_TYPE

State = Literal[
    "valid", "invalid", "content_invalid", "offers_invalid", "excluded", "deleted", "feed_removed"
]
MOST_GROUPS = 1_000
MOST_BODY_BYTES = 1_000_000
LOOKED_THROUGH = 2_000
"""How many families with a text, or touched by a rule, are looked through for those in a state."""


class IssueGroup(BaseModel):
    """One trouble, how many products have it, and some of them."""

    rule: str
    severity: str
    field: str
    message: str
    remedy: str
    families: int
    examples: list[str]


class Suggestion(BaseModel):
    """A leaf that may fit; `likeness` of 0 to 100."""

    category_id: str
    path: str
    likeness: float


class UnmatchedCategory(BaseModel):
    """A category of the catalogue without a match, and the products that wait on it (M2.2)."""

    path: str
    products: int
    suggestions: list[Suggestion]


class FamilyPlace(NamedTuple):
    """Where a family stands in the feed's list."""

    family_id: str


After = Annotated[FamilyPlace | None, Depends(Keyset(FamilyPlace))]
Searched = Annotated[str, Field(max_length=1_000, pattern=r"^[^\x00]*$")]


class Filters(BaseModel):
    """Which families of the preview are wanted."""

    state: list[State] | None = None
    rule: Searched | None = None
    q: Searched | None = None
    quality_from: Annotated[int, Field(ge=0, le=100)] | None = None
    """Only of at least this quality (M3.14)."""
    quality_to: Annotated[int, Field(ge=0, le=100)] | None = None
    """Only of at most this quality."""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


def preview_router(pool: Pool) -> APIRouter:
    """The routes of the preview."""
    router = new_router(tags=["preview"])
    base = "/v1/merchants/{merchant_id}/feeds/{feed_id}"

    @router.post(base + "/check")
    async def check(merchant: FeedWriter, feed_id: FeedId, form: FeedConfiguration) -> CheckedFeed:
        """Try a configuration without saving it: excluded products, unmatched categories, and what
        would become of the families."""
        return await check_whole_feed(pool, merchant, feed_id, form)

    @router.get(base + "/preview")
    async def preview(
        merchant: FeedReader,
        feed_id: FeedId,
        filters: Annotated[Filters, Query()],
        after: After = None,
    ) -> Page[ProductLine]:
        """The feed's families: what would be sent, or why not. `q` is looked for in ids, titles and
        SKU codes. With it, or a rule beside a state or a
        quality, a page may be short, or empty, and still
        have a `next_cursor`."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            page = await _page_of(connection, feed, filters, after.family_id if after else "")
        return page.with_items([product_line(product) for product in page.items])

    @router.get(
        base + "/preview-download",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/x-ndjson": {}, "text/csv": {}, MEDIA_TYPE: {}}}},
    )
    async def download(
        merchant: FeedReader,
        feed_id: FeedId,
        form: Annotated[Form, Query(alias="format")] = "jsonl",
    ) -> StreamingResponse:
        """The whole preview (M6.1): as JSON Lines a family a line, with its source fields and its
        request body; as CSV a SKU a line; as XLSX a SKU a row, and the source fields in a sheet of
        their own."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
        write, media_type = FORMS[form]
        return StreamingResponse(write(pool, feed), media_type=media_type)

    @router.get(base + "/preview/{family_id:path}")
    async def preview_one(
        merchant: FeedReader, feed_id: FeedId, family_id: FamilyId
    ) -> ProductPreview:
        """One family exactly as it would be sent, beside its source fields (M6.1)."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            _, waits_for = await find_pending(connection, feed, family_id)
            product = await load_normalized(connection, feed, family_id, waits_for=waits_for)
            rows = await list_family(connection, merchant, feed.catalogue_id, family_id)
            keys = [(merchant, feed.shop_id, url) for url in product.image_urls]
            photos = await load_requested(connection, keys)
        return product_preview(
            product,
            [product_view(row) for row in rows],
            waits_for=waits_for,
            photos=photos_of(product, photos, feed),
        )

    @router.get(
        base + "/issues",
        response_model=list[IssueGroup],
        responses={200: {"content": {"text/csv": {}}}},
    )
    async def issues(
        merchant: FeedReader,
        feed_id: FeedId,
        accept: Annotated[str, Header()] = "application/json",
    ) -> Response | list[IssueGroup]:
        """Errors and advice grouped by cause; as CSV where that is accepted."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            groups = await list_issue_groups(connection, feed, limit=MOST_GROUPS)
        if "text/csv" in accept:
            columns = list(IssueGroup.model_fields)
            body = as_csv(columns, ([_cell(group[name]) for name in columns] for group in groups))
            return Response(body, media_type="text/csv; charset=utf-8")
        return [IssueGroup(**group) for group in groups]

    @router.get(base + "/completeness")
    async def how_complete(merchant: FeedReader, feed_id: FeedId) -> Completeness:
        """How many products are ready, what the others lack (M3.13), and how much of the advice
        they meet (M3.14)."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            states = await count_states(connection, feed)
            missing = await count_missing(connection, feed)
            qualities = await count_qualities(connection, feed)
        return completeness(states, missing, qualities)

    @router.get(base + "/unmatched-categories")
    async def unmatched(
        merchant: FeedReader, feed_id: FeedId, limit: Limit = 50
    ) -> list[UnmatchedCategory]:
        """Categories without a match, the most wanted first, with suggestions never applied
        unasked (M2.2)."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            found = await count_unmatched(connection, feed, limit=limit)
            tree = await find_tree(connection, merchant, feed.shop_id)
        nodes = [] if tree is None else tree[0]
        suggested = await asyncio.to_thread(_suggest, nodes, [path for path, _ in found])
        return [
            UnmatchedCategory(
                path=path,
                products=products,
                suggestions=[
                    Suggestion(
                        category_id=leaf.category_id,
                        path=" > ".join(leaf.path),
                        likeness=round(100 * leaf.score, 1),
                    )
                    for leaf in leaves
                ],
            )
            for (path, products), leaves in zip(found, suggested, strict=True)
        ]

    return router


async def _page_of(
    connection: Connection, feed: Feed, filters: Filters, after: str
) -> "Page[ShownProduct]":  # a form pydantic need not know
    among: Found | None = None
    has_quality = filters.quality_from is not None or filters.quality_to is not None
    if filters.q is not None:
        is_filtered = filters.state is not None or filters.rule is not None or has_quality
        most = LOOKED_THROUGH if is_filtered else filters.limit
        among = await find_families(connection, feed, filters.q, after=after, limit=most)
    elif filters.rule is not None:
        is_filtered = filters.state is not None or has_quality
        most = LOOKED_THROUGH if is_filtered else filters.limit
        among = await find_touched(connection, feed, filters.rule, after=after, limit=most)
    found = await list_normalized(
        connection,
        feed,
        states=filters.state,
        rule=filters.rule,
        among=None if among is None else among.family_ids,
        quality_from=filters.quality_from,
        quality_to=filters.quality_to,
        after=after,
        limit=filters.limit + 1,
    )
    page = Page.of(found, filters.limit, lambda each: FamilyPlace(each.event.family_id))
    if page.next_cursor is None and among is not None and among.continues_after is not None:
        return Page(items=page.items, next_cursor=cursor_of(among.continues_after))
    return page


def _suggest(nodes: Sequence[TreeNode], paths: Sequence[str]) -> list[list[Suggested]]:
    names = LeafNames(Tree(nodes))
    return [names.suggest(path.split(">")) for path in paths]


def dry_run_router(pool: Pool) -> APIRouter:
    """The route that tries an event."""
    router = new_router(tags=["catalogues"])

    @router.post("/v1/merchants/{merchant_id}/catalogues/{catalogue_id}/dry-run")
    async def dry_run(
        merchant: CatalogueWriter, catalogue_id: CatalogueId, request: Request
    ) -> TriedEvent:
        """What a `catalog.updated` data object would do; nothing is done."""
        body = await request.body()
        if len(body) > MOST_BODY_BYTES:
            raise Refusal(
                "the event is larger than a record may be",
                status=413,
                slug="too-large",
                remedy="Shorten the product's fields.",
            )
        try:
            event = event_of_body(body, merchant, catalogue_id)
        except BadRecord as bad:
            return TriedEvent(
                verdict="rejected", reason=bad.reason, detail=bad.detail, remedy=bad.remedy
            )
        async with reading(pool) as connection:
            return await try_event(connection, event)

    return router


def _cell(value: object) -> str | int | None:
    """A member of a group as a cell: a list's members in a row."""
    if isinstance(value, list):
        return " ".join(map(str, value))
    return value if value is None or isinstance(value, int) else str(value)
