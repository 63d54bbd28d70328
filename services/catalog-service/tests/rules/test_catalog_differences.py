"""What two configurations differ in: in words, and as a JSON Patch that makes one of the other."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.feeds.differences import (
    NOTHING,
    find_changes,
    in_words,
    is_match,
    is_same,
    json_patch,
)

PRICE = {"attributes": {"price": {"field": "price"}}}


def words(old: Any, new: Any) -> list[str]:
    return [in_words(change) for change in find_changes(old, new)]


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (PRICE, PRICE, []),
        (
            PRICE,
            {"attributes": {"price": {"field": "sale_price"}}},
            ["attributes.price: field price -> field sale_price"],
        ),
        (
            PRICE,
            {"attributes": {"price": {"constant": 5}}},
            ["attributes.price: field price -> constant 5"],
        ),
        (
            PRICE,
            {"attributes": {"price": {"field": "price", "default": 1}}},
            ["attributes.price: field price -> field price, default 1"],
        ),
        (PRICE, {"attributes": {}}, ["attributes.price: removed field price"]),
        (
            {"attributes": {}},
            {"attributes": {"title": {"template": "{{ a }}"}}},
            ["attributes.title: added template {{ a }}"],
        ),
        ({"image_checks": True}, {"image_checks": False}, ["image_checks: true -> false"]),
        ({"a": 1}, {"a": True}, ["a: 1 -> true"]),
        ({"a": 1}, {"a": 1.0}, ["a: 1 -> 1.0"]),
        ({"a": "1"}, {"a": 1}, ["a: 1 -> 1"]),
        ({"a": ""}, {"a": " "}, ['a: "" -> " "']),
        (
            {"countries": ["US", "ES"]},
            {"countries": ["US", "FR", "ES"]},
            ["countries.1: added FR"],
        ),
        ({"countries": ["US", "ES"]}, {"countries": ["ES"]}, ["countries.0: removed US"]),
        (
            {"s": {"map": {"from": "season", "values": {"SS": "Summer", "FW": "Winter"}}}},
            {"s": {"map": {"from": "season", "values": {"SS": "Spring", "FW": "Winter"}}}},
            ["s.map.values.SS: Summer -> Spring"],
        ),
        (
            {"s": {"map": {"from": "season", "values": {"SS": "Summer"}}}},
            {"s": {"map": {"from": "time", "values": {"SS": "Summer"}}}},
            ["s: map of 1 values from season -> map of 1 values from time"],
        ),
        (
            {"exclude": {"any": [{"field": "a", "empty": True}, {"field": "b", "equals": 1}]}},
            {"exclude": {"any": [{"field": "a", "empty": True}, {"field": "b", "equals": 2}]}},
            ["exclude.any.1.equals: 1 -> 2"],
        ),
        # sections that look like matches by their names alone
        (
            {"category_attributes": {"field": {"constant": 1}}},
            {"category_attributes": {"field": {"constant": 2}}},
            ["category_attributes.field: constant 1 -> constant 2"],
        ),
    ],
)
def test_a_change_is_a_line_with_its_path(old: Any, new: Any, lines: list[str]) -> None:
    assert words(old, new) == lines


@pytest.mark.parametrize(
    "value",
    [{"field": {"constant": 1}}, {"map": {"field": "a"}}, {"constant": {"field": "a"}}, {}, [], 1],
)
def test_a_section_is_no_match(value: Any) -> None:
    assert not is_match(value)


def test_a_long_value_is_cut() -> None:
    (line,) = words({"a": "x"}, {"a": "y" * 5_000})
    assert len(line) < 200
    assert line.endswith(" ...")


NAMES = st.sampled_from(["a", "b", "a/b", "~", "~1", "", "0", "field", "map", "values"])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
)
MATCHES = st.one_of(
    st.fixed_dictionaries({"field": st.text(max_size=2)}, optional={"default": LEAVES}),
    st.fixed_dictionaries({"constant": LEAVES}),
    st.fixed_dictionaries(
        {
            "map": st.fixed_dictionaries(
                {"from": st.text(max_size=1), "values": st.dictionaries(NAMES, LEAVES, max_size=3)}
            )
        }
    ),
)
DOCUMENTS = st.recursive(
    LEAVES | MATCHES,
    lambda inner: st.dictionaries(NAMES, inner, max_size=4) | st.lists(inner, max_size=5),
    max_leaves=20,
)


def patched(document: Any, patch: list[dict[str, Any]]) -> Any:
    """The document after the patch, by RFC 6902 and nothing of ours."""
    root = {"": copy.deepcopy(document)}
    for operation in patch:
        steps = [
            step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")
        ]
        here: Any = root
        for step in steps[:-1]:
            here = here[int(step)] if isinstance(here, list) else here[step]
        last = steps[-1]
        match operation["op"], here:
            case "add", list():
                assert 0 <= int(last) <= len(here)
                here.insert(int(last), operation["value"])
            case "add", _:
                here[last] = operation["value"]
            case "remove", list():
                del here[int(last)]
            case "remove", _:
                del here[last]
            case "replace", list():
                here[int(last)] = operation["value"]
            case _:
                assert last in here
                here[last] = operation["value"]
    return root[""]


@given(DOCUMENTS, DOCUMENTS)
def test_the_patch_makes_the_new_of_the_old(old: Any, new: Any) -> None:
    patch = json.loads(json.dumps(json_patch(find_changes(old, new))))
    assert is_same(patched(old, patch), new)


@given(DOCUMENTS)
def test_a_document_does_not_differ_from_itself(document: Any) -> None:
    again = json.loads(json.dumps(document))
    assert find_changes(document, again) == []


def found_at(document: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if not isinstance(document, dict) or step not in document:
            return NOTHING
        document = document[step]
    return document


def leaves_of(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if isinstance(value, dict) and value:
        return {p: leaf for k, v in value.items() for p, leaf in leaves_of(v, (*path, k)).items()}
    return {path: value}


WITHOUT_LISTS = st.recursive(
    LEAVES | MATCHES, lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=20
)


@given(WITHOUT_LISTS, WITHOUT_LISTS)
def test_each_changed_leaf_is_in_exactly_one_change(old: Any, new: Any) -> None:
    changed = set()
    for path in leaves_of(old).keys() | leaves_of(new).keys():
        before, after = found_at(old, path), found_at(new, path)
        if not (isinstance(before, dict) and isinstance(after, dict)):  # its own leaves say it
            changed |= set() if is_same(before, after) else {path}
    changes = find_changes(old, new)
    for path in changed:
        assert sum(path[: len(change.path)] == change.path for change in changes) == 1, path
    for change in changes:
        assert any(path[: len(change.path)] == change.path for path in changed)
