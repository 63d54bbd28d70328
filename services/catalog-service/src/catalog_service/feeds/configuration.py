"""A feed's configuration as its merchant writes it; README.md of the service explains each part.

These models only check form. What a configuration does is compiled once per version (`compile`).
What they take is bounded and survives being stored: numbers are finite, texts hold no NUL, and
matches and rules nest only so deep. The docstrings below a field are its description in the
published JSON Schema, which editors show.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from catalog_service.feeds.forms import Form, NestingForm, exactly_one
from catalog_service.texts import is_storable
from common.contracts.catalog import LONGEST_FIELD_NAME
from common.time_zones import require_time_zone
from common.web.identity import IDENTIFIER_PATTERN


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
LeafId = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
CategoryKey = Annotated[LeafId, BeforeValidator(_number_as_text)]
CategoryId = Annotated[
    LeafId, BeforeValidator(_number_as_text, json_schema_input_type=LeafId | int)
]
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


Switch = Annotated[
    bool, BeforeValidator(_switch, json_schema_input_type=bool | Literal["on", "off"])
]


class ValueMap(Form):
    """Catalogue value to channel value; keys without regard to case and outer blanks."""

    source: "MapSource" = Field(alias="from")
    """What is looked up: the name of a source field, or a match of its own."""
    values: Annotated[dict[MapKey, Constant], BeforeValidator(_text_keys)] = Field(
        max_length=20_000
    )
    """Catalogue value to channel value."""
    default: Constant | None = None
    """The value of what the map lacks."""
    keep: bool = False
    """Whether what the map lacks stays as it is; of a list each value is then looked up."""


class Match(NestingForm):
    """How one attribute is filled: exactly one of field, constant, template and map."""

    model_config = ConfigDict(
        json_schema_extra=exactly_one(field=(), constant=(), template=(), map=())
    )

    field: FieldName | None = None
    """The source field that fills it, text or list."""
    constant: Constant | None = None
    """A value of its own: number, text, boolean or list of texts."""
    template: Template | None = None
    """A text with expressions over source fields: `{{ title }} {{ size }}`."""
    map: ValueMap | None = None
    """From a catalogue value to a channel value."""
    default: Constant | None = None
    """The value when the match gives nothing."""
    separator: Separator | None = None
    """Cuts a text into a list."""
    truncate: Annotated[int, Field(ge=1, le=200_000)] | None = None
    """Cuts a text at a word to at most so many characters."""
    unknown: Literal["reject", "other", "default", "omit", "alias"] = "reject"
    """What to do with a text that is none of the attribute's choices."""

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


def _kind_of_source(value: object) -> str:
    return "match" if isinstance(value, dict | Match) else "field"


MapSource = Annotated[
    Annotated[FieldName, Tag("field")] | Annotated[Match, Tag("match")],
    Discriminator(_kind_of_source),
]


class SkuAttributeMatch(Form):
    """A SKU attribute: its value, the seller's own text for it, its picture."""

    value: Match
    """The value, by name or id."""
    alias: Match | None = None
    """The seller's own text for the value."""
    image_url: Match | None = None
    """The picture that shows the value."""


def _long_form(value: Any) -> Any:
    is_short = isinstance(value, dict) and "value" not in value
    return {"value": value} if is_short or isinstance(value, Match) else value


SkuAttribute = Annotated[
    SkuAttributeMatch,
    BeforeValidator(_long_form, json_schema_input_type=SkuAttributeMatch | Match),
]


NamedMatches = Annotated[dict[Name, Match], Field(max_length=1_000)]
NamedSkuAttributes = Annotated[dict[Name, SkuAttribute], Field(max_length=1_000)]


class Language(Form):
    """Texts in one language."""

    title: Match
    """The title (M3.6)."""
    description: Match | None = None
    """The description, HTML or plain text (M3.7); the main language needs one."""


class LanguageOverride(Form):
    """What a category does otherwise with the texts of a language; each by itself."""

    title: Match | None = None
    """The title (M3.6)."""
    description: Match | None = None
    """The description, HTML or plain text (M3.7)."""


