"""Which source field each value of a SKU came from, and by which match (M3, M5). Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

import msgspec

from catalog_service.feeds.compile import CompiledFeed, Located, Matches
from catalog_service.feeds.configuration import Match
from catalog_service.feeds.exclusions import Numbers, alternatives, compile_rule
from catalog_service.feeds.matching import CompiledMatch, Filled, MatchFailed, Row
from catalog_service.feeds.templates import fields_named
from catalog_service.feeds.work import FamilyTooCostly
from catalog_service.normalizing.variations import Family, Member, arrange
from common.contracts.catalog import FieldValue
from common.errors import Issue

SKU_ATTRIBUTES = frozenset(
    {
        "sku_code",
        "price",
        "discount_price",
        "discount_from",
        "discount_until",
        "inventory",
        "ean_code",
    }
)
"""Attributes that each SKU's own row fills; the others the product's."""
MOST_MATCHES = 500


class FilledMatch(msgspec.Struct, frozen=True):
    """A match as it filled one value: `field` as issues name it, `product_id` the row that filled
    it, `origin` what it takes the value from, `sources` the source fields it names with their
    values, `failure` why it gave nothing usable."""

    field: str
    product_id: str
    origin: str
    sources: dict[str, FieldValue]
    value: Filled
    failure: str | None = None


class Explained(msgspec.Struct, frozen=True):
    """How a SKU and its product are filled; `product_id` is the row that has the SKU code, None
    where no row of the family has it; `excluded_by` names the rules that leave it out."""

    product_id: str | None
    category_path: str
    category_id: str | None
    matches: list[FilledMatch]
    excluded_by: list[str]


def explain_sku(
    feed: CompiledFeed,
    family_id: str,
    members: Sequence[Member],
    sku_code: str,
    *,
    was_parent: bool,
) -> Explained | None:
    """How the row with this SKU code and its product are filled; None where the family has no
    row that could be a SKU."""
    family = arrange(
        family_id,
        members,
        synthesise_parent=feed.form.synthesise_parents,
        was_parent=was_parent,
    )
    if family is None:
        return None
    lead = family.head or family.skus[0]
    located = _locate(feed, lead)
    matches = feed.matches(located.category_id, located.key)
    sku = _row_of(matches, family, sku_code)
    filled = [
        *_filled(_of_product(feed, matches), lead),
        *(_filled(_of_sku(matches), sku) if sku is not None else ()),
    ]
    return Explained(
        product_id=None if sku is None else sku.product_id,
        category_path=located.path,
        category_id=located.category_id,
        matches=filled[:MOST_MATCHES],
        excluded_by=list(_excluded_by(feed, family, sku)),
    )


def _row_of(matches: Matches, family: Family, sku_code: str) -> Row | None:
    """The row with this SKU code; else that of a product of this name, whose code is another or
    cannot be known."""
    match = matches.attributes["sku_code"]
    for row in family.skus:
        with suppress(MatchFailed, FamilyTooCostly):
            if match.text(row) == sku_code:
                return row
    return next((row for row in family.skus if row.product_id == sku_code), None)


def _locate(feed: CompiledFeed, row: Row) -> Located:
    try:
        return feed.category.look_up(row)
    except (MatchFailed, FamilyTooCostly):
        return Located("", (), None)


def _of_product(feed: CompiledFeed, matches: Matches) -> Iterator[tuple[str, CompiledMatch]]:
    yield "category_id", feed.category.source
    for locale, match in matches.languages.titles.items():
        yield f"title_multi_language_list > {locale}", match
    for locale, match in matches.languages.descriptions.items():
        yield f"description_multi_language_list > {locale}", match
    for name, match in matches.attributes.items():
        if name not in SKU_ATTRIBUTES:
            yield name, match
    for name, match in matches.category_attributes.items():
        yield f"category_attributes > {name}", match
    for name, match in matches.user_defined.items():
        yield f"user_defined_attribute_list > {name}", match


def _of_sku(matches: Matches) -> Iterator[tuple[str, CompiledMatch]]:
    for name, match in matches.attributes.items():
        if name in SKU_ATTRIBUTES:
            yield f"sku_info_list > {name}", match
    for name, attribute in matches.sku_attributes.items():
        place = f"sku_info_list > sku_attributes > {name}"
        yield place, attribute.value
        if attribute.alias is not None:
            yield f"{place} > alias", attribute.alias
        if attribute.image_url is not None:
            yield f"{place} > image_url", attribute.image_url
    for country, price in matches.country_prices.items():
        place = f"multi_country_price_configuration > {country}"
        yield place, price.price
        if price.discount_price is not None:
            yield f"{place} > discount_price", price.discount_price


def _filled(named: Iterable[tuple[str, CompiledMatch]], row: Row) -> Iterator[FilledMatch]:
    for field, match in named:
        value, failure = None, None
        try:
            value = match.fill(row)
        except (MatchFailed, FamilyTooCostly) as error:
            failure = str(error)
        sources = {name: value_in(row, name) for name in sorted(source_fields(match.form))}
        yield FilledMatch(field, row.product_id, match.origin, sources, value, failure)


def source_fields(match: Match) -> frozenset[str]:
    """The source fields that a match reads."""
    if match.field is not None:
        return frozenset({match.field})
    if match.template is not None:
        return fields_named(match.template)
    if match.map is None:
        return frozenset()
    source = match.map.source
    return frozenset({source}) if isinstance(source, str) else source_fields(source)


def value_in(row: Row, name: str) -> FieldValue:
    """A field as the row has it, else as its parent does."""
    value = row.field(name)
    return row.parent.get(name) if value is None else value


def _excluded_by(feed: CompiledFeed, family: Family, sku: Row | None) -> Iterator[str]:
    """The rules that leave the SKU's row out, or its parent's and so the whole product."""
    if feed.form.exclude is None:
        return
    numbers = Numbers(feed.form.units.decimal, feed.form.currency)
    rows = [row for row in (family.head, sku) if row is not None]
    for place, rule in alternatives(feed.form.exclude):
        test = compile_rule(rule, numbers)
        with suppress(FamilyTooCostly):
            if any(test(row.fields, row.budget) for row in rows):
                yield place


def sources_of_issue(issue: Issue, matches: Sequence[FilledMatch]) -> dict[str, FieldValue]:
    """The source fields that the issue's value came from: those of its own field's match, else of
    all below it or above it."""
    same = [match for match in matches if match.field == issue.field]
    near = same or [
        match
        for match in matches
        if match.field.startswith(f"{issue.field} > ")
        or issue.field.startswith(f"{match.field} > ")
    ]
    return _joined(match.sources for match in near)


def _joined(many: Iterable[Mapping[str, FieldValue]]) -> dict[str, FieldValue]:
    return {name: value for one in many for name, value in one.items()}
