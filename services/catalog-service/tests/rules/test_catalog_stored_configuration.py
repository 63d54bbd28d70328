"""What a PUT takes is what the worker reads: bounded, and equal after it was stored."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given, settings
from pydantic import ValidationError

from catalog_service.feeds.compile import compile_feed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.matching import MatchFailed, Row
from catalog_service.feeds.stored import body_of, compile_body, compile_form
from catalog_service.feeds.work import FamilyTooCostly
from common.errors import Refusal

from ..random_configurations import BASE, CONFIGURATIONS


def with_match(match: object) -> dict[str, Any]:
    return BASE | {"attributes": BASE["attributes"] | {"ean_code": match}}


def nested(levels: int, innermost: object, wrap: Any) -> Any:
    value = innermost
    for _ in range(levels):
        value = wrap(value)
    return value


TEST = {"field": "a", "equals": "x"}
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "infinite": (with_match({"constant": float("inf")}), "attributes.ean_code.constant"),
    "not a number": (with_match({"constant": float("nan")}), "attributes.ean_code.constant"),
    "a default": (with_match({"field": "a", "default": 1e999}), "attributes.ean_code.default"),
    "a huge integer": (with_match({"constant": 10**400}), "attributes.ean_code.constant"),
    "a huge float": (with_match({"constant": 1e300}), "attributes.ean_code.constant"),
    "NUL": (with_match({"constant": "a\x00"}), "attributes.ean_code.constant"),
    "half a character": (with_match({"constant": "\ud800"}), "attributes.ean_code.constant"),
    "NUL in a list": (with_match({"constant": ["\x00"]}), "attributes.ean_code.constant"),
    "NUL in a field": (with_match({"field": "\x00"}), "attributes.ean_code.field"),
    "NUL in a map's key": (
        with_match({"map": {"from": "a", "values": {"\x00": 1}}}),
        "attributes.ean_code.map.values",
    ),
    "an infinite value": (
        with_match({"map": {"from": "a", "values": {"a": float("-inf")}}}),
        "attributes.ean_code.map.values.a",
    ),
    "a list too long": (with_match({"constant": ["x"] * 1_001}), "attributes.ean_code.constant"),
    "a deep rule": (
        BASE | {"exclude": nested(200, TEST, lambda rule: {"not": rule})},
        "exclude",
    ),
    "deep groups": (
        BASE | {"exclude": nested(60, TEST, lambda rule: {"all": [rule]})},
        "exclude",
    ),
    "deep maps": (
        with_match(
            nested(60, {"field": "a"}, lambda inner: {"map": {"from": inner, "values": {}}})
        ),
        "attributes.ean_code",
    ),
    "an infinite bound": (
        BASE | {"exclude": {"field": "a", "compare": "<", "value": float("inf")}},
        "exclude.value",
    ),
    "an infinite choice": (
        BASE | {"exclude": {"field": "a", "in": ["x", float("nan")]}},
        "exclude.in",
    ),
    "a category that is none": (
        BASE | {"category": {"source": {"field": "p"}, "exact": {"a": {"deep": {}}}}},
        "category.exact.a",
    ),
    "a digit of another script": (
        BASE | {"category": {"source": {"field": "p"}, "exact": {"a": "\u0663"}}},
        "category.exact.a",
    ),
}


@pytest.mark.parametrize(("raw", "field"), HOSTILE.values(), ids=HOSTILE)
def test_what_cannot_be_kept_is_refused_with_its_place(raw: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        FeedConfiguration.model_validate(raw)
    places = {".".join(map(str, error["loc"])) for error in refused.value.errors()}
    assert all(place.startswith(field) for place in places)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (
            {
                "user_defined_attributes": {
                    f"a{n}": {"template": "{{ a }}" * 500} for n in range(20)
                }
            },
            "attributes",
        ),
        ({"exclude": {"any": [TEST] * 1_001}}, "exclude"),
        ({"exclude": {"any": [{"field": "a", "matches": f"a{n}"} for n in range(101)]}}, "exclude"),
        ({"exclude": {"field": "a", "matches": "(a{1000}){1000}"}}, "exclude"),
        ({"exclude": {"field": "a", "matches": "(?=a)"}}, "exclude"),
        ({"exclude": {"field": "a", "compare": "<", "value": "ten"}}, "exclude"),
        ({"exclude": {"field": "a", "compare": "<", "value": "NaN"}}, "exclude"),
        (
            {"user_defined_attributes": {"a": {"template": "{{ " + "9" * 3_900 + " }}"}}},
            "user_defined_attributes.a",
        ),
    ],
    ids=[
        "templates",
        "rules",
        "patterns",
        "a large pattern",
        "look-around",
        "a word",
        "NaN",
        "a literal",
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_place(
    changes: dict[str, Any], field: str
) -> None:
    form = FeedConfiguration.model_validate(BASE | changes)
    with pytest.raises(Refusal) as refused:
        compile_form("m", "f", 1, form)
    assert (refused.value.status, refused.value.field) == (422, field)
    assert refused.value.remedy


def test_a_whole_configuration_has_a_bound() -> None:
    values = {str(n): "x" * 150_000 for n in range(20)}
    form = FeedConfiguration.model_validate(with_match({"map": {"from": "a", "values": values}}))
    with pytest.raises(Refusal, match="characters"):
        compile_form("m", "f", 1, form)


@pytest.mark.parametrize(
    "body",
    [
        body_of(FeedConfiguration.model_validate(BASE)).replace('"field":"sku"', '"constant":null'),
        "",
        "[]",
        "null",
        "{" * 500,
        json.dumps(BASE | {"exclude": nested(200, TEST, lambda rule: {"not": rule})}),
        json.dumps(BASE | {"unknown": 1}),
    ],
    ids=["null", "empty", "a list", "nothing", "no JSON", "deep", "of a newer release"],
)
def test_a_stored_configuration_that_cannot_be_used_is_named(body: str) -> None:
    with pytest.raises(Refusal) as refused:
        compile_body("m", "f", 1, body)
    assert refused.value.remedy


def test_thousands_of_overrides_share_what_is_general() -> None:
    general = {f"n{n}": {"field": "a"} for n in range(1_000)}
    form = FeedConfiguration.model_validate(
        BASE
        | {"category_attributes": general}
        | {"overrides": {str(n): {"category_attributes": {"own": TEMPLATE}} for n in range(1_000)}}
    )
    feed = compile_feed("m", "f", 1, form)
    assert feed.matches("7").category_attributes.keys() == {*general, "own"}


TEMPLATE = {"template": "{{ a }}"}


# -- bounded time -----------------------------------------------------------------------------

LONG = "ab" * 100_000
COSTLY_RULES: dict[str, object] = {
    "a pattern of many states": {"field": "a", "matches": "[ab]{0,100}a[ab]{100}c"},
    "repeated patterns": {
        "any": [{"field": "a", "matches": f"(a|b)*a(a|b){{20}}{n}"} for n in range(100)]
    },
    "a thousand tests": {"any": [{"field": "a", "contains": f"x{n}"} for n in range(990)]},
    "a long list": {"not": {"field": "list", "in": [f"x{n}" for n in range(20_000)]}},
    "numbers": {"any": [{"field": "number", "compare": "<", "value": 1}] * 900},
}


@pytest.mark.parametrize("rule", COSTLY_RULES.values(), ids=COSTLY_RULES)
def test_a_rule_ends_in_bounded_time(rule: object) -> None:
    feed = compile_feed("m", "f", 1, FeedConfiguration.model_validate(BASE | {"exclude": rule}))
    assert feed.is_excluded is not None
    fields: dict[str, Any] = {
        "a": LONG + "c",
        "list": ["ab" * 500] * 1_000,
        "number": "9" * 200_000,
    }
    began = time.thread_time()
    with suppress(FamilyTooCostly):
        feed.is_excluded(fields)
    assert time.thread_time() - began < 1


@pytest.mark.parametrize(
    "form",
    [
        {"field": "blanks", "separator": "|"},
        {"field": "parts", "separator": "|"},
        {"template": "{{ parts | split('|') }}"},
        {"field": "parts", "truncate": 10},
        {"map": {"from": {"field": "parts", "separator": "|"}, "values": {"x": "y"}}},
    ],
    ids=["blanks", "parts", "a template", "cut", "a map"],
)
def test_a_match_ends_in_bounded_time(form: dict[str, Any]) -> None:
    feed = compile_feed("m", "f", 1, FeedConfiguration.model_validate(with_match(form)))
    row = Row("id", None, {"blanks": "|" * 200_000, "parts": "p|" * 100_000})
    began = time.thread_time()
    with suppress(MatchFailed):
        feed.general.attributes["ean_code"].fill(row)
    assert time.thread_time() - began < 0.2


def test_a_category_path_of_many_steps_ends_in_bounded_time() -> None:
    changes = {"category": {"source": {"field": "path"}, "prefix": {"a > b": "1", "": "2"}}}
    feed = compile_feed("m", "f", 1, FeedConfiguration.model_validate(BASE | changes))
    assert feed.category.find(Row("id", None, {"path": "a > b" + " > c" * 900})) == "1"
    began = time.thread_time()
    with pytest.raises(MatchFailed, match="values"):
        feed.category.find(Row("id", None, {"path": "a > " * 50_000}))
    assert time.thread_time() - began < 0.2


# -- whatever is taken is read back -------------------------------------------------------------


@settings(deadline=None)
@given(CONFIGURATIONS)
def test_whatever_is_taken_is_read_back_and_compiled_equal(changes: dict[str, Any]) -> None:
    raw = json.loads(json.dumps(BASE | changes))  # as it comes over REST, NaN and Infinity too
    try:
        form = FeedConfiguration.model_validate(raw)
        accepted = compile_form("m", "f", 1, form)
    except (ValidationError, Refusal):
        assume(False)
    body = body_of(form)
    assert "\x00" not in body.encode().decode()  # Postgres keeps it
    read = compile_body("m", "f", 1, body)
    assert read.form == form == accepted.form
    assert body_of(read.form) == body
