"""Matches of a configuration: where each stands, what is said of it, and how a form changes it
(M3). Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from console.forms import Form
from console.pages.feeds.terms import said_source
from console.texts import N_

Document = Mapping[str, Any]
Match = dict[str, Any]
TITLES, DESCRIPTIONS = "titles", "descriptions"
SECTIONS = {
    "attributes": N_("Price, stock, delivery"),
    TITLES: N_("Titles"),
    DESCRIPTIONS: N_("Descriptions"),
    "category_attributes": N_("Attributes of the category"),
    "sku_attributes": N_("What tells variations apart"),
    "user_defined_attributes": N_("Attributes of your own"),
    "category": N_("Category"),
}
OF_SKU = {
    "sku_code",
    "price",
    "discount_price",
    "discount_from",
    "discount_until",
    "inventory",
    "ean_code",
}
"""Attributes that each SKU's own row fills."""
MANDATORY = ("sku_code", "price")
ATTRIBUTES = (
    *MANDATORY,
    "discount_price",
    "discount_from",
    "discount_until",
    "inventory",
    "ean_code",
    "image_url_list",
    "product_units_type",
    "inventory_deduction_strategy",
    "package_weight",
    "package_length",
    "package_width",
    "package_height",
    "shipping_preparation_time",
    "shipping_template_id",
    "service_template_id",
    "product_group_id",
    "size_chart_id",
)
KINDS = (
    ("field", N_("A column of the catalogue")),
    ("constant", N_("The same for all products")),
    ("template", N_("A text made of columns")),
    ("map", N_("A column, its values translated")),
)
UNKNOWN = (
    ("reject", N_("hold the product back")),
    ("alias", N_("show it under its own name (of variations)")),
    ("default", N_("take the value for products without one")),
    ("other", N_("take it as an own text, where AliExpress lets")),
    ("omit", N_("leave the attribute out")),
)
KEPT = ("separator", "truncate")
"""Keys of a match that the form does not show and that stay."""


@dataclass(frozen=True)
class Place:
    """Where a match stands: of a section, by name; of one leaf's override where `leaf` is given."""

    section: str
    name: str
    leaf: str = ""

    @property
    def level(self) -> str:
        """Whose row fills it: `product` or `sku`."""
        is_sku = self.section == "sku_attributes" or (
            self.section == "attributes" and self.name in OF_SKU
        )
        return "sku" if is_sku else "product"

    @property
    def query(self) -> str:
        """The place as an address has it."""
        given = {"section": self.section, "name": self.name, "leaf": self.leaf}
        return urlencode({key: value for key, value in given.items() if value})


def path_of(place: Place) -> tuple[str, ...]:
    """The keys of the configuration that lead to the match."""
    above = ("overrides", place.leaf) if place.leaf else ()
    if place.section in {TITLES, DESCRIPTIONS}:
        key = "title" if place.section == TITLES else "description"
        return (*above, "languages", place.name, key)
    if place.section == "category":
        return ("category", "source")
    return (*above, place.section, place.name)


def match_at(configuration: Document, place: Place) -> Match | None:
    """The match that stands there, None where there is none."""
    found: Any = configuration
    for key in path_of(place):
        found = found.get(key) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        return None
    if place.section == "sku_attributes" and isinstance(found.get("value"), Mapping):
        found = found["value"]
    return dict(found)


def with_match(configuration: Document, place: Place, match: Match | None) -> dict[str, Any]:
    """The configuration with this match there, or none. A SKU attribute's alias stays."""
    path = path_of(place)
    if place.section == "sku_attributes" and match is not None:
        found: Any = configuration
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(found, Mapping) and isinstance(found.get("value"), Mapping):
            return _put(configuration, (*path, "value"), match)
    return _put(configuration, path, match)


def made(form: Form, former: Match | None) -> Match | None:
    """The match as the form says it; None for no match. What the form does not show stays."""
    former = former or {}
    kind = form.text("kind")
    kept = {key: former[key] for key in KEPT if key in former}
    if kind == "field":
        source: Match = {"field": form.text("field")}
    elif kind == "constant":
        source = {"constant": _constant(form.text("constant"), former.get("constant"))}
        kept = {}
    elif kind == "template":
        source = {"template": form.secret("template").strip()}
    elif kind == "map":
        source = {"map": _map(form, former.get("map"))}
    else:
        return None
    if kind != "constant":
        if typed := form.text("default"):
            former_default = former.get("default")
            source["default"] = former_default if str(former_default) == typed else typed
        if form.text("unknown") not in {"", "reject"}:
            source["unknown"] = form.text("unknown")
    return {**source, **kept}


