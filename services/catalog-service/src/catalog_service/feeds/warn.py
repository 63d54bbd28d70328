"""Names in a configuration that nothing knows: likely slips, named where it is saved or tried.

They keep nothing from being saved: a field may come with the next file. A field counts as known
when any product has it. A sample of the catalogue answers for the usual ones; only what the sample
lacks is sought in all products, in one pass, so that a configuration without slips costs a page of
products, and a rare field is never called unknown.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from pydantic import BaseModel
from rapidfuzz import process

from catalog_service.categories.schema import attribute_names
from catalog_service.categories.store import load_bodies
from catalog_service.feeds.configuration import (
    FeedConfiguration,
    Match,
    Override,
    Rule,
)
from catalog_service.feeds.store import find_absent_fields
from catalog_service.feeds.templates import OF_THE_ROW, fields_named
from catalog_service.sources.store import list_products
from common.postgres.pool import Connection

SAMPLE = 200
MOST_SOUGHT = 5
"""Names that are sought in all products, about half a second each for 100,000 of them; a
configuration with more slips shows the first."""
SCHEMAS_AT_ONCE = 50
MOST_WARNINGS = 100
ALIKE = 70.0
ATTRIBUTE_TABLES = ("category_attributes", "sku_attributes")


class ConfigurationWarning(BaseModel):
    """A likely slip at `field` of a configuration, and what to do if it is one."""

    field: str
    message: str
    remedy: str


async def find_warnings(
    connection: Connection, merchant_id: str, form: FeedConfiguration
) -> list[ConfigurationWarning]:
    """The names that no product and no schema of the feed's categories has, and double paths."""
    found = [
        *double_paths(form),
        *await _unknown_fields(connection, merchant_id, form),
        *await _unknown_attributes(connection, merchant_id, form),
    ]
    return found[:MOST_WARNINGS]


def double_paths(form: FeedConfiguration) -> Iterator[ConfigurationWarning]:
    """Spellings that mean one category path, of which only the last counts (M2.2). Pure."""
    separator = form.category.separator
    sign = separator.strip() or separator
    tables: tuple[tuple[str, Mapping[str, object]], ...] = (
        ("category.exact", form.category.exact),
        ("category.prefix", form.category.prefix),
        ("path_overrides", form.path_overrides),
    )
    for name, table in tables:
        spellings: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for path in table:
            steps = (step.strip().casefold() for step in path.split(sign))
            spellings[tuple(step for step in steps if step)].append(path)
        for alike in spellings.values():
            if len(alike) > 1:
                leaf = table[alike[-1]]
                which = f", category {leaf}" if isinstance(leaf, str) else ""
                yield ConfigurationWarning(
                    field=f"{name}.{alike[-1]}",
                    message=f"{' and '.join(map(repr, alike))} are one path; only the last counts"
                    f"{which}",
                    remedy="Keep one of them: case and blanks around a step make no difference.",
                )


async def _unknown_fields(
    connection: Connection, merchant_id: str, form: FeedConfiguration
) -> list[ConfigurationWarning]:
    sample = await list_products(connection, merchant_id, form.catalogue, limit=SAMPLE)
    if not sample:
        return []
    known = {name for product in sample for name in product.fields}
    places: dict[str, str] = {}
    for name, place in named_fields(form):
        places.setdefault(name, place)
    lacking = [name for name in places if name not in known][:MOST_SOUGHT]
    absent = await find_absent_fields(connection, merchant_id, form.catalogue, lacking)
    return [
        ConfigurationWarning(
            field=places[name],
            message=f"no product of the catalogue {form.catalogue} has a field {name!r}",
            remedy=_alternative(name, known)
            or "Check its name, or bring in products that have it.",
        )
        for name in lacking
        if name in absent
    ]


def named_fields(form: FeedConfiguration) -> Iterator[tuple[str, str]]:
    """The source fields a configuration names, each with its place. Pure."""
    for part, at in _parts(form, ""):
        if isinstance(part, Match) and part.template is not None:
            yield from ((name, f"{at}.template") for name in sorted(fields_named(part.template)))
        elif isinstance(part, Match) and part.map is not None:
            if isinstance(part.map.source, str):
                yield part.map.source, f"{at}.map.from"
        elif (
            isinstance(part, Match | Rule)
            and part.field is not None
            and not (isinstance(part, Match) and part.field in OF_THE_ROW)
        ):
            yield part.field, f"{at}.field"


def _parts(value: object, at: str) -> Iterator[tuple[object, str]]:
    """A form and every form in it, with their places as the merchant writes them."""
    if isinstance(value, BaseModel):
        yield value, at
        inner: Iterable[tuple[object, object]] = (
            (info.alias or name, getattr(value, name))
            for name, info in type(value).model_fields.items()
        )
    elif isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    else:
        return
    for step, part in inner:
        yield from _parts(part, f"{at}.{step}" if at else str(step))


async def _unknown_attributes(
    connection: Connection, merchant_id: str, form: FeedConfiguration
) -> list[ConfigurationWarning]:
    """Attributes that no schema has of those known by now, of the categories they are for."""
    matched = {*form.category.exact.values(), *form.category.prefix.values()}
    shop = (merchant_id, form.shop)
    found = await _unknown_of(connection, shop, matched, form, "")
    for category_id, override in form.overrides.items():
        if len(found) >= MOST_WARNINGS:
            break
        at = f"overrides.{category_id}."
        found += await _unknown_of(connection, shop, {category_id}, override, at)
    for path, override in form.path_overrides.items():
        if len(found) >= MOST_WARNINGS:
            break
        at = f"path_overrides.{path}."
        found += await _unknown_of(connection, shop, matched, override, at)
    return found


async def _unknown_of(
    connection: Connection,
    shop: tuple[str, str],
    category_ids: Collection[str],
    form: FeedConfiguration | Override,
    at: str,
) -> list[ConfigurationWarning]:
    left = {table: set(getattr(form, table)) for table in ATTRIBUTE_TABLES}
    known: defaultdict[str, set[str]] = defaultdict(set)
    seen, after = 0, ""
    while any(left.values()):
        bodies = await load_bodies(
            connection, *shop, category_ids, after=after, limit=SCHEMAS_AT_ONCE
        )
        for names in await asyncio.to_thread(_names_of, bodies):
            for table, of_schema in zip(ATTRIBUTE_TABLES, names, strict=True):
                known[table] |= of_schema
        left = {table: names - known[table] for table, names in left.items()}
        seen += len(bodies)
        if len(bodies) < SCHEMAS_AT_ONCE:
            break
        after = bodies[-1][0]
    if not seen:
        return []
    is_one = at.startswith("overrides.")
    whose = (
        "the category has" if is_one else f"none of the feed's {seen} categories read so far has"
    )
    return [
        ConfigurationWarning(
            field=f"{at}{table}.{name}",
            message=f"{whose} {'no' if is_one else 'an'} attribute {name!r}",
            remedy=_alternative(name, known[table])
            or "Check its name in the category's attributes.",
        )
        for table, names in left.items()
        for name in sorted(names)
    ]


def _names_of(bodies: Iterable[tuple[str, str]]) -> list[tuple[frozenset[str], frozenset[str]]]:
    return [attribute_names(body) for _, body in bodies]


def _alternative(name: str, known: Collection[str]) -> str | None:
    """The known name that may be meant."""
    alike = process.extractOne(name, sorted(known), processor=str.casefold, score_cutoff=ALIKE)
    return None if alike is None else f"Is {alike[0]!r} meant?"
