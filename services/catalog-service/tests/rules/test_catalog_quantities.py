"""Numbers, prices and measures are read whole or not at all, by a table and for any text.

`quantities.jsonl` holds the forms catalogues write, each with its value, or null for an issue.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog_service.feeds.quantities import (
    HIGHEST,
    DecimalSign,
    QuantityInvalid,
    Written,
    read_amount,
    read_measure,
    read_number,
    read_whole,
)
from catalog_service.normalizing.package import CENTIMETRES, KILOGRAMS

FORMS = Path(__file__).with_name("quantities.jsonl")
SIGNS: tuple[DecimalSign, ...] = (".", ",")
BLANKS = " \u00a0\u2007\u2009\u202f"
APOSTROPHES = "'\u2019"
MINUS = "-\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"


def read(form: dict[str, Any]) -> Decimal | None:
    written: Written = form["written"]
    decimal: DecimalSign = form["decimal"]
    try:
        match form["as"].split():
            case ["number"]:
                return read_number(written, decimal)
            case ["whole"]:
                return Decimal(read_whole(written, decimal))
            case ["amount"]:
                return read_amount(written, decimal, currency=form["currency"])
            case ["weight", "in", unit]:
                return read_measure(written, decimal, units=KILOGRAMS, unit=unit)
            case ["length", "in", unit]:
                return read_measure(written, decimal, units=CENTIMETRES, unit=unit)
            case other:
                raise AssertionError(other)
    except QuantityInvalid:
        return None


def test_every_written_form_has_its_value_or_is_an_issue() -> None:
    forms = [json.loads(line) for line in FORMS.read_text().splitlines()]
    assert len(forms) >= 300
    wrong = []
    for form in forms:
        expected = None if form["value"] is None else Decimal(form["value"])
        value = read(form)
        if value != expected:
            wrong.append(f"{form} is read as {value}")
    assert wrong == []


def test_a_refusal_says_what_stands_beside_the_number() -> None:
    with pytest.raises(QuantityInvalid, match="'€' is not the feed's currency USD"):
        read_amount("€20", ".", currency="USD")
    with pytest.raises(QuantityInvalid, match="'pcs' stands beside the number"):
        read_whole("5 pcs", ".")
    with pytest.raises(QuantityInvalid, match="written with ',' as its decimal sign"):
        read_number("12.90", ",")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_float_that_is_no_number_is_refused(number: float) -> None:
    with pytest.raises(QuantityInvalid):
        read_number(number, ".")


# -- any text -------------------------------------------------------------------------------


def strict(text: str, decimal: str) -> Decimal | None:
    """What the grammar gives, by another way than the reader's: character by character."""
    text = text.strip()
    is_negative = False
    if len(text) > 1 and text[0] in "(\uff08" and text[-1] in ")\uff09":
        text, is_negative = text[1:-1].strip(BLANKS), True
    elif text and text[0] in MINUS + "+":
        is_negative, text = text[0] != "+", text[1:].lstrip(BLANKS)
    elif text and text[-1] in MINUS:
        is_negative, text = True, text[:-1].rstrip(BLANKS)
    whole, sign, fraction = text.partition(decimal)
    if not set(fraction) <= set("0123456789") or bool(sign) != bool(fraction):
        return None
    separators = {c for c in whole if c not in "0123456789"}
    if separators:
        [separator, *more] = sorted(separators)
        allowed = "," if decimal == "." else "."
        first, *groups = whole.split(separator)
        if more or separator not in allowed + BLANKS + APOSTROPHES:
            return None
        if not 1 <= len(first) <= 3 or first[0] == "0" or any(len(g) != 3 for g in groups):
            return None
        whole = first + "".join(groups)
    if not whole + fraction or len(text) > 80:
        return None
    value = Decimal(f"{whole or 0}.{fraction or 0}")
    if value >= HIGHEST:
        return None
    return value.copy_negate() if is_negative and value else value


def read_or_none(text: str, decimal: DecimalSign) -> Decimal | None:
    try:
        return read_number(text, decimal)
    except QuantityInvalid:
        return None


near_numbers = st.text(st.sampled_from("0123456789" * 3 + ".,-+()" * 2 + " \u00a0'\u2212\u0663e"))


@given(st.text(max_size=12) | near_numbers, st.sampled_from(SIGNS))
@example("0,350", ".")
@example("-0", ".")
def test_any_text_is_read_as_the_grammar_says_or_is_an_issue(
    text: str, decimal: DecimalSign
) -> None:
    assert read_or_none(text, decimal) == strict(text, decimal)


@given(
    st.text(max_size=300) | near_numbers, st.sampled_from(SIGNS), st.sampled_from(["USD", "EUR"])
)
def test_an_amount_uses_every_digit_of_its_text(
    text: str, decimal: DecimalSign, currency: str
) -> None:
    try:
        amount = read_amount(text, decimal, currency=currency)
    except QuantityInvalid:
        return
    digits = "".join(c for c in text if c in "0123456789")
    places = -int(amount.as_tuple().exponent)
    assert abs(amount) == Decimal(digits).scaleb(-places)
    assert (amount < 0) <= any(c in text for c in MINUS + "(\uff08")


amounts = st.decimals(min_value=0, max_value=10**9, places=2) | st.decimals(
    min_value=0, max_value=10**9, places=0
)


def written_in_groups(value: Decimal, decimal: str, separator: str) -> str:
    text = f"{value:,}".replace(".", "!").replace(",", separator)
    return text.replace("!", decimal)


@given(
    amounts,
    st.sampled_from(SIGNS),
    st.sampled_from(["", "other", *BLANKS, *APOSTROPHES]),
    st.sampled_from(["{}", "-{}", "{}-", "({})", "\u2212{}", "+{}"]),
    st.sampled_from(["{}", "${}", "$ {}", "{} $", "US$ {}", "{} USD", "usd {}", "$ {} USD"]),
)
def test_what_is_written_in_an_accepted_style_is_read_back(
    value: Decimal, decimal: DecimalSign, separator: str, signed: str, marked: str
) -> None:
    between = {"other": "," if decimal == "." else "."}.get(separator, separator)
    text = signed.format(written_in_groups(value, decimal, between))
    expected = value if signed in {"{}", "+{}"} else -value
    assert read_number(text, decimal) == expected
    if signed != "({})":
        assert read_amount(marked.format(text), decimal, currency="USD") == expected
    whole = signed.format(marked.format(written_in_groups(value, decimal, between)))
    assert read_amount(whole, decimal, currency="USD") == expected


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=3), st.sampled_from(SIGNS))
def test_a_number_is_read_as_it_is_whatever_the_sign(value: Decimal, decimal: DecimalSign) -> None:
    assert read_number(float(value), decimal) == value
