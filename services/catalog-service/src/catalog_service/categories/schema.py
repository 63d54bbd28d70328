"""A leaf's product schema: its choices, and the check of a product against it (M3.12). Pure.

Real schemas have quirks (reference 4.2) that are corrected in a copy before compiling: an empty
`oneOf` means that the seller has nothing to choose, and "Other" asks for its `customValue` by a
number although consts are strings.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import jsonschema_rs
import msgspec

from catalog_service.categories.conditions import Condition, find_conditions
from common.errors import Issue

TITLE_LIMIT = 218
OTHER = "4"
SHOWN_CHOICES = 12

Schema = dict[str, Any]


@dataclass(frozen=True)
class Choices:
    """What may be chosen: ids to titles, in the schema's order; empty: there is nothing."""

    titles: Mapping[str, str]

    @cached_property
    def _by_title(self) -> dict[str, str]:
        ids: dict[str, str] = {}
        for value_id, title in self.titles.items():
            ids.setdefault(title.strip().casefold(), value_id)
        return ids

    def find(self, text: str) -> str | None:
        """The id that the text names, by id or by title."""
        wanted = text.strip()
        return wanted if wanted in self.titles else self._by_title.get(wanted.casefold())

    def shown(self) -> str:
        """The allowed values for an issue's remedy, the first few of many."""
        names = [title or value_id for value_id, title in self.titles.items()]
        more = len(names) - SHOWN_CHOICES
        tail = f" and {more} more" if more > 0 else ""
        return ", ".join(names[:SHOWN_CHOICES]) + tail


@dataclass(frozen=True)
class AttributeForm:
    """How a category or SKU attribute is filled: one or several choices, or text."""

    name: str
    kind: Literal["one", "many", "text"]
    choices: Choices
    has_custom: bool
    is_required: bool
    max_length: int | None = None


class SchemaForms:
    """What a leaf's schema for one seller asks for. Raises `ValueError` for what is no schema."""

    def __init__(self, category_id: str, body: str) -> None:
        schema = msgspec.json.decode(body, type=dict[str, Any])
        if "properties" not in schema:
            raise ValueError(f"the schema of category {category_id} has no properties")
        self.category_id = category_id
        self._schema: Schema = schema
        self._properties: Schema = schema["properties"]
        self._choices: dict[str, Choices | None] = {}

    @property
    def required(self) -> Sequence[str]:
        """The first-level fields it demands."""
        return [str(name) for name in self._schema.get("required", ())]

    @cached_property
    def title_limit(self) -> int:
        """The most characters of a title."""
        items = self._properties.get("title_multi_language_list", {}).get("items", {})
        limit = items.get("properties", {}).get("title", {}).get("maxLength")
        return limit if isinstance(limit, int) else TITLE_LIMIT

    @cached_property
    def image_limit(self) -> int:
        """The most pictures."""
        limit = self._properties.get("image_url_list", {}).get("maxItems")
        return limit if isinstance(limit, int) else 6

    @cached_property
    def conditions(self) -> list[Condition]:
        """What category attributes ask of each other."""
        return find_conditions(self._properties.get("category_attributes", {}))

    @cached_property
    def category_attributes(self) -> dict[str, AttributeForm]:
        """The leaf's category attributes by name."""
        return _forms(self._properties.get("category_attributes", {}))

    @cached_property
    def sku_attributes(self) -> dict[str, AttributeForm]:
        """The leaf's SKU attributes by name."""
        return _forms(self._sku_section)

    @cached_property
    def sku_conditions(self) -> list[Condition]:
        """What SKU attributes ask of each other."""
        return find_conditions(self._sku_section)

    @property
    def _sku_section(self) -> Schema:
        items = self._properties.get("sku_info_list", {}).get("items", {})
        section: Schema = items.get("properties", {}).get("sku_attributes", {})
        return section

    def choices(self, name: str) -> Choices | None:
        """The choices of a first-level field; None when it is free."""
        if name not in self._choices:
            field = self._properties.get(name, {})
            has_some = "oneOf" in field or "enum" in field
            self._choices[name] = _choices(field) if has_some else None
        return self._choices[name]

    @cached_property
    def price_countries(self) -> Choices | None:
        """The countries that may have a price of their own (M3.8); None when that is open."""
        section = self._properties.get("multi_country_price_configuration", {})
        prices = section.get("properties", {}).get("country_price_list", {})
        field = prices.get("items", {}).get("properties", {}).get("ship_to_country", {})
        return _choices(field) if "oneOf" in field or "enum" in field else None

    @cached_property
    def locales(self) -> Choices | None:
        """The languages the marketplace takes."""
        return self.choices("locale")


class CategorySchema(SchemaForms):
    """The same, compiled to check products. Raises `ValueError` for what is no schema."""

    def __init__(self, category_id: str, body: str) -> None:
        super().__init__(category_id, body)
        self._validator = jsonschema_rs.validator_for(_corrected(self._schema))

    def find_violations(self, payload: Schema) -> list[Issue]:
        """What the schema says against a payload of the schema way, as issues."""
        if self._validator.is_valid(payload):
            return []
        return [_issue(error) for error in self._validator.iter_errors(payload)]