class Attributes(Form):
    """The channel attributes, names as AliExpress has them; all optional here, since overrides
    name only some."""

    sku_code: Match | None = None
    """The merchant's identity of the SKU, unique in the shop (M3.3); mandatory."""
    price: Match | None = None
    """The usual price, in the currency of the feed (M3.9); mandatory."""
    discount_price: Match | None = None
    """The discounted price, below the price; equal or empty is none (M3.9)."""
    discount_from: Match | None = None
    """When the discounted price begins."""
    discount_until: Match | None = None
    """When the discounted price ends."""
    inventory: Match | None = None
    """The stock, a whole number; without a match it is not managed."""
    ean_code: Match | None = None
    """EAN, UPC, GTIN-14 or ISBN."""
    image_url_list: Match | None = None
    """One to six addresses of pictures, the best first (M3.5)."""
    product_units_type: Match | None = None
    """What is sold, usually piece/pieces (M3.2)."""
    inventory_deduction_strategy: Match | None = None
    """place_order_withhold or payment_success_deduct (M3.4)."""
    package_weight: Match | None = None
    """The weight of the parcel, in units.weight."""
    package_length: Match | None = None
    """The length of the parcel, in units.length."""
    package_width: Match | None = None
    """The width of the parcel, in units.length."""
    package_height: Match | None = None
    """The height of the parcel, in units.length."""
    shipping_preparation_time: Match | None = None
    """Days until it is shipped, at least 1 (M3.10)."""
    shipping_template_id: Match | None = None
    """One of the shop's freight templates, by id or name (M3.10)."""
    service_template_id: Match | None = None
    """One of the shop's service templates, by id or name (M3.10)."""
    product_group_id: Match | None = None
    """One of the shop's product groups."""
    size_chart_id: Match | None = None
    """One of the shop's size charts (M3.10)."""

    def given(self) -> dict[str, Match]:
        """The attributes that have a match, by name."""
        names = type(self).model_fields
        return {n: m for n in names if (m := getattr(self, n)) is not None}


class CountryPriceMatch(Form):
    """A country's own price (M3.8)."""

    price: Match
    """The usual price there, at least 70 % of the feed's."""
    discount_price: Match | None = None
    """The discounted price there."""


CountryPrices = Annotated[dict[Country, CountryPriceMatch], Field(max_length=300)]


TimeZone = Annotated[Text, Field(max_length=100), AfterValidator(require_time_zone)]


class Units(Form):
    """What the catalogue's numbers are in, and which time its dates mean."""

    weight: Literal["kg", "g", "lb", "oz"] = "kg"
    """What weights without a unit are in."""
    length: Literal["cm", "mm", "m", "in"] = "cm"
    """What lengths without a unit are in."""
    decimal: Literal[".", ","] = "."
    """The decimal sign of the catalogue's texts."""
    time_zone: TimeZone = "UTC"
    """What dates without a zone mean: a name of the IANA database."""


class CategoryMatching(Form):
    """From the catalogue's own category paths to AliExpress leaves (M2.2)."""

    source: Match
    """What gives a product's category path."""
    separator: Separator = " > "
    """How the steps of the path are divided."""
    exact: Annotated[dict[MapKey, CategoryId], Field(max_length=50_000)] = Field(
        default_factory=dict
    )
    """A whole path to the id of an AliExpress leaf; beats every prefix."""
    prefix: Annotated[dict[MapKey, CategoryId], Field(max_length=50_000)] = Field(
        default_factory=dict
    )
    """The beginning of a path to the id of a leaf; the longest wins, "" is the rest."""


class Override(Form):
    """What a category does otherwise; merged key by key over the feed's own."""

    languages: Annotated[dict[Locale, LanguageOverride], Field(max_length=100)] = Field(
        default_factory=dict
    )
    """Titles and descriptions by language."""
    attributes: Attributes = Attributes()
    """Channel attributes, names as AliExpress has them."""
    country_prices: CountryPrices = Field(default_factory=dict)
    """Prices by country (M3.8)."""
    category_attributes: NamedMatches = Field(default_factory=dict)
    """Category attributes by name (M3.12)."""
    sku_attributes: NamedSkuAttributes = Field(default_factory=dict)
    """SKU attributes by name (M4.2)."""
    user_defined_attributes: NamedMatches = Field(default_factory=dict)
    """Attributes of the merchant's own (M3.11)."""


Scalar = MapKey | bool | Whole | Real


