"""Exclusions compare as the merchant means: numbers as numbers, texts without regard to case."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.feeds.compile import compile_feed
from catalog_service.feeds.configuration import FeedConfiguration, Rule
from catalog_service.feeds.exclusions import alternatives
from common.contracts.catalog import FieldValue
from common.errors import Refusal


def is_met(rule: Any, fields: Mapping[str, FieldValue], decimal: str = ".") -> bool:
    feed = compile_feed("m", "f", 1, configuration(exclude=rule, units={"decimal": decimal}))
    assert feed.is_excluded is not None
    return feed.is_excluded(fields)


def configuration(**changes: Any) -> FeedConfiguration:
    base: dict[str, Any] = {
        "shop": "s",
        "catalogue": "c",
        "main_locale": "en_US",
        "currency": "EUR",
        "category": {"source": {"field": "path"}},
        "languages": {"en_US": {"title": {"field": "t"}, "description": {"field": "t"}}},
        "attributes": {"sku_code": {"field": "sku"}, "price": {"field": "price"}},
    }
    return FeedConfiguration.model_validate(base | changes)


EQUAL: list[tuple[object, FieldValue, str]] = [
    (10, "10", "."),
    (10, "10.0", "."),
    (10, "10.00 ", "."),
    (10, "10 EUR", "."),
    (10, "€10", "."),
    (10, 10.0, "."),
    (10.0, 10, "."),
    ("10", 10, "."),
    ("10.0", 10, "."),
    ("10,0", 10, ","),
    ("10", 10.0, ","),
    (10, "10,0", ","),
    (10, "10,00 €", ","),
    (1000, "1,000", "."),
    (1000, "1.000", ","),
    (1000, "1 000", ","),
    (0.5, ".5", "."),
    (0.5, "0,50", ","),
    (-4, "4-", "."),
    (-4, "(4)", "."),
    (-4, "\u22124", "."),
    (10, ["9", "10.0"], "."),
    (12345678901234567890 // 10, 12345678901234567890 // 10, "."),
    (True, "TRUE", "."),
    ("Red", "rED ", "."),
    ("stra\u00dfe", "STRASSE", "."),
]
OTHER: list[tuple[object, FieldValue, str]] = [
    (10, "100", "."),
    (10, "10 USD", "."),
    (10, "10 pieces", "."),
    (10, "10,0", "."),
    (1.234, "1.234", ","),
    (1, True, "."),
    (1, "true", "."),
    ("7", "007", "."),
    ("10", "10.0", "."),
    (10, "", "."),
    (10, [], "."),
]


@pytest.mark.parametrize("form", ["equals", "in"])
@pytest.mark.parametrize(
    ("choice", "value", "decimal", "is_equal"),
    [(*case, True) for case in EQUAL] + [(*case, False) for case in OTHER],
)
def test_a_choice_meets_the_values_that_mean_it(
    form: str, choice: object, value: FieldValue, decimal: str, is_equal: bool
) -> None:
    test = choice if form == "equals" else ["no such", choice]
    assert is_met({"field": "a", form: test}, {"a": value}, decimal) is is_equal


@pytest.mark.parametrize(
    ("sign", "bound", "value", "decimal", "holds"),
    [
        ("<", 10, "9.5", ".", True),
        ("<", 10, "9,5", ",", True),
        ("<", 10, "9,50 \u20ac", ",", True),
        ("<", 10, "1,000", ".", False),
        (">", 999, "1,000.5", ".", True),
        (">", 999, "1.000", ",", True),
        ("<", 1, ".99", ".", True),
        ("<", 0, "4-", ".", True),
        ("<=", "9,5", "9,50", ",", True),
        ("<=", "9.5", "9,50", ",", True),
        (">=", 10, 10.0, ",", True),
        (">=", 10, ["1", "12"], ".", True),
        (">=", 0, True, ".", False),
        ("<", 10, "5 USD", ".", False),
        ("<", 10, "five", ".", False),
        ("<", 10, "9" * 200, ".", False),
    ],
)
def test_a_comparison_reads_numbers_as_the_feed_does(
    sign: str, bound: object, value: FieldValue, decimal: str, holds: bool
) -> None:
    rule = {"field": "a", "compare": sign, "value": bound}
    assert is_met(rule, {"a": value}, decimal) is holds


@given(
    st.decimals(-(10**9), 10**9, places=3, allow_nan=False),
    st.sampled_from([".", ","]),
    st.integers(0, 4),
)
def test_a_number_meets_itself_however_it_is_written(
    number: Decimal, decimal: str, zeros: int
) -> None:
    text = (f"{number:f}" + "0" * zeros).replace(".", decimal)
    rule = {"field": "a", "equals": float(number)}
    assert is_met(rule, {"a": text}, decimal)
    assert is_met(rule, {"a": float(number)}, decimal)
    assert not is_met(rule, {"a": f"{text} pieces"}, decimal)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("sale", "SALE 2026", True),
        ("SALE", "end of sale", True),
        ("^[a-z]+$", "ABC", True),
        (r"^\D+$", "ABC", True),
        (r"^\S+$", "a b", False),
        ("stra\u00dfe|GR\u00dcN", "gr\u00fcn", True),
        ("^B.+D$", "bread", True),
        ("sale", "sole", False),
    ],
)
def test_a_pattern_matches_in_any_case(pattern: str, text: str, matches: bool) -> None:
    assert is_met({"field": "a", "matches": pattern}, {"a": text}) is matches


@pytest.mark.parametrize("pattern", ["(?=x)(", "a)(b", "(a)\\1", "*"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(Refusal, match="regular expression"):
        is_met({"field": "a", "matches": pattern}, {})


def test_the_rules_that_exclude_by_themselves_have_places() -> None:
    one, two, three = ({"field": "a", "equals": n} for n in (1, 2, 3))
    rule = Rule.model_validate({"any": [one, {"any": [two, {"all": [three]}]}]})
    places = {place: inner.equals or "group" for place, inner in alternatives(rule)}
    assert places == {"exclude.any.0": 1, "exclude.any.1.any.0": 2, "exclude.any.1.any.1": "group"}


def test_a_bound_that_is_no_number_is_refused() -> None:
    with pytest.raises(Refusal, match="no number"):
        is_met({"field": "a", "compare": "<", "value": "ten"}, {})
