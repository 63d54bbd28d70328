"""REST over what a leaf asks for: its attributes, their conditions and allowed values (M3.12)."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel
from rapidfuzz import process

from catalog_service.access import CategoryId, FeedReader, SearchedText, ShopId
from catalog_service.categories.conditions import Condition, Values
from catalog_service.categories.read_schema import read_forms
from catalog_service.categories.schema import AttributeForm, SchemaForms
from catalog_service.categories.shop_trees import ShopTrees
from catalog_service.categories.words import plain
from common import clock
from common.errors import NotFound
from common.postgres.pool import Pool
from common.web.pagination import Int32, Keyset, Limit, Page
from common.web.routing import new_router

SHOWN_VALUES = 50
"""Values that stand with an attribute; all of them have a list of their own."""
LIKELY = 60.0

AttributeName = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")]
Section = Literal["category", "sku"]
OfSection = Annotated[
    Section | None, Query(description="Of which kind it is, where both have one of that name.")
]


class AttributeView(BaseModel):
    """An attribute of a leaf: how it is filled, and the first of its allowed values (id to name;
    none: free text), of `value_count`. `takes_own_text`: beside "Other" an own text is taken."""

    name: str
    kind: Literal["one", "many", "text"]
    is_required: bool
    takes_own_text: bool
    max_length: int | None
    value_count: int
    values: dict[str, str]


class ConditionView(BaseModel):
    """Where every attribute of `when` has one of these values (`is_otherwise`: where not), those of
    `requires` are needed, and those of `allows` take these values only. No values: any."""

    when: dict[str, list[str]]
    requires: list[str]
    allows: dict[str, list[str]]
    is_otherwise: bool


class CategoryAttributes(BaseModel):
    """What a leaf asks for, as fetched then; `is_overdue` where it could not be fetched again in
    time."""

    category_id: str
    path: list[str]
    fetched_at: datetime
    is_overdue: bool
    category_attributes: list[AttributeView]
    sku_attributes: list[AttributeView]
    conditions: list[ConditionView]


class AllowedValue(BaseModel):
    """A value that may be chosen."""

    value_id: str
    name: str


class ValuePlace(NamedTuple):
    """Where a value stands in its list: behind so many others."""

    place: Int32


After = Annotated[ValuePlace | None, Depends(Keyset(ValuePlace))]


def attributes_router(pool: Pool, trees: ShopTrees, *, lifetime: timedelta) -> APIRouter:
    """The routes of leaves' attributes; schemas older than `lifetime` are overdue."""
    router = new_router(tags=["categories"])
    base = "/v1/merchants/{merchant_id}/shops/{shop_id}/categories/{category_id}/attributes"

    @router.get(base)
    async def attributes(
        merchant: FeedReader,
        shop_id: ShopId,
        category_id: CategoryId,
        *,
        q: SearchedText = None,
        required: bool | None = None,
    ) -> CategoryAttributes:
        """What a leaf asks for, with the first allowed values (M3.12): the attributes whose name
        has all words of `q`, required or optional ones only."""
        tree = await trees.load((merchant, shop_id))
        forms, fetched_at = await read_forms(pool, tree, (merchant, shop_id, category_id))
        found = [
            [form for form in section.values() if _is_wanted(form, q, required)]
            for section in (forms.category_attributes, forms.sku_attributes)
        ]
        names = {form.name for section in found for form in section}
        return CategoryAttributes(
            category_id=category_id,
            path=tree.path_names(category_id),
            fetched_at=fetched_at,
            is_overdue=clock.now() - fetched_at > lifetime,
            category_attributes=[_attribute(form) for form in found[0]],
            sku_attributes=[_attribute(form) for form in found[1]],
            conditions=_conditions(forms, names),
        )

    @router.get(base + "/{name:path}/values")
    async def values(
        merchant: FeedReader,
        shop_id: ShopId,
        category_id: CategoryId,
        name: AttributeName,
        *,
        section: OfSection = None,
        q: SearchedText = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[AllowedValue]:
        """The values an attribute takes, in AliExpress's order; with `q` those that hold all its
        words. None: it takes any text."""
        tree = await trees.load((merchant, shop_id))
        forms, _ = await read_forms(pool, tree, (merchant, shop_id, category_id))
        form = _find(forms, name, section)
        titles = form.choices.titles.items()
        found = await asyncio.to_thread(
            lambda: [(value_id, title) for value_id, title in titles if _holds(title, q)]
        )
        begin = max(after.place, 0) if after is not None else 0
        numbered = list(enumerate(found[begin : begin + limit + 1], start=begin + 1))
        page = Page.of(numbered, limit, lambda each: ValuePlace(each[0]))
        views = [AllowedValue(value_id=key, name=title) for _, (key, title) in page.items]
        return Page(items=views, next_cursor=page.next_cursor)

    return router


def _is_wanted(form: AttributeForm, words: str | None, required: bool | None) -> bool:
    return _holds(form.name, words) and required in (None, form.is_required)


def _holds(text: str, words: str | None) -> bool:
    return not words or all(word in plain(text) for word in plain(words).split())


def _find(forms: SchemaForms, name: str, section: Section | None) -> AttributeForm:
    """The attribute, by its name without regard to case. Raises `NotFound`."""
    sections = {"category": forms.category_attributes, "sku": forms.sku_attributes}
    wanted = [sections[section]] if section else list(sections.values())
    for attributes in wanted:
        for form in attributes.values():
            if form.name.casefold() == name.casefold():
                return form
    known = sorted({known for attributes in wanted for known in attributes})
    alike = process.extractOne(name, known, processor=str.casefold, score_cutoff=LIKELY)
    meant = f"Is {alike[0]!r} meant? " if alike is not None else ""
    raise NotFound("attribute", remedy=f"{meant}List the category's attributes.")


def _attribute(form: AttributeForm) -> AttributeView:
    titles = form.choices.titles
    return AttributeView(
        name=form.name,
        kind=form.kind,
        is_required=form.is_required,
        takes_own_text=form.has_custom,
        max_length=form.max_length,
        value_count=len(titles),
        values=dict(list(titles.items())[:SHOWN_VALUES]),
    )


def _conditions(forms: SchemaForms, names: set[str]) -> list[ConditionView]:
    """The conditions that concern these attributes, values by their names."""
    sections = (
        (forms.conditions, forms.category_attributes),
        (forms.sku_conditions, forms.sku_attributes),
    )
    return [
        ConditionView(
            when=_named(condition.when, attributes),
            requires=list(condition.requires),
            allows=_named(condition.allows, attributes),
            is_otherwise=condition.is_otherwise,
        )
        for conditions, attributes in sections
        for condition in conditions
        if names & _concerned(condition)
    ]


def _concerned(condition: Condition) -> set[str]:
    required = {name.split(" > ")[0] for name in condition.requires}
    return {*condition.when, *condition.allows, *required}


def _named(values: Values, attributes: dict[str, AttributeForm]) -> dict[str, list[str]]:
    return {
        name: [_title(attributes.get(name), each) for each in ids] for name, ids in values.items()
    }


def _title(form: AttributeForm | None, value_id: str) -> str:
    return value_id if form is None else form.choices.titles.get(value_id) or value_id