class Rule(NestingForm):
    """An exclusion (M5.1): a test of one field, or all, any or not of further rules."""

    model_config = ConfigDict(
        json_schema_extra={
            **exactly_one(
                equals=("field",),
                contains=("field",),
                compare=("field", "value"),
                empty=("field",),
                matches=("field",),
                all=(),
                any=(),
                **{"in": ("field",), "not": ()},
            ),
            "dependentRequired": {"value": ["compare"]},
        }
    )

    field: FieldName | None = None
    """The source field that is looked at."""
    equals: Scalar | None = None
    """The field is this; numbers as numbers, texts without regard to case."""
    contains: Annotated[Text, Field(min_length=1, max_length=1_000)] | None = None
    """The field's text holds this."""
    among: Annotated[list[Scalar], Field(max_length=20_000)] | None = Field(
        default=None, alias="in"
    )
    """The field is one of these."""
    compare: Literal["<", "<=", ">", ">="] | None = None
    """How the field's number compares with `value`."""
    value: Whole | Real | Annotated[Text, Field(max_length=100)] | None = None
    """The number that `compare` compares with."""
    empty: bool | None = None
    """Whether the field is missing or blank."""
    matches: Annotated[Text, Field(min_length=1, max_length=500)] | None = None
    """A regular expression that is found in the field's text."""
    all: "list[Rule] | None" = Field(default=None, min_length=1)
    """Every one of these rules holds."""
    any: "list[Rule] | None" = Field(default=None, min_length=1)
    """At least one of these rules holds."""
    negated: "Rule | None" = Field(default=None, alias="not")
    """This rule does not hold."""

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


class FeedConfiguration(Form):
    """One feed: what of which catalogue goes to which shop, and how."""

    feed: Identifier | None = None
    """The feed's name; the path of a request names it too."""
    shop: Identifier
    """The shop it sends to; cannot change later."""
    catalogue: Identifier
    """The catalogue it sends; cannot change later."""
    main_locale: Locale
    """Main language of the products (M3.1); cannot change once they are online."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    """The shop's currency, ISO 4217."""
    countries: Annotated[list[Country], Field(max_length=300)] = Field(default_factory=list)
    """Where the feed sells, ISO 3166 (M3.8)."""
    image_checks: Switch = True
    """Whether addresses of pictures are fetched (M3.5)."""
    photo_bank: Switch = False
    """Whether pictures are uploaded into the shop's photo bank and sent by their addresses there;
    they are fetched for it, whatever `image_checks` says (M3.5)."""
    title_too_long: Literal["reject", "truncate"] = "reject"
    """What to do with a title above 218 characters (M3.6)."""
    synthesise_parents: bool = False
    """Whether a missing parent is made from its first child (M4.1)."""
    units: Units = Units()
    """What the catalogue's numbers and dates are in."""
    category: CategoryMatching
    """From the catalogue's categories to those of AliExpress (M2.2)."""
    languages: Annotated[dict[Locale, Language], Field(max_length=100)]
    """Titles and descriptions by language (M3.6, M3.7); the main one is needed."""
    attributes: Attributes = Field(json_schema_extra={"required": ["sku_code", "price"]})
    """Channel attributes, names as AliExpress has them."""
    country_prices: CountryPrices = Field(default_factory=dict)
    """Prices by country (M3.8)."""
    category_attributes: NamedMatches = Field(default_factory=dict)
    """Category attributes by name, used in every leaf that has them (M3.12)."""
    sku_attributes: NamedSkuAttributes = Field(default_factory=dict)
    """SKU attributes by name: what tells children apart (M4.2)."""
    user_defined_attributes: NamedMatches = Field(default_factory=dict)
    """Attributes of the merchant's own, sent when filled (M3.11)."""
    overrides: Annotated[dict[CategoryKey, Override], Field(max_length=5_000)] = Field(
        default_factory=dict
    )
    """What an AliExpress leaf, named by its id, does otherwise."""
    path_overrides: Annotated[dict[MapKey, Override], Field(max_length=5_000)] = Field(
        default_factory=dict
    )
    """What a category of the catalogue, and all below it, does otherwise; beats `overrides`."""
    exclude: Rule | None = None
    """Which products are left out (M5.1)."""

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
