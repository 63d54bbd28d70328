"""A shop's options, read off the schemas of its leaves: what they list is what is taken. Pure.

Most are the same in each leaf; size charts and countries may differ.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from catalog_service.categories.schema import Choices, SchemaForms

FIELDS: Mapping[str, str] = {
    "shipping_templates": "shipping_template_id",
    "service_templates": "service_template_id",
    "product_groups": "product_group_id",
    "size_charts": "size_chart_id",
    "product_units": "product_units_type",
    "inventory_deduction_strategies": "inventory_deduction_strategy",
    "languages": "locale",
}
"""Each list of options, and the field of a product that takes one of it."""
COUNTRIES = "countries"


@dataclass(frozen=True)
class Options:
    """Ids to names by list; None where the schemas leave it open."""

    lists: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)


def read_options(schemas: Iterable[SchemaForms]) -> Options:
    """The options of these leaves together."""
    lists: dict[str, dict[str, str] | None] = dict.fromkeys((*FIELDS, COUNTRIES))
    for schema in schemas:
        for name, choices in _choices(schema):
            if choices is not None:
                lists[name] = {**choices.titles, **(lists[name] or {})}
    return Options(lists)


def _choices(schema: SchemaForms) -> Iterable[tuple[str, Choices | None]]:
    for name, of_product in FIELDS.items():
        yield name, schema.choices(of_product)
    yield COUNTRIES, schema.price_countries
