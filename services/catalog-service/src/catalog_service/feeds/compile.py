"""A configuration compiled once per version: matches to functions, paths to tables. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from pydantic import BaseModel

from catalog_service.feeds.configuration import (
    CategoryMatching,
    CountryPriceMatch,
    FeedConfiguration,
    Match,
    Override,
    Rule,
    SkuAttributeMatch,
)
from catalog_service.feeds.exclusions import Numbers, PatternInvalid, Predicate, compile_rule
from catalog_service.feeds.matching import (
    CompiledMatch,
    MatchFailed,
    Row,
    TemplateInvalid,
    compile_match,
    cut,
)
from common.errors import Refusal

Path = tuple[str, ...]
MAX_TEMPLATE_CHARACTERS = 50_000
MAX_RULES = 1_000
MAX_PATTERNS = 100
KEPT_MATCHES = 1_000
LONGEST_PATH = 1_000
"""Characters of a category path as it is shown."""


@dataclass(frozen=True)
class SkuAttribute:
    """A SKU attribute's compiled matches."""

    value: CompiledMatch
    alias: CompiledMatch | None
    image_url: CompiledMatch | None


@dataclass(frozen=True)
class CountryPrice:
    """A country's compiled matches (M3.8)."""

    price: CompiledMatch
    discount_price: CompiledMatch | None


@dataclass(frozen=True)
class Languages:
    """Title and description matches by locale."""

    titles: Mapping[str, CompiledMatch]
    descriptions: Mapping[str, CompiledMatch]


@dataclass(frozen=True, eq=False)
class Matches:
    """What fills a product of one category; each by attribute name, locale or country.

    One object for all products that it fills: what is the same for them is kept beside it.
    """

    languages: Languages
    country_prices: Mapping[str, CountryPrice]
    attributes: Mapping[str, CompiledMatch]
    category_attributes: Mapping[str, CompiledMatch]
    sku_attributes: Mapping[str, SkuAttribute]
    user_defined: Mapping[str, CompiledMatch]
    of_category_only: frozenset[str] = frozenset()
    """Category attributes an override names: unlike general ones they must exist."""


class Located(NamedTuple):
    """A row's category: its path in its catalogue's words (empty: none), the path as tables have
    it, and the leaf's id where one is matched."""

    path: str
    key: Path
    category_id: str | None


@dataclass(frozen=True)
class CategoryTable:
    """Category paths to leaves (M2.2): exact first, then the longest prefix."""

    source: CompiledMatch
    separator: str
    exact: Mapping[Path, str]
    prefix: Mapping[Path, str]

    def look_up(self, row: Row) -> "Located":
        """Where the row is in its catalogue, and which leaf that is. Raises `MatchFailed`."""
        steps = self._steps(row)
        key = tuple(step.casefold() for step in steps)
        return Located(self.separator.join(steps)[:LONGEST_PATH], key, self._leaf(key))

    def find(self, row: Row) -> str | None:
        """The leaf's id, or None where nothing matches."""
        return self.look_up(row).category_id

    def _leaf(self, path: Path) -> str | None:
        found = self.exact.get(path)
        length = min(len(path), self._longest_prefix)
        while found is None and length >= 0:
            found = self.prefix.get(path[:length])
            length -= 1
        return found

    @cached_property
    def _longest_prefix(self) -> int:
        return max(map(len, self.prefix), default=-1)

    def _steps(self, row: Row) -> list[str]:
        value = self.source.fill(row)
        if isinstance(value, str):
            value = cut(value, self.separator.strip() or self.separator)
        return [step.strip() for step in value or [] if step.strip()]


@dataclass(frozen=True)
class CompiledFeed:
    """A feed's configuration, ready to normalize with."""

    merchant_id: str
    feed_id: str
    version: int
    form: FeedConfiguration
    category: CategoryTable
    is_excluded: Predicate | None
    general: Matches
    _overrides: Mapping[str, Matches] = field(default_factory=dict)
    """What each category's override names; merged when asked for, since there may be thousands."""
    _path_overrides: Mapping[Path, Matches] = field(default_factory=dict)
    _asked_for: dict[tuple[str | None, tuple[Path, ...]], Matches] = field(
        default_factory=dict, compare=False, repr=False
    )
    """Those merged so far."""

    def matches(self, category_id: str | None, path: Path = ()) -> Matches:
        """What fills a product of this category, and of this path of the catalogue's own: the
        leaf's override beats what is general, that of the path the leaf's, a longer a shorter."""
        lengths = tuple(
            length
            for length in range(min(len(path), self._longest_override) + 1)
            if path[:length] in self._path_overrides
        )
        if not lengths and (category_id or "") not in self._overrides:
            return self.general
        key = category_id, tuple(path[:length] for length in lengths)
        found = self._asked_for.get(key)
        if found is None:
            if len(self._asked_for) >= KEPT_MATCHES:
                self._asked_for.clear()
            found = self._asked_for[key] = self._merge(*key)
        return found

    def _merge(self, category_id: str | None, paths: Iterable[Path]) -> Matches:
        found = self.general
        own = self._overrides.get(category_id or "")
        if own is not None:
            found = replace(
                _merged(found, own), of_category_only=frozenset(own.category_attributes)
            )
        for path in paths:
            found = _merged(found, self._path_overrides[path])
        return found

    @cached_property
    def _longest_override(self) -> int:
        return max(map(len, self._path_overrides), default=-1)


