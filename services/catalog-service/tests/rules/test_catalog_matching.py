"""Matches, configurations and exclusions."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from catalog_service.feeds.compile import compile_feed
from catalog_service.feeds.configuration import FeedConfiguration, Match, Rule
from catalog_service.feeds.exclusions import PatternInvalid, compile_rule
from catalog_service.feeds.matching import ANY_ROW, MatchFailed, Row, compile_match
from common.contracts.catalog import FieldValue
from common.errors import Refusal


def row(**fields: FieldValue) -> Row:
    return Row("id-1", "parent-1", fields)


@pytest.mark.parametrize(
    ("form", "fields", "value"),
    [
        ({"field": "a"}, {"a": " x "}, "x"),
        ({"field": "a"}, {"a": 3}, "3"),
        ({"field": "a"}, {"a": True}, "true"),
        ({"field": "a"}, {"a": ["x", " ", "y"]}, ["x", "y"]),
        ({"field": "a"}, {"a": "  "}, None),
        ({"field": "a", "default": "d"}, {}, "d"),
        ({"field": "product_id"}, {}, "id-1"),
        ({"field": "product_id"}, {"product_id": "own"}, "own"),
        ({"constant": 0}, {}, "0"),
        ({"constant": ["x"]}, {}, ["x"]),
        ({"field": "a", "separator": "|"}, {"a": "x| y |"}, ["x", "y"]),
        ({"field": "a", "truncate": 5}, {"a": "one two"}, "one"),
        ({"template": "{{ b }}", "default": "d"}, {}, "d"),
        ({"map": {"from": "a", "values": {"SS": "Summer"}}}, {"a": " ss "}, "Summer"),
        ({"map": {"from": "a", "values": {"SS": "Summer"}, "default": "All"}}, {"a": "x"}, "All"),
        ({"map": {"from": "a", "values": {True: 20, False: 0}}}, {"a": "true"}, "20"),
        ({"map": {"from": "a", "values": {True: 20, False: 0}}}, {"a": False}, "0"),
        ({"map": {"from": {"template": "{{ a }}"}, "values": {"x": "y"}}}, {"a": "x"}, "y"),
    ],
)
def test_a_match_fills_from_a_row(
    form: dict[str, Any], fields: Mapping[str, FieldValue], value: object
) -> None:
    assert compile_match(Match.model_validate(form)).fill(row(**fields)) == value


@pytest.mark.parametrize(
    ("form", "fields", "value"),
    [
        ({"field": "a"}, {"a": 3}, 3),
        ({"field": "a"}, {"a": 0.5}, 0.5),
        ({"field": "a"}, {"a": " 0.5 "}, "0.5"),
        ({"field": "a"}, {"a": True}, "true"),
        ({"field": "a"}, {"a": ["0.5"]}, "0.5"),
        ({"field": "a"}, {"a": " "}, None),
        ({"field": "a", "default": 0.5}, {}, 0.5),
        ({"field": "a", "default": "0.5"}, {}, "0.5"),
        ({"constant": 0}, {}, 0),
        ({"template": "{{ a | float * 2 }}"}, {"a": "0.5"}, 1.0),
        ({"template": "{{ a }} kg"}, {"a": 0.5}, "0.5 kg"),
        ({"template": "{{ b }}", "default": 7}, {}, 7),
        ({"template": "{{ [a] }}"}, {"a": 0.5}, 0.5),
        ({"map": {"from": "a", "values": {"x": 20}}}, {"a": "x"}, 20),
        ({"map": {"from": "a", "values": {"x": "20"}, "default": 5}}, {"a": "y"}, 5),
        ({"field": "a", "separator": "|"}, {"a": "0.5|"}, "0.5"),
    ],
)
def test_a_quantity_is_a_number_where_the_source_gives_one(
    form: dict[str, Any], fields: Mapping[str, FieldValue], value: object
) -> None:
    given = compile_match(Match.model_validate(form)).quantity(row(**fields))
    assert (given, type(given)) == (value, type(value))


def test_of_several_values_none_is_chosen_as_the_quantity() -> None:
    with pytest.raises(MatchFailed, match="2 values"):
        compile_match(Match(field="a")).quantity(row(a=["1", "2"]))


def test_a_template_over_a_missing_field_says_which() -> None:
    match = compile_match(Match(template="{{ absent }}"))
    with pytest.raises(MatchFailed, match="absent"):
        match.fill(row())


@pytest.mark.parametrize(
    "form",
    [{}, {"field": "a", "constant": "b"}, {"field": ""}, {"feild": "a"}, {"default": "x"}],
    ids=["nothing", "two sources", "no name", "misspelt", "default alone"],
)
def test_a_match_that_is_none_is_refused(form: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Match.model_validate(form)


@pytest.mark.parametrize(
    ("rule", "fields", "is_met"),
    [
        ({"field": "a", "equals": "X"}, {"a": "x "}, True),
        ({"field": "a", "equals": True}, {"a": "true"}, True),
        ({"field": "a", "equals": "x"}, {}, False),
        ({"field": "a", "contains": "ell"}, {"a": "HELLO"}, True),
        ({"field": "a", "in": ["x", 3]}, {"a": 3}, True),
        ({"field": "a", "compare": "<", "value": 10}, {"a": "9.5"}, True),
        ({"field": "a", "compare": ">=", "value": 10}, {"a": "ten"}, False),
        ({"field": "a", "empty": True}, {"a": " "}, True),
        ({"field": "a", "empty": False}, {"a": ["x"]}, True),
        ({"field": "a", "matches": "^b.+d$"}, {"a": "bread"}, True),
        ({"field": "a", "equals": "x"}, {"a": ["w", "x"]}, True),
        ({"not": {"field": "a", "equals": "x"}}, {"a": "y"}, True),
        ({"all": [{"field": "a", "equals": "x"}, {"field": "b", "empty": True}]}, {"a": "x"}, True),
        ({"any": [{"field": "a", "equals": "x"}, {"field": "b", "equals": "y"}]}, {"b": "y"}, True),
    ],
)
def test_an_exclusion_tests_fields(
    rule: dict[str, Any], fields: Mapping[str, FieldValue], is_met: bool
) -> None:
    assert compile_rule(Rule.model_validate(rule))(fields) is is_met


def test_a_regular_expression_takes_linear_time() -> None:
    test = compile_rule(Rule(field="a", matches="^(a+)+$"))
    assert not test({"a": "a" * 50_000 + "b"})
    with pytest.raises(PatternInvalid):
        compile_rule(Rule(field="a", matches="(?=x)("))


def configuration(**changes: Any) -> FeedConfiguration:
    base: dict[str, Any] = {
        "shop": "s",
        "catalogue": "c",
        "main_locale": "en_US",
        "currency": "USD",
        "category": {
            "source": {"field": "path"},
            "exact": {"Women > Dresses > Midi": 1},
            "prefix": {"Women": "2", "Women>Dresses": "3", "": "9"},
        },
        "languages": {"en_US": {"title": {"field": "t"}, "description": {"field": "d"}}},
        "attributes": {"sku_code": {"field": "sku"}, "price": {"field": "price"}},
    }
    return FeedConfiguration.model_validate(base | changes)


@pytest.mark.parametrize(
    ("path", "leaf"),
    [
        ("Women > Dresses > Midi", "1"),
        ("women>DRESSES > midi", "1"),
        ("Women > Dresses > Maxi", "3"),
        ("Women > Dressesandmore", "2"),
        ("Women", "2"),
        ("Men > Hats", "9"),
        ("", "9"),
    ],
)
def test_the_exact_path_wins_then_the_longest_prefix(path: str, leaf: str) -> None:
    feed = compile_feed("m", "f", 1, configuration())
    assert feed.category.find(row(path=path)) == leaf


def test_an_override_replaces_only_what_it_names() -> None:
    override = {"1": {"attributes": {"package_weight": {"constant": 2}}}}
    feed = compile_feed("m", "f", 1, configuration(overrides=override))
    assert feed.matches("1").attributes["package_weight"].fill(row()) == "2"
    assert "sku_code" in feed.matches("1").attributes
    assert "package_weight" not in feed.matches("2").attributes


@pytest.mark.parametrize(
    "changes",
    [
        {"main_locale": "es_ES"},
        {"attributes": {"price": {"field": "p"}}},
        {"languages": {"en_US": {"title": {"field": "t"}}}},
        {"currency": "dollars"},
        {"unknown": 1},
    ],
    ids=["no main texts", "no sku code", "no description", "currency", "unknown key"],
)
def test_a_configuration_without_the_mandatory_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        configuration(**changes)


def test_a_bad_template_is_refused_with_its_place() -> None:
    texts = {"title": {"template": "{{ t"}, "description": {"field": "d"}}
    with pytest.raises(Refusal) as refusal:
        compile_feed("m", "f", 1, configuration(languages={"en_US": texts}))
    assert refusal.value.field == "languages.en_US.title"


@pytest.mark.parametrize(("given", "is_on"), [("off", False), ("on", True), (False, False)])
def test_a_switch_is_read_as_yaml_and_json_write_it(given: object, is_on: bool) -> None:
    assert configuration(image_checks=given).image_checks is is_on


def test_compiling_constants_uses_nothing_up_that_others_need() -> None:
    left = ANY_ROW.budget.left
    for number in range(100):
        match = compile_match(Match(constant=f" {number} "))
        assert match.fill(ANY_ROW) == str(number)
    assert ANY_ROW.budget.left == left


def test_a_text_is_a_plain_one_whatever_gave_it() -> None:
    class Marked(str):
        __slots__ = ()

        def strip(self, _characters: str | None = None) -> str:
            return Marked(super().strip())

    row = Row("p", None, {"title": Marked(" <b> ")})
    assert type(compile_match(Match(field="title")).fill(row)) is str
