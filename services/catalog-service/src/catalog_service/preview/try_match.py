"""What a match would give, for rows of the catalogue: nothing is saved or evaluated (M3).

An attribute is filled by one match; who writes one sees at once what it gives.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from catalog_service.access import FeedId, FeedWriter
from catalog_service.feeds.configuration import Match
from catalog_service.feeds.matching import (
    CompiledMatch,
    MatchFailed,
    Row,
    TemplateInvalid,
    compile_match,
)
from catalog_service.feeds.store import load_feed
from catalog_service.feeds.work import FamilyTooCostly
from catalog_service.preview.explain import FilledMatch, source_fields, value_in
from catalog_service.sources.store import SourceProduct, list_products
from common.contracts.catalog import FieldValue
from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.routing import new_router

LOOKED_THROUGH = 200
"""Rows among which the sample is chosen."""

Level = Literal["product", "sku"]


class TriedMatch(BaseModel):
    """A match, and whether a product's own row fills it or each SKU's; `limit` rows answer, those
    with other source values first."""

    model_config = ConfigDict(extra="forbid")

    match: Match
    level: Level = "product"
    limit: Annotated[int, Field(ge=1, le=50)] = 8


class MatchResult(BaseModel):
    """What the match gives for a row, from which source fields, or why it gives nothing usable."""

    product_id: str
    sources: dict[str, FieldValue]
    value: str | list[str] | None
    failure: str | None


class MatchResults(BaseModel):
    """The first rows of the catalogue, as the match fills them."""

    items: list[MatchResult]


def try_match_router(pool: Pool) -> APIRouter:
    """The route."""
    router = new_router(tags=["preview"])

    @router.post("/v1/merchants/{merchant_id}/feeds/{feed_id}/matches/try")
    async def try_match(merchant: FeedWriter, feed_id: FeedId, tried: TriedMatch) -> MatchResults:
        """What a match gives for some of the feed's rows; nothing is saved."""
        compiled = _compiled(tried.match)
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant, feed_id)
            products = await list_products(
                connection, merchant, feed.catalogue_id, limit=LOOKED_THROUGH
            )
        filled = list(results(compiled, rows_of(products, tried.level), limit=tried.limit))
        return MatchResults(
            items=[
                MatchResult(
                    product_id=each.product_id,
                    sources=each.sources,
                    value=each.value,
                    failure=each.failure,
                )
                for each in filled
            ]
        )

    return router


def rows_of(products: Iterable[SourceProduct], level: Level) -> list[Row]:
    """The rows that fill a product's attributes, or a SKU's: parents and simple products, or
    children and simple products."""
    by_id: Mapping[str, SourceProduct] = {each.product_id: each for each in products}
    parents = {each.parent_id for each in by_id.values()}
    rows = []
    for each in by_id.values():
        is_wanted = each.parent_id is None if level == "product" else each.product_id not in parents
        if is_wanted:
            parent = by_id.get(each.parent_id or "")
            above = {} if parent is None else parent.fields
            rows.append(Row(each.product_id, each.parent_id, each.fields, above))
    return rows


def results(match: CompiledMatch, rows: Iterable[Row], *, limit: int) -> Iterator[FilledMatch]:
    """The rows as the match fills them: of those with the same source values the first."""
    names = sorted(source_fields(match.form))
    seen: set[str] = set()
    repeated: list[FilledMatch] = []
    shown = 0
    for row in rows:
        sources = {name: value_in(row, name) for name in names}
        value, failure = None, None
        try:
            value = match.fill(row)
        except (MatchFailed, FamilyTooCostly) as error:
            failure = str(error)
        found = FilledMatch("match", row.product_id, match.origin, sources, value, failure)
        if repr(sources) in seen:
            repeated.append(found)
            continue
        seen.add(repr(sources))
        yield found
        shown += 1
        if shown == limit:
            return
    yield from repeated[: limit - shown]


def _compiled(match: Match) -> CompiledMatch:
    try:
        return compile_match(match)
    except (TemplateInvalid, MatchFailed) as invalid:
        raise Refusal(
            f"the match cannot be used: {invalid}",
            status=422,
            slug="invalid-configuration",
            field="match.template" if match.template is not None else "match",
            rule="M3.13",
            remedy="Correct the template: catalog-service's README lists what it may hold.",
        ) from None
