"""A feed's configuration as its merchant writes it; README.md of the service explains each part.

These models only check form. What a configuration does is compiled once per version (`compile`).
What they take is bounded and survives being stored: numbers are finite, texts hold no NUL, and
matches and rules nest only so deep.
"""

from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from catalog_service.texts import is_storable
from common.contracts.catalog import LONGEST_FIELD_NAME
from common.web.identity import IDENTIFIER_PATTERN

DEEPEST = 20
"""How deep matches and rules may nest."""


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("it holds a character that cannot be stored, such as NUL: take it out")
    return text


def _number_as_text(value: object) -> object:
    """An id that YAML reads as a number."""
    return str(value) if isinstance(value, int) else value


Text = Annotated[str, AfterValidator(_storable)]
Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Real = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]

Identifier = Annotated[str, Field(pattern=IDENTIFIER_PATTERN)]
Locale = Annotated[str, Field(pattern=r"^[a-z]{2}_[A-Z]{2}$")]
CategoryId = Annotated[str, Field(pattern=r"^[0-9]{1,20}$"), BeforeValidator(_number_as_text)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
FieldName = Annotated[Text, Field(min_length=1, max_length=LONGEST_FIELD_NAME)]
Template = Annotated[Text, Field(min_length=1, max_length=4_000)]
LongText = Annotated[Text, Field(max_length=200_000)]
Constant = LongText | bool | Whole | Real | Annotated[list[LongText], Field(max_length=1_000)]
Name = Annotated[Text, Field(min_length=1, max_length=200)]
MapKey = Annotated[Text, Field(max_length=1_000)]
Separator = Annotated[Text, Field(min_length=1, max_length=10)]


def _switch(value: object) -> object:
    """`on` and `off`, which YAML 1.1 reads as booleans and JSON keeps as text."""
    return {"on": True, "off": False}.get(value, value) if isinstance(value, str) else value


def _as_key(value: object) -> str:
    """The text of a map's key as the catalogue has it; YAML reads `true` and `1` as values."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text_keys(value: object) -> object:
    return {_as_key(k): v for k, v in value.items()} if isinstance(value, dict) else value


Switch = Annotated[bool, BeforeValidator(_switch)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Nesting(_Form):
    """A form that may hold others of its kind."""

    @model_validator(mode="before")
    @classmethod
    def _bounded_depth(cls, value: object) -> object:
        level, depth = [value], 0
        while level := [part for outer in level for part in _parts(outer)]:
            depth += 1
            if depth > 2 * DEEPEST:  # a match lies in a map, a rule in a list
                raise ValueError(f"it is nested deeper than {DEEPEST}: write it flatter")
        return value


def _parts(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


class ValueMap(_Form):
    """Catalogue value to channel value; keys without regard to case and outer blanks."""

    source: "FieldName | Match" = Field(alias="from")
    values: Annotated[dict[MapKey, Constant], BeforeValidator(_text_keys)] = Field(
        max_length=20_000
    )
    default: Constant | None = None


class Match(_Nesting):
    """How one attribute is filled: exactly one of field, constant, template and map."""

    field: FieldName | None = None
    constant: Constant | None = None
    template: Template | None = None
    map: ValueMap | None = None
    default: Constant | None = None
    separator: Separator | None = None
    truncate: Annotated[int, Field(ge=1, le=200_000)] | None = None
    unknown: Literal["reject", "other", "default", "omit", "alias"] = "reject"

    @model_validator(mode="after")
    def _one_source(self) -> "Match":
        given = [
            name
            for name in ("field", "constant", "template", "map")
            if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise ValueError(
                "a match has exactly one of field, constant, template and map;"
                f" this has {' and '.join(given) or 'none'}"
            )
        return self


class SkuAttributeMatch(_Form):
    """A SKU attribute: its value, the seller's own text for it, its picture."""

    value: Match
    alias: Match | None = None
    image_url: Match | None = None


def _long_form(value: Any) -> Any:
    is_short = isinstance(value, dict) and "value" not in value
    return {"value": value} if is_short or isinstance(value, Match) else value


SkuAttribute = Annotated[SkuAttributeMatch, BeforeValidator(_long_form)]


NamedMatches = Annotated[dict[Name, Match], Field(max_length=1_000)]


class Language(_Form):
    """Texts in one language."""

    title: Match
    description: Match | None = None


class Attributes(_Form):
    """The channel attributes, names as AliExpress has them; all optional here, since overrides
    name only some."""

    sku_code: Match | None = None
    price: Match | None = None
    discount_price: Match | None = None
    discount_from: Match | None = None
    discount_until: Match | None = None
    inventory: Match | None = None
    ean_code: Match | None = None
    image_url_list: Match | None = None
    product_units_type: Match | None = None
    inventory_deduction_strategy: Match | None = None
    package_weight: Match | None = None
    package_length: Match | None = None
    package_width: Match | None = None
    package_height: Match | None = None
    shipping_preparation_time: Match | None = None
    shipping_template_id: Match | None = None
    service_template_id: Match | None = None
    product_group_id: Match | None = None
    size_chart_id: Match | None = None

    def given(self) -> dict[str, Match]:
        """The attributes that have a match, by name."""
        names = type(self).model_fields
        return {n: m for n in names if (m := getattr(self, n)) is not None}


class CountryPriceMatch(_Form):
    """A country's own price (M3.8)."""

    price: Match
    discount_price: Match | None = None


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _time_zone(name: str) -> str:
    if name not in _time_zones():
        raise ValueError("it is no time zone of the IANA database, such as Europe/Madrid or UTC")
    return name


TimeZone = Annotated[Text, Field(max_length=100), AfterValidator(_time_zone)]


class Units(_Form):
    """What the catalogue's numbers are in, and which time its dates mean."""

    weight: Literal["kg", "g", "lb", "oz"] = "kg"
    length: Literal["cm", "mm", "m", "in"] = "cm"
    decimal: Literal[".", ","] = "."
    time_zone: TimeZone = "UTC"


class CategoryMatching(_Form):
    """From the catalogue's own category paths to AliExpress leaves (M2.2)."""

    source: Match
    separator: Separator = " > "
    exact: Annotated[dict[MapKey, CategoryId], Field(max_length=50_000)] = {}
    prefix: Annotated[dict[MapKey, CategoryId], Field(max_length=50_000)] = {}


class Override(_Form):
    """What a category does otherwise; merged key by key over the feed's own."""

    attributes: Attributes = Attributes()
    category_attributes: NamedMatches = {}
    sku_attributes: Annotated[dict[Name, SkuAttribute], Field(max_length=1_000)] = {}
    user_defined_attributes: NamedMatches = {}


Scalar = MapKey | bool | Whole | Real


class Rule(_Nesting):
    """An exclusion (M5.1): a test of one field, or all, any or not of further rules."""

    field: FieldName | None = None
    equals: Scalar | None = None
    contains: Annotated[Text, Field(min_length=1, max_length=1_000)] | None = None
    among: Annotated[list[Scalar], Field(max_length=20_000)] | None = Field(
        default=None, alias="in"
    )
    compare: Literal["<", "<=", ">", ">="] | None = None
    value: Whole | Real | Annotated[Text, Field(max_length=100)] | None = None
    empty: bool | None = None
    matches: Annotated[Text, Field(min_length=1, max_length=500)] | None = None
    all: "list[Rule] | None" = Field(default=None, min_length=1)
    any: "list[Rule] | None" = Field(default=None, min_length=1)
    negated: "Rule | None" = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _one_test(self) -> "Rule":
        tests = ("equals", "contains", "among", "compare", "empty", "matches")
        given = [name for name in tests if getattr(self, name) is not None]
        groups = [name for name in ("all", "any", "negated") if getattr(self, name) is not None]
        if len(given) + len(groups) != 1:
            raise ValueError(
                "a rule has exactly one of equals, contains, in, compare, empty, matches,"
                " all, any and not"
            )
        if given and self.field is None:
            raise ValueError("a test needs the field it looks at")
        if (self.compare is None) != (self.value is None):
            raise ValueError("compare and value go together")
        return self


class FeedConfiguration(_Form):
    """One feed: what of which catalogue goes to which shop, and how."""

    feed: Identifier | None = None
    shop: Identifier
    catalogue: Identifier
    main_locale: Locale
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    countries: Annotated[list[Country], Field(max_length=300)] = []
    image_checks: Switch = True
    title_too_long: Literal["reject", "truncate"] = "reject"
    synthesise_parents: bool = False
    units: Units = Units()
    category: CategoryMatching
    languages: Annotated[dict[Locale, Language], Field(max_length=100)]
    attributes: Attributes
    country_prices: Annotated[dict[Country, CountryPriceMatch], Field(max_length=300)] = {}
    category_attributes: NamedMatches = {}
    sku_attributes: Annotated[dict[Name, SkuAttribute], Field(max_length=1_000)] = {}
    user_defined_attributes: NamedMatches = {}
    overrides: Annotated[dict[CategoryId, Override], Field(max_length=5_000)] = {}
    exclude: Rule | None = None

    @model_validator(mode="after")
    def _has_the_mandatory(self) -> "FeedConfiguration":
        language = self.languages.get(self.main_locale)
        if language is None:
            raise ValueError(f"languages lacks the main locale {self.main_locale} (M3.1)")
        if language.description is None:
            raise ValueError(f"languages.{self.main_locale} lacks a description (M3.7)")
        if self.attributes.sku_code is None:
            raise ValueError("attributes.sku_code is mandatory (M3.3)")
        if self.attributes.price is None:
            raise ValueError("attributes.price is mandatory (M3.9)")
        return self
