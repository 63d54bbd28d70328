"""REST over what a catalogue's fields hold."""

from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel

from catalog_service.access import CatalogueId, CatalogueReader
from catalog_service.fields.read_summary import read_summary
from catalog_service.fields.summary import SAMPLES, FieldSummary
from common.contracts.catalog import LONGEST_FIELD_NAME
from common.errors import NotFound
from common.postgres.pool import Pool
from common.web.pagination import Int32, Keyset, Limit, Page
from common.web.routing import new_router

FieldName = Annotated[str, Path(max_length=LONGEST_FIELD_NAME, pattern=r"^[^\x00]+$")]


class FieldView(BaseModel):
    """A field: the share of products that fill it, its different values (at least so many where it
    is not exact), and the most frequent of them."""

    name: str
    filled: int
    fill_rate: float
    distinct: int
    distinct_is_exact: bool
    samples: list[str]


class FieldPage(Page[FieldView]):
    """A page of fields, and of what they were counted: `products` at `made_at`, the catalogue's
    first ones where `is_sample`; `is_awaited` while they are counted again."""

    products: int
    is_sample: bool
    is_awaited: bool
    made_at: datetime


class ValueView(BaseModel):
    """A value, by its first 200 characters, and how many products have it."""

    value: str
    products: int


class FieldPlace(NamedTuple):
    """Where a field stands in its catalogue's list."""

    name: str


class ValuePlace(NamedTuple):
    """Where a value stands in its field's list: behind so many others."""

    place: Int32


AfterField = Annotated[FieldPlace | None, Depends(Keyset(FieldPlace))]
AfterValue = Annotated[ValuePlace | None, Depends(Keyset(ValuePlace))]


def fields_router(pool: Pool) -> APIRouter:
    """The routes of a catalogue's fields."""
    router = new_router(tags=["catalogues"])
    base = "/v1/merchants/{merchant_id}/catalogues/{catalogue_id}/fields"

    @router.get(base)
    async def fields(
        merchant: CatalogueReader,
        catalogue_id: CatalogueId,
        after: AfterField = None,
        limit: Limit = 50,
    ) -> FieldPage:
        """The catalogue's fields by name. Counted in the background, after imports and when asked
        for; until the first time the first products answer."""
        found = await read_summary(pool, merchant, catalogue_id)
        named = [each for each in found.summary.fields if after is None or each.name > after.name]
        page = Page.of(named[: limit + 1], limit, lambda each: FieldPlace(each.name))
        return FieldPage(
            items=[_view(each, found.summary.products) for each in page.items],
            next_cursor=page.next_cursor,
            products=found.summary.products,
            is_sample=found.summary.is_sample,
            is_awaited=found.is_awaited,
            made_at=found.made_at,
        )

    @router.get(base + "/{name:path}/values")
    async def values(
        merchant: CatalogueReader,
        catalogue_id: CatalogueId,
        name: FieldName,
        after: AfterValue = None,
        limit: Limit = 50,
    ) -> Page[ValueView]:
        """The field's values, the most frequent first; at most 1,000 different ones are counted."""
        found = await read_summary(pool, merchant, catalogue_id)
        counted = found.summary.find(name)
        if counted is None:
            raise NotFound("field", remedy="List the catalogue's fields.")
        begin = after.place if after is not None and after.place > 0 else 0
        numbered = list(enumerate(counted.values[begin : begin + limit + 1], start=begin + 1))
        page = Page.of(numbered, limit, lambda each: ValuePlace(each[0]))
        views = [ValueView(value=text, products=count) for _, (text, count) in page.items]
        return Page(items=views, next_cursor=page.next_cursor)

    return router


def _view(each: FieldSummary, products: int) -> FieldView:
    return FieldView(
        name=each.name,
        filled=each.filled,
        fill_rate=round(each.filled / products, 4) if products else 0.0,
        distinct=each.distinct,
        distinct_is_exact=each.is_exact,
        samples=[text for text, _ in each.values[:SAMPLES]],
    )