def compile_feed(
    merchant_id: str, feed_id: str, version: int, form: FeedConfiguration
) -> CompiledFeed:
    """The configuration, ready to use. Raises `Refusal` naming the key that cannot be used."""
    _check_size(form)
    return CompiledFeed(
        merchant_id=merchant_id,
        feed_id=feed_id,
        version=version,
        form=form,
        category=_category_table(form.category),
        is_excluded=_predicate(form),
        general=_matches("", form),
        _overrides={
            category_id: _matches(f"overrides.{category_id}.", override)
            for category_id, override in form.overrides.items()
        },
        _path_overrides={
            _key(path, form.category.separator): _matches(f"path_overrides.{path}.", override)
            for path, override in form.path_overrides.items()
        },
    )


def _check_size(form: FeedConfiguration) -> None:
    """What can be compiled and evaluated in a moment, however it is spread over the form."""
    templates = rules = patterns = 0
    for part in _parts(form):
        if isinstance(part, Match):
            templates += len(part.template or "")
        elif isinstance(part, Rule):
            rules += 1
            patterns += part.matches is not None
    for at, what, number, most in (
        ("attributes", "characters in its templates", templates, MAX_TEMPLATE_CHARACTERS),
        ("exclude", "rules", rules, MAX_RULES),
        ("exclude", "regular expressions", patterns, MAX_PATTERNS),
    ):
        if number > most:
            raise _refusal(at, f"the configuration has {number} {what}; {most} are taken", "M3.13")


def _parts(form: BaseModel) -> Iterator[BaseModel]:
    """The form and every form in it."""
    waiting: list[object] = [form]
    while waiting:
        part = waiting.pop()
        if isinstance(part, BaseModel):
            yield part
            waiting += part.__dict__.values()
        elif isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _matches(at: str, form: FeedConfiguration | Override) -> Matches:
    return Matches(
        languages=Languages(
            {
                locale: _compiled(f"{at}languages.{locale}.title", language.title)
                for locale, language in form.languages.items()
                if language.title is not None
            },
            {
                locale: _compiled(f"{at}languages.{locale}.description", language.description)
                for locale, language in form.languages.items()
                if language.description is not None
            },
        ),
        country_prices={
            country: _country_price(f"{at}country_prices.{country}", price)
            for country, price in form.country_prices.items()
        },
        attributes={
            name: _compiled(f"{at}attributes.{name}", match)
            for name, match in form.attributes.given().items()
        },
        category_attributes={
            name: _compiled(f"{at}category_attributes.{name}", match)
            for name, match in form.category_attributes.items()
        },
        sku_attributes={
            name: _sku_attribute(f"{at}sku_attributes.{name}", attribute)
            for name, attribute in form.sku_attributes.items()
        },
        user_defined={
            name: _compiled(f"{at}user_defined_attributes.{name}", match)
            for name, match in form.user_defined_attributes.items()
        },
    )


def _merged(general: Matches, own: Matches) -> Matches:
    return Matches(
        languages=Languages(
            {**general.languages.titles, **own.languages.titles},
            {**general.languages.descriptions, **own.languages.descriptions},
        ),
        country_prices={**general.country_prices, **own.country_prices},
        attributes={**general.attributes, **own.attributes},
        category_attributes={**general.category_attributes, **own.category_attributes},
        sku_attributes={**general.sku_attributes, **own.sku_attributes},
        user_defined={**general.user_defined, **own.user_defined},
        of_category_only=general.of_category_only,
    )


def _sku_attribute(at: str, form: SkuAttributeMatch) -> SkuAttribute:
    return SkuAttribute(
        _compiled(f"{at}.value", form.value),
        None if form.alias is None else _compiled(f"{at}.alias", form.alias),
        None if form.image_url is None else _compiled(f"{at}.image_url", form.image_url),
    )


def _country_price(at: str, form: CountryPriceMatch) -> CountryPrice:
    discount = form.discount_price
    return CountryPrice(
        _compiled(f"{at}.price", form.price),
        None if discount is None else _compiled(f"{at}.discount_price", discount),
    )


def _category_table(form: CategoryMatching) -> CategoryTable:
    return CategoryTable(
        source=_compiled("category.source", form.source),
        separator=form.separator,
        exact=_paths(form.exact, form.separator),
        prefix=_paths(form.prefix, form.separator),
    )


def _paths(table: Mapping[str, str], separator: str) -> dict[Path, str]:
    return {_key(path, separator): category_id for path, category_id in table.items()}


def _key(path: str, separator: str) -> Path:
    """A path as the configuration writes it, as `Located.key` has a row's."""
    sign = separator.strip() or separator
    return tuple(step.strip().casefold() for step in path.split(sign) if step.strip())


def _predicate(form: FeedConfiguration) -> Predicate | None:
    if form.exclude is None:
        return None
    try:
        return compile_rule(form.exclude, Numbers(form.units.decimal, form.currency))
    except PatternInvalid as invalid:
        raise _refusal("exclude", str(invalid), "M5.1") from None


def _compiled(at: str, match: Match) -> CompiledMatch:
    try:
        return compile_match(match)
    except TemplateInvalid as invalid:
        raise _refusal(at, f"the template at {at} cannot be used: {invalid}", "M3.13") from None
    except MatchFailed as failed:
        raise _refusal(at, f"the match at {at} cannot be used: {failed}", "M3.13") from None


def _refusal(at: str, title: str, rule: str) -> Refusal:
    return Refusal(
        title,
        status=422,
        slug="invalid-configuration",
        field=at,
        rule=rule,
        remedy="Correct this key of the configuration; catalog-service's README lists the form.",
    )