def attribute_names(body: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names of a schema's category attributes and of its SKU attributes."""
    properties = msgspec.json.decode(body, type=dict[str, Any]).get("properties", {})
    sku = properties.get("sku_info_list", {}).get("items", {}).get("properties", {})
    sections = properties.get("category_attributes", {}), sku.get("sku_attributes", {})
    of_category, of_sku = (frozenset(section.get("properties", {})) for section in sections)
    return of_category, of_sku


def _corrected(value: Any) -> Any:
    if isinstance(value, list):
        return [_corrected(item) for item in value]
    if not isinstance(value, dict):
        return value
    corrected = {key: _corrected(item) for key, item in value.items() if key != "$schema"}
    options = corrected.get("oneOf")
    if isinstance(options, list) and all(isinstance(o, dict) and "const" in o for o in options):
        del corrected["oneOf"]
        if options:
            corrected["enum"] = [option["const"] for option in options]
    condition = corrected.get("if")
    if isinstance(condition, dict) and isinstance(condition.get("properties"), dict):
        condition["properties"] = {
            name: _either_type(test) for name, test in condition["properties"].items()
        }
        condition["required"] = list(condition["properties"])
    return corrected


def _either_type(test: Any) -> Any:
    """`const: 4` also meant for "4"."""
    if isinstance(test, dict) and isinstance(test.get("const"), int):
        return {"enum": [test["const"], str(test["const"])]}
    return test


def _choices(field: Schema) -> Choices:
    options = field.get("oneOf")
    if options is None:
        return Choices({str(value): str(value) for value in field.get("enum", [])})
    return Choices({str(o["const"]): str(o.get("title", "")) for o in options if "const" in o})


def _forms(section: Schema) -> dict[str, AttributeForm]:
    required = frozenset(section.get("required", []))
    return {
        name: _form(name, attribute, is_required=name in required)
        for name, attribute in section.get("properties", {}).items()
    }


def _form(name: str, attribute: Schema, *, is_required: bool) -> AttributeForm:
    inner = attribute.get("properties", {})
    value = inner.get("value", {})
    has_custom = "customValue" in inner
    if value.get("type") == "array":
        return AttributeForm(
            name, "many", _choices(value.get("items", {})), has_custom, is_required
        )
    if "oneOf" in value or "enum" in value:
        return AttributeForm(name, "one", _choices(value), has_custom, is_required)
    return AttributeForm(name, "text", Choices({}), has_custom, is_required, value.get("maxLength"))


_RULES = {
    "locale": "M3.1",
    "product_units_type": "M3.2",
    "inventory_deduction_strategy": "M3.4",
    "image_url_list": "M3.5",
    "title_multi_language_list": "M3.6",
    "description_multi_language_list": "M3.7",
    "multi_country_price_configuration": "M3.8",
    "shipping_template_id": "M3.10",
    "service_template_id": "M3.10",
    "shipping_preparation_time": "M3.10",
    "size_chart_id": "M3.10",
    "user_defined_attribute_list": "M3.11",
    "category_attributes": "M3.12",
    "sku_info_list": "M4.2",
    "category_id": "M2.1",
}


def rule_of(field: str) -> str:
    """The mission rule of a channel attribute; M3.13 where none is named for it."""
    return _RULES.get(field.split(" > ", 1)[0], "M3.13")


def _issue(error: jsonschema_rs.ValidationError) -> Issue:
    path = [str(step) for step in error.instance_path]
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        path.append(str(kind.property))
        what, remedy = "is missing", "Give it a match or a default in the feed's configuration."
    else:
        what, remedy = _complaint(kind)
    field = " > ".join(step for step in path if not step.isdigit())
    value = error.instance if isinstance(error.instance, str | int | float) else None
    return Issue(
        rule=rule_of(field),
        field=field or "product",
        message=f"{field or 'the product'} {what}",
        remedy=remedy,
        value=None if value is None else str(value)[:200],
    )


_COMPLAINTS: dict[str, tuple[str, str]] = {
    "enum": ("is none of the choices", "Allowed are: {options}."),
    "maxLength": ("is longer than {limit} characters", "Shorten it to {limit}."),
    "maxItems": ("has more than {limit} entries", "Send at most {limit}."),
    "minLength": ("is shorter than {limit} characters", "Send at least {limit}."),
    "minItems": ("has fewer than {limit} entries", "Send at least {limit}."),
    "maximum": ("is above {limit}", "Send at most {limit}."),
    "exclusiveMaximum": ("is not below {limit}", "Send less than {limit}."),
    "minimum": ("is below {limit}", "Send at least {limit}."),
    "exclusiveMinimum": ("is not above {limit}", "Send more than {limit}."),
    "const": ("is not the value expected", "Send {expected_value}."),
    "type": ("is of another type than the category asks for", "Send {types}."),
    "uniqueItems": ("holds a value twice", "Send each value once."),
    "pattern": ("is not of the form asked for", "It must match {pattern}."),
}


def _complaint(kind: Any) -> tuple[str, str]:
    """What is wrong and the remedy, by the kind of the violated keyword."""
    what, remedy = _COMPLAINTS.get(
        kind.name,
        ("is refused by the category's schema", "Compare it with the category's attributes."),
    )
    details = {
        name: ", ".join(map(str, value[:SHOWN_CHOICES])) if isinstance(value, list) else value
        for name, value in kind.as_dict().items()
    }
    return what.format(**details), remedy.format(**details)


def missing_attributes(issues: Sequence[Issue]) -> Iterator[str]:
    """The fields that issues of absence name, for completeness (M3.13)."""
    return (issue.field for issue in issues if issue.severity == "error" and issue.value is None)