def _constant(typed: str, former: Any) -> Any:
    """Text, a list where it has several lines; a number or a switch that was not changed stays."""
    if former is not None and said_constant(former) == typed:
        return former
    lines = [line.strip() for line in typed.splitlines() if line.strip()]
    return lines if len(lines) > 1 else typed


def said_constant(value: Any) -> str:
    """A constant as the form shows it: a list by lines."""
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _map(form: Form, former: Any) -> dict[str, Any]:
    known = dict(former) if isinstance(former, Mapping) else {}
    source = form.text("map_from")
    is_same = bool(known) and said_source({"map": known}) == source
    values = dict(known.get("values") or {}) if is_same else {}
    for key, value in zip(form.all("map_key"), form.all("map_value"), strict=False):
        if value.strip():
            values[key] = value.strip()
        else:
            values.pop(key, None)
    made_now: dict[str, Any] = {"from": known["from"] if is_same else source, "values": values}
    if is_same and "default" in known:
        made_now["default"] = known["default"]
    if form.has("map_keep"):
        made_now["keep"] = True
    return made_now


@dataclass(frozen=True)
class Said:
    """A match in a few words: its kind, and what it takes."""

    kind: str
    what: str


def said_of(match: Match | None) -> Said | None:
    """A match as a list shows it."""
    if not match:
        return None
    kind = next((key for key, _ in KINDS if match.get(key) is not None), "field")
    if kind == "constant":
        return Said(kind, said_constant(match["constant"]).replace("\n", ", "))
    return Said(kind, said_source(match))


def fields_of(match: Match | None) -> dict[str, str]:
    """What the form's fields hold for the match."""
    given = match or {}
    said = said_of(given)
    mapped = given.get("map") or {}
    return {
        "kind": said.kind if said else "",
        "field": str(given.get("field") or ""),
        "constant": said_constant(given.get("constant")),
        "template": str(given.get("template") or ""),
        "map_from": said_source(given) if mapped else str(given.get("field") or ""),
        "map_keep": "1" if mapped.get("keep") or not mapped else "",
        "default": said_constant(given.get("default")),
        "unknown": str(given.get("unknown") or "reject"),
    }


def listed(configuration: Document) -> Iterator[tuple[Place, Match | None]]:
    """Every match there is, and those that are usual, in the order of the sections."""
    attributes = configuration.get("attributes") or {}
    for name in ATTRIBUTES:
        yield Place("attributes", name), attributes.get(name)
    for locale, language in (configuration.get("languages") or {}).items():
        yield Place(TITLES, locale), language.get("title")
        yield Place(DESCRIPTIONS, locale), language.get("description")
    for section in ("category_attributes", "sku_attributes", "user_defined_attributes"):
        for name in configuration.get(section) or {}:
            yield Place(section, name), match_at(configuration, Place(section, name))
    for leaf, override in (configuration.get("overrides") or {}).items():
        for section in ("attributes", "category_attributes", "sku_attributes"):
            for name in override.get(section) or {}:
                place = Place(section, name, leaf)
                yield place, match_at(configuration, place)


def place_of_field(field: str) -> Place | None:
    """Where a field is filled, as issues and what is lacking name it; None for others."""
    section, _, name = field.partition(" > ")
    if section == "category_attributes" and name:
        return Place(section, name.split(" > ")[0])
    if section == "sku_info_list" and name.startswith("sku_attributes > "):
        return Place("sku_attributes", name.split(" > ")[1])
    if section == "sku_info_list" and name:
        return Place("attributes", name)
    if section == "title_multi_language_list" and name:
        return Place(TITLES, name)
    if section == "description_multi_language_list" and name:
        return Place(DESCRIPTIONS, name)
    return Place("attributes", section) if section in ATTRIBUTES else None


def _put(document: Document, path: tuple[str, ...], value: Any) -> dict[str, Any]:
    if len(path) == 1:
        left = {key: each for key, each in document.items() if key != path[0]}
        return left if value is None else {**document, path[0]: value}
    below = document.get(path[0])
    inner = _put(below if isinstance(below, Mapping) else {}, path[1:], value)
    return {**document, path[0]: inner}
