"""Columns for the attributes that products lack, and allowed values for those that are none."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from catalog_service.categories.schema import AttributeForm, SchemaForms
from catalog_service.categories.store import load_bodies
from catalog_service.feeds.compile import CompiledFeed
from catalog_service.feeds.configuration import Match
from catalog_service.feeds.store import Feed
from catalog_service.fields.read_summary import read_summary
from catalog_service.fields.summary import Summary
from catalog_service.suggestions.nearest import Candidate, nearest_columns, nearest_values
from catalog_service.suggestions.store import (
    UnknownValue,
    list_lacking,
    list_unknown_values,
    list_used_leaves,
)
from catalog_service.suggestions.views import CandidateView, SuggestionView
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading

MOST_LEAVES = 50
"""Leaves whose schemas are looked at, those with the most products."""
MOST_VALUES = 1_000
"""Values that are no allowed ones, the most frequent."""

Forms = Mapping[tuple[bool, str], Sequence[tuple[str, AttributeForm]]]
"""Whether it is of a SKU, and its name: each leaf with its form of the attribute."""


async def suggest_columns(
    pool: Pool, feed: Feed, *, begin: int, limit: int
) -> list[SuggestionView]:
    """For the required category attributes that products lack: the columns that fill them best."""
    async with reading(pool) as connection:
        lacking = await list_lacking(connection, feed, begin=begin, limit=limit)
    if not lacking:
        return []
    forms = await load_forms(pool, feed)
    summary = (await read_summary(pool, feed.merchant_id, feed.catalogue_id)).summary
    columns = await asyncio.to_thread(_columns, lacking, forms, summary)
    return [
        SuggestionView(
            kind="attributes",
            of=name,
            section="category_attributes",
            products=products,
            candidates=list(map(_view, columns[name])),
        )
        for name, products in lacking
    ]


def _columns(
    lacking: Sequence[tuple[str, int]], forms: Forms, summary: Summary
) -> dict[str, list[Candidate]]:
    return {
        name: nearest_columns(
            name, titles_of(forms.get((False, name), ())), summary.fields, summary.products
        )
        for name, _ in lacking
    }


async def suggest_values(
    pool: Pool,
    feed: Feed,
    compiled: CompiledFeed,
    *,
    attribute: str | None,
    begin: int,
    limit: int,
) -> list[SuggestionView]:
    """For values of the catalogue that an attribute does not allow, and those that its value map
    lacks: the nearest allowed ones; the most frequent values first."""
    async with reading(pool) as connection:
        unknown = await list_unknown_values(
            connection, feed, attribute=attribute, limit=MOST_VALUES
        )
    maps = [each for each in _value_maps(compiled) if attribute in (None, each[1])]
    forms = await load_forms(pool, feed)
    if maps:
        summary = (await read_summary(pool, feed.merchant_id, feed.catalogue_id)).summary
        known = {(each.is_sku, each.attribute, each.value) for each in unknown}
        unknown += [
            each
            for each in _lacking_keys(maps, forms, summary)
            if (each.is_sku, each.attribute, each.value) not in known
        ]
    unknown.sort(key=lambda each: (-each.families, each.attribute, each.value))
    page = unknown[begin : begin + limit]
    return await asyncio.to_thread(lambda: [_value_view(each, forms) for each in page])


def _value_maps(compiled: CompiledFeed) -> Iterator[tuple[bool, str, Match]]:
    """The attributes that a value map over a field fills, and nothing else where it lacks a key."""
    form = compiled.form
    matches: Iterable[tuple[bool, str, Match]] = [
        *((False, name, match) for name, match in form.category_attributes.items()),
        *((True, name, each.value) for name, each in form.sku_attributes.items()),
    ]
    for is_sku, name, match in matches:
        values = match.map
        if (
            values is not None
            and isinstance(values.source, str)
            and not values.keep
            and values.default is None
            and match.default is None
        ):
            yield is_sku, name, match


def _lacking_keys(
    maps: Iterable[tuple[bool, str, Match]], forms: Forms, summary: Summary
) -> Iterator[UnknownValue]:
    for is_sku, name, match in maps:
        leaves = tuple(leaf for leaf, _ in forms.get((is_sku, name), ()))
        if match.map is None or not leaves:
            continue
        field = summary.find(str(match.map.source))
        keys = {key.strip().casefold() for key in match.map.values}
        for value, products in field.values if field is not None else ():
            if value.strip().casefold() not in keys:
                yield UnknownValue(is_sku, name, value, products, leaves)


def _value_view(unknown: UnknownValue, forms: Forms) -> SuggestionView:
    of_leaves = [
        (leaf, form)
        for leaf, form in forms.get((unknown.is_sku, unknown.attribute), ())
        if leaf in unknown.leaves
    ]
    return SuggestionView(
        kind="values",
        of=unknown.value,
        attribute=unknown.attribute,
        section="sku_attributes" if unknown.is_sku else "category_attributes",
        products=unknown.families,
        candidates=list(map(_view, nearest_values(unknown.value, titles_of(of_leaves)))),
    )


async def load_forms(pool: Pool, feed: Feed) -> Forms:
    """The attributes of the leaves the feed has products in."""
    async with reading(pool) as connection:
        leaves = await list_used_leaves(connection, feed, limit=MOST_LEAVES)
        bodies = await load_bodies(
            connection, feed.merchant_id, feed.shop_id, leaves, limit=MOST_LEAVES
        )
    return await asyncio.to_thread(_forms_of, bodies)


def _forms_of(bodies: Iterable[tuple[str, str]]) -> Forms:
    found: dict[tuple[bool, str], list[tuple[str, AttributeForm]]] = {}
    for leaf, body in bodies:
        schema = SchemaForms(leaf, body)
        sections = ((False, schema.category_attributes), (True, schema.sku_attributes))
        for is_sku, attributes in sections:
            for name, form in attributes.items():
                found.setdefault((is_sku, name), []).append((leaf, form))
    return found


def titles_of(forms: Iterable[tuple[str, AttributeForm]]) -> dict[str, str]:
    """The allowed values of these leaves together."""
    return {key: title for _, form in forms for key, title in form.choices.titles.items()}


def _view(candidate: Candidate) -> CandidateView:
    return CandidateView(**asdict(candidate))
