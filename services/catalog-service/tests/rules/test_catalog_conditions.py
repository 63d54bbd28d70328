"""What a schema's conditions say of attributes, and what options its fields list."""

import json
from typing import Any

import pytest

from catalog_service.categories.conditions import Condition, find_conditions
from catalog_service.categories.schema import SchemaForms
from catalog_service.options.shop_options import read_options

CHOICE = {"type": "object", "properties": {"value": {"oneOf": [{"const": "1", "title": "One"}]}}}


def value(**test: Any) -> dict[str, Any]:
    return {"properties": {"value": test}}


@pytest.mark.parametrize(
    ("section", "found"),
    [
        ({}, []),
        ({"properties": {"A": CHOICE}}, []),
        (
            {"properties": {"A": {"if": value(const=4), "then": {"required": ["customValue"]}}}},
            [Condition({"A": ("4",)}, ("A > customValue",), {})],
        ),
        (
            {"if": {"properties": {"A": value(const="1")}}, "then": {"required": ["B"]}},
            [Condition({"A": ("1",)}, ("B",), {})],
        ),
        (
            {"if": {"properties": {"A": value(enum=["1", "2"])}}, "else": {"required": ["B"]}},
            [Condition({"A": ("1", "2")}, ("B",), {}, is_otherwise=True)],
        ),
        (
            {
                "allOf": [
                    {
                        "if": {"properties": {"A": value(const="1")}, "required": ["A"]},
                        "then": {"properties": {"B": value(oneOf=[{"const": "7", "title": "S"}])}},
                    },
                    {"if": {"required": ["C"]}, "then": {"required": ["D"]}},
                ]
            },
            [Condition({"A": ("1",)}, (), {"B": ("7",)}), Condition({"C": ()}, ("D",), {})],
        ),
        (
            {"if": {"properties": {"A": value(items={"const": "1"})}}, "then": {"required": ["B"]}},
            [Condition({"A": ("1",)}, ("B",), {})],
        ),
        ({"dependentRequired": {"A": ["B", "C"]}}, [Condition({"A": ()}, ("B", "C"), {})]),
        ({"if": {}, "then": {"required": ["B"]}}, []),
        ({"if": True, "allOf": "none", "dependentRequired": []}, []),
    ],
)
def test_conditions_between_attributes_and_within_one(
    section: dict[str, Any], found: list[Condition]
) -> None:
    assert find_conditions(section) == found


def schema(**fields: Any) -> SchemaForms:
    return SchemaForms("1", json.dumps({"properties": fields}))


def one_of(**titles: str) -> dict[str, Any]:
    return {"oneOf": [{"const": key.lstrip("_"), "title": title} for key, title in titles.items()]}


def test_options_of_several_leaves_are_put_together() -> None:
    options = read_options(
        [
            schema(size_chart_id=one_of(_7="Shoes"), locale=one_of(en_US="English")),
            schema(size_chart_id=one_of(_8="Dresses"), product_group_id={"oneOf": []}),
        ]
    )
    assert options.lists["size_charts"] == {"7": "Shoes", "8": "Dresses"}
    assert options.lists["languages"] == {"en_US": "English"}
    assert options.lists["product_groups"] == {}
    assert options.lists["product_units"] is None
    assert options.lists["countries"] is None
