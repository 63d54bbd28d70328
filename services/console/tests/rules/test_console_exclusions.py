"""Exclusion rules: added, removed by place, and said."""

from typing import Any

import pytest

from console.pages.feeds.rules import alternatives, made, said_of, with_rule, without

A, B, C = ({"field": name, "equals": "x"} for name in "abc")


def test_each_rule_of_an_any_excludes_by_itself() -> None:
    nested = {"any": [A, {"any": [B, C]}]}
    assert list(alternatives(nested)) == [
        ("exclude.any.0", A),
        ("exclude.any.1.any.0", B),
        ("exclude.any.1.any.1", C),
    ]
    assert list(alternatives({"all": [A, B]})) == [("exclude", {"all": [A, B]})]
    assert list(alternatives(None)) == []


@pytest.mark.parametrize(
    ("exclude", "place", "left"),
    [
        (A, "exclude", None),
        ({"any": [A]}, "exclude.any.0", None),
        ({"any": [A, B]}, "exclude.any.0", {"any": [B]}),
        ({"any": [A, {"any": [B, C]}]}, "exclude.any.1.any.0", {"any": [A, {"any": [C]}]}),
        ({"any": [A, B]}, "exclude.any.7", {"any": [A, B]}),
        ({"all": [A, B]}, "exclude.all.0", {"all": [A, B]}),
    ],
)
def test_a_rule_is_removed_by_its_place(exclude: Any, place: str, left: Any) -> None:
    assert without(exclude, place) == left


def test_one_more_rule_leaves_the_others_as_they_are() -> None:
    assert with_rule(None, A) == A
    assert with_rule(A, B) == {"any": [A, B]}
    assert with_rule({"any": [A, B]}, C) == {"any": [A, B, C]}
    assert with_rule({"all": [A, B]}, C) == {"any": [{"all": [A, B]}, C]}


@pytest.mark.parametrize(
    ("test", "value", "rule"),
    [
        ("equals", "10", {"equals": "10"}),
        ("in", "a, b,,c", {"in": ["a", "b", "c"]}),
        ("<=", "4.5", {"compare": "<=", "value": "4.5"}),
        ("empty", "", {"empty": True}),
        ("filled", "", {"empty": False}),
        ("matches", "^a", {"matches": "^a"}),
    ],
)
def test_a_rule_is_said_as_it_was_typed(test: str, value: str, rule: dict[str, Any]) -> None:
    typed = made("f", test, value)
    assert typed == {"field": "f", **rule}
    said = said_of(typed)
    assert said is not None
    assert said[:2] == ("f", test)
    assert said_of({"all": [typed]}) is None
