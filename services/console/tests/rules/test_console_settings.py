"""A feed's settings as a form: what is typed goes where it stood, and nothing else changes."""

from typing import Any

import pytest

from console.forms import Form
from console.pages.feeds import terms
from console.services import FieldProblem, Problem

CONFIGURATION: dict[str, Any] = {
    "shop": "main",
    "currency": "USD",
    "image_checks": "off",
    "units": {"weight": "g"},
    "attributes": {
        "price": {"field": "Price"},
        "package_weight": {"field": "Grams", "unknown": "reject"},
        "shipping_preparation_time": {"constant": 3},
    },
}


def test_a_form_that_was_not_touched_changes_nothing() -> None:
    values = terms.values_of(CONFIGURATION)
    assert terms.changed(CONFIGURATION, Form([*values.items()])) == CONFIGURATION


def test_a_column_stays_and_what_is_typed_stands_in_for_it() -> None:
    form = Form([("package_weight", "250"), ("shipping_preparation_time", "5")])
    attributes = terms.changed(CONFIGURATION, form)["attributes"]
    assert attributes["package_weight"] == {
        "field": "Grams",
        "unknown": "reject",
        "default": "250",
    }
    assert attributes["shipping_preparation_time"] == {"constant": "5"}
    assert attributes["price"] == {"field": "Price"}
    assert terms.sources_of(CONFIGURATION) == {"package_weight": "Grams"}


def test_what_is_emptied_is_not_said_any_more() -> None:
    form = Form([("shipping_preparation_time", ""), ("size_chart_id", "")])
    attributes = terms.changed(CONFIGURATION, form)["attributes"]
    assert "shipping_preparation_time" not in attributes
    assert "size_chart_id" not in attributes


@pytest.mark.parametrize(
    ("sent", "changed"),
    [
        ([("image_checks", "off"), ("image_checks", "on")], {"image_checks": True}),
        ([("photo_bank", "off")], {}),
        (
            [("countries", ""), ("countries", "es"), ("countries", "FR")],
            {"countries": ["ES", "FR"]},
        ),
        ([("countries", "es, fr;es")], {"countries": ["ES", "FR"]}),
        ([("currency", "eur")], {"currency": "EUR"}),
        ([("units_decimal", ",")], {"units": {"weight": "g", "decimal": ","}}),
    ],
)
def test_each_kind_of_setting(sent: list[tuple[str, str]], changed: dict[str, Any]) -> None:
    assert terms.changed(CONFIGURATION, Form(sent)) == {**CONFIGURATION, **changed}


def test_a_problem_stands_at_the_input_where_it_was_typed() -> None:
    problem = Problem(
        title="no",
        status=422,
        field="attributes.package_weight.default",
        errors=[FieldProblem("body.units.time_zone", "unknown"), FieldProblem("exclude", "odd")],
    )
    placed = terms.at_its_input(problem)
    assert placed is not None
    assert placed.field == "package_weight"
    assert [each.field for each in placed.errors] == ["units_time_zone", "exclude"]
