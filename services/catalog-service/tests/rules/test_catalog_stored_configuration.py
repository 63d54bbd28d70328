"""What a PUT takes is what the worker reads: bounded, and equal after it was stored."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from catalog_service.feeds.compile import compile_feed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.matching import MatchFailed, Row
from catalog_service.feeds.stored import body_of, compile_body, compile_form
from catalog_service.feeds.work import FamilyTooCostly
from common.errors import Refusal

BASE: dict[str, Any] = {
    "shop": "s",
    "catalogue": "c",
    "main_locale": "en_US",
    "currency": "USD",
    "category": {"source": {"field": "path"}, "exact": {"Clocks": "1"}},
    "languages": {"en_US": {"title": {"field": "t"}, "description": {"field": "d"}}},
    "attributes": {"sku_code": {"field": "sku"}, "price": {"field": "price"}},
}


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

TEXTS = st.text(max_size=12) | st.sampled_from(["", "on", "true", "1", "a\x00", "\ud800", "\ufdfa"])
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**16, -(2**63), 2**64, -0.0, 1e15])
SCALARS = TEXTS | st.booleans() | NUMBERS
NAMES = st.text(min_size=1, max_size=8)
CONSTANTS = SCALARS | st.lists(TEXTS, max_size=4)
COUNTRIES = st.sampled_from(["US", "ES", "FR"])
IDS = st.sampled_from(["1", 2, "33", True, "x"])


def _beside(form: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    extras = st.fixed_dictionaries(
        {},
        optional={
            "default": CONSTANTS | st.none(),
            "separator": st.text(max_size=3),
            "truncate": st.integers(0, 300_000),
            "unknown": st.sampled_from(["reject", "other", "default", "omit", "alias"]),
        },
    )
    return st.builds(lambda own, beside: beside | own, form, extras)


def _maps(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    values = st.fixed_dictionaries(
        {"from": NAMES | inner, "values": st.dictionaries(TEXTS, CONSTANTS, max_size=4)},
        optional={"default": CONSTANTS | st.none()},
    )
    return _beside(st.fixed_dictionaries({"map": values}))


MATCHES = st.recursive(
    _beside(
        st.fixed_dictionaries({"field": NAMES})
        | st.fixed_dictionaries({"constant": CONSTANTS})
        | st.fixed_dictionaries({"template": st.sampled_from(["{{ a }}", "{{ 'x' | upper }} y"])})
    ),
    _maps,
    max_leaves=4,
)
TESTS = st.one_of(
    *(
        st.fixed_dictionaries({"field": NAMES, name: values})
        for name, values in {
            "equals": SCALARS,
            "contains": TEXTS,
            "in": st.lists(SCALARS, max_size=4),
            "empty": st.booleans(),
            "matches": st.sampled_from(["^a", "[0-9]+", "("]),
        }.items()
    ),
    st.fixed_dictionaries(
        {"field": NAMES, "compare": st.sampled_from(["<", ">="]), "value": NUMBERS | TEXTS}
    ),
)
RULES = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"all": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, max_size=3)}),
    ),
    max_leaves=6,
)
SKU_ATTRIBUTES = MATCHES | st.fixed_dictionaries(
    {"value": MATCHES}, optional={"alias": MATCHES, "image_url": MATCHES}
)
SECTIONS = {
    "category_attributes": st.dictionaries(NAMES, MATCHES, max_size=2),
    "sku_attributes": st.dictionaries(NAMES, SKU_ATTRIBUTES, max_size=2),
    "user_defined_attributes": st.dictionaries(NAMES, MATCHES, max_size=2),
}
CONFIGURATIONS = st.fixed_dictionaries(
    {},
    optional={
        **SECTIONS,
        "exclude": RULES,
        "image_checks": st.sampled_from(["on", "off", True, False]),
        "units": st.fixed_dictionaries({}, optional={"decimal": st.sampled_from([".", ","])}),
        "countries": st.lists(COUNTRIES, max_size=3),
        "country_prices": st.dictionaries(
            COUNTRIES,
            st.fixed_dictionaries({"price": MATCHES}, optional={"discount_price": MATCHES}),
            max_size=2,
        ),
        "category": st.fixed_dictionaries(
            {"source": MATCHES},
            optional={
                "separator": st.text(max_size=3),
                "exact": st.dictionaries(TEXTS, IDS, max_size=3),
                "prefix": st.dictionaries(TEXTS, IDS, max_size=3),
            },
        ),
        "overrides": st.dictionaries(
            st.sampled_from(["1", "22"]), st.fixed_dictionaries({}, optional=SECTIONS), max_size=2
        ),
    },
)


@settings(max_examples=100, deadline=None)
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
