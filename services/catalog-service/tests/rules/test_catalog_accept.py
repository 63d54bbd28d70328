"""What accepting suggestions changes in a configuration, and how values and columns are ranked."""

from typing import Any

import pytest

from catalog_service.feeds.configuration import Match
from catalog_service.feeds.matching import Row, compile_match
from catalog_service.fields.summary import FieldSummary
from catalog_service.suggestions.accept import Accepted, accept
from catalog_service.suggestions.nearest import (
    likeness_of_names,
    nearest_columns,
    nearest_values,
)
from common.errors import Refusal

RED = {"kind": "values", "of": "Rot", "take": "Red", "attribute": "Color"}
KEPT = {"values": {"Rot": "Red"}, "keep": True}


def of(match: Any) -> dict[str, Any]:
    return {"category_attributes": {"Color": match}}


def mapped(**values: str) -> dict[str, Any]:
    return of({"map": {"from": "f", "values": values}})


LEAF = {"kind": "categories", "of": "A > B", "take": "7"}
STOFF = {"kind": "attributes", "of": "Color", "take": "stoff"}
ROWS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({}, LEAF, {"category": {"exact": {"A > B": "7"}}}),
    (
        {"category": {"source": {"field": "c"}, "exact": {"a>b": "5", "X": "6"}}},
        LEAF,
        {"category": {"source": {"field": "c"}, "exact": {"a>b": "7", "X": "6"}}},
    ),
    (
        {"category": {"separator": "/", "exact": {"a/b": "5"}}},
        LEAF | {"of": "A / B"},
        {"category": {"separator": "/", "exact": {"a/b": "7"}}},
    ),
    ({}, STOFF, of({"field": "stoff"})),
    (of({"constant": "X", "default": "Y"}), STOFF, of({"field": "stoff", "default": "Y"})),
    (
        of({"field": "farbe", "unknown": "omit"}),
        RED,
        of({"map": {"from": "farbe", **KEPT}, "unknown": "omit"}),
    ),
    (
        of({"field": "farbe", "separator": ","}),
        RED,
        of({"map": {"from": {"field": "farbe", "separator": ","}, **KEPT}}),
    ),
    (of({"template": "{{ a }}"}), RED, of({"map": {"from": {"template": "{{ a }}"}, **KEPT}})),
    (mapped(rot="Rose", b="B"), RED, mapped(rot="Red", b="B")),
    (mapped(r="Rot", b="B"), RED, mapped(r="Red", b="B")),
    (
        {"sku_attributes": {"Color": {"value": {"field": "f"}, "alias": {"field": "name"}}}},
        RED | {"section": "sku_attributes"},
        {
            "sku_attributes": {
                "Color": {"value": {"map": {"from": "f", **KEPT}}, "alias": {"field": "name"}}
            }
        },
    ),
]


@pytest.mark.parametrize(("document", "accepted", "changed"), ROWS)
def test_accepting_puts_one_thing_in_its_place(
    document: dict[str, Any], accepted: dict[str, Any], changed: dict[str, Any]
) -> None:
    before = repr(document)
    assert accept(document, [Accepted.model_validate(accepted)]) == changed
    assert repr(document) == before


@pytest.mark.parametrize("document", [{}, {"category_attributes": {"Color": {"constant": "Blue"}}}])
def test_a_value_without_a_source_has_no_place(document: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="takes no values"):
        accept(document, [Accepted.model_validate(RED)])


def test_several_are_accepted_one_after_the_other() -> None:
    document = {"category_attributes": {"Color": {"field": "f"}}}
    blue = RED | {"of": "Blau", "take": "Blue"}
    changed = accept(document, [Accepted.model_validate(each) for each in (RED, blue)])
    values = changed["category_attributes"]["Color"]["map"]["values"]
    assert values == {"Rot": "Red", "Blau": "Blue"}


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ("rot", "Red"),
        ("Green", "Green"),
        (["Rot", "Green"], ["Red", "Green"]),
        ("", None),
        (None, None),
    ],
)
def test_a_map_that_keeps_gives_what_it_lacks_as_it_is(value: Any, given: Any) -> None:
    match = compile_match(Match.model_validate({"map": {"from": "f", **KEPT}}))
    assert match.fill(Row("p", None, {"f": value})) == given


MATERIALS = {"1": "Cotton", "2": "Stainless steel", "3": "Polyester", "4": "Wood"}


@pytest.mark.parametrize(
    ("value", "first"),
    [
        ("cottons", "Cotton"),
        ("Polyestr", "Polyester"),
        ("steel, stainless", "Stainless steel"),
        ("100% Cotton", "Cotton"),
        ("WOODEN", "Wood"),
        ("Baumwolle, Cotton", "Cotton"),
    ],
)
def test_the_nearest_allowed_value(value: str, first: str) -> None:
    assert nearest_values(value, MATERIALS)[0].take == first


@pytest.mark.parametrize(
    ("value", "first"),
    [
        ("Large", "L"),
        ("small", "S"),
        ("X-Large", "XL"),
        ("Talla única", "One Size"),
        ("2XL", "XXL"),
    ],
)
def test_a_size_is_found_by_its_other_names(value: str, first: str) -> None:
    sizes = {"1": "S", "2": "L", "3": "XL", "4": "XXL", "5": "One Size", "6": "4XL"}
    assert nearest_values(value, sizes)[0].take == first


def test_short_values_are_no_parts_of_others() -> None:
    sizes = {"1": "XXS", "2": "S", "3": "Silk", "4": ""}
    best = nearest_values("s", sizes)
    assert [(one.take, one.score) for one in best] == [("S", 1.0)]
    assert nearest_values("x", {}) == []


@pytest.mark.parametrize(
    ("value", "allowed"),
    [("Acme", {"1": "NoEnName_Null", "2": "campingsky", "3": "MERCIVERRE"}), ("Grün", MATERIALS)],
)
def test_what_is_like_nothing_gets_nothing(value: str, allowed: dict[str, str]) -> None:
    assert nearest_values(value, allowed) == []


def field(name: str, filled: int, **values: int) -> FieldSummary:
    pairs = sorted(values.items(), key=lambda each: -each[1])
    return FieldSummary(name, filled, len(values), True, pairs)


def test_columns_are_ranked_by_name_values_and_how_often_they_are_filled() -> None:
    fields = [
        field("attr_7", 90, Cotton=50, Wood=40),
        field("material", 100, Baumwolle=100),
        field("title", 100, Shirt=60, Cotton=40),
        field("rare", 1, Cotton=1),
        field("empty", 0),
    ]
    found = nearest_columns("Material", MATERIALS, fields, 100)
    assert [one.take for one in found] == ["attr_7", "material", "rare"]
    assert found[0].why == (
        "100% of its values are allowed ones, as 'Cotton', 'Wood'; 90% of the products have it"
    )
    of_text = nearest_columns("Model Number", {}, [field("model_no", 100, A=1), *fields], 100)
    assert [one.take for one in of_text][:1] == ["model_no"]


@pytest.mark.parametrize(
    ("attribute", "column", "least", "most"),
    [
        ("Material", "material", 1, 1),
        ("Material", "Materialien", 0.8, 1),
        ("Brand Name", "Marke", 0.6, 1),
        ("Brand Name", "brand", 0.6, 1),
        ("Color", "Farbe", 0.6, 1),
        ("Shoe Size", "price", 0, 0.3),
        ("Type", "title", 0, 0.3),
        ("Pattern Type", "Product Category", 0, 0.3),
    ],
)
def test_names_mean_the_same(attribute: str, column: str, least: float, most: float) -> None:
    assert least <= likeness_of_names(attribute, column) <= most
