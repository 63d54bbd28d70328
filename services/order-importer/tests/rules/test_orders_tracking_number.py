"""Tracking numbers as people write them, and carriers' patterns in words: rules without I/O."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliexpress.logistics import Carrier
from order_importer.carriers.pattern_words import describe_pattern
from order_importer.carriers.tracking_number import (
    TrackingNumberMalformed,
    normalize,
    tracking_number_for,
)

SEPARATORS = (
    " \t\r\n\x00\x7f\u00a0\u00ad\u1680\u2000\u2003\u2007\u2009\u200a\u202f\u205f\u3000"
    "\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff"
    "\u034f\u115f\u2800\u3164\ufe0e\ufe0f\U000e0100"
    "-\u02d7\u058a\u05be\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2e3a\u301c\u30fc\ufe58"
    "\ufe63\uff0d"
)
"""What is left out: blanks, invisible characters, dashes."""
LETTERS = string.ascii_letters + string.digits


def carrier(pattern: str | None) -> Carrier:
    return Carrier("X", None, None, pattern, None, None, None)


@given(st.text(LETTERS, min_size=1, max_size=30), st.data())
def test_separators_and_case_say_nothing(number: str, data: st.DataObject) -> None:
    separators = st.text(SEPARATORS, max_size=3)
    written = "".join(data.draw(separators) + char for char in number) + data.draw(separators)

    assert normalize(written) == number.upper()
    assert normalize(normalize(written)) == normalize(written)
    assert tracking_number_for(carrier(None), written) == number.upper()
    assert tracking_number_for(carrier("[A-Z0-9]{1,30}"), written) == number.upper()


@given(st.text(max_size=80), st.sampled_from([None, "[0-9]{12}", "[A-Z]{2}.*"]))
def test_what_is_sent_is_always_plain_ascii(written: str, pattern: str | None) -> None:
    try:
        number = tracking_number_for(carrier(pattern), written)
    except TrackingNumberMalformed:
        return
    assert number.isascii()
    assert number.isprintable()
    assert 0 < len(number) <= 64
    assert " " not in number


@pytest.mark.parametrize(
    ("pattern", "written", "number"),
    [
        pytest.param(
            r"^1Z[A-Za-z0-9]{16}$", "1z 0123 4567 89AB cdef", "1Z0123456789ABCDEF", id="fits"
        ),
        pytest.param(r"(^[0-9]{12}$)", "1234\u20135678\u20139012", "123456789012", id="grouped"),
        pytest.param(r"[0-9]{3}-[0-9]{4}", "123\u20134567", "123-4567", id="wants-a-dash"),
        pytest.param(r"[a-z]{2}[0-9]{3}", "ab 123", "ab123", id="wants-small-letters"),
        pytest.param(r"[a-z]{2}[0-9]{3}", "AB123", "ab123", id="wants-small-letters-too"),
        pytest.param(None, "\uff2c\uff30\uff10\uff11\uff0d\uff12", "LP012", id="full-width"),
        pytest.param("([", "any thing", "ANYTHING", id="broken-pattern"),
        pytest.param("a{99999999999}", "any", "ANY", id="overflowing-pattern"),
        pytest.param(r"^(a+)+$", "a" * 60 + "!", "A" * 60 + "!", id="explosive"),
        pytest.param(r"^(a|a)*$", "a" * 60 + "!", "A" * 60 + "!", id="explosive-choice"),
        pytest.param(r"^(\d+){2,}$", "1" * 60 + "!", "1" * 60 + "!", id="explosive-count"),
        pytest.param("a" * 600, "anything", "ANYTHING", id="very-long"),
    ],
)
@pytest.mark.timeout(5)
def test_a_number_is_sent_in_the_form_its_carrier_takes(
    pattern: str | None, written: str, number: str
) -> None:
    assert tracking_number_for(carrier(pattern), written) == number


@pytest.mark.parametrize(
    ("pattern", "written", "words"),
    [
        pytest.param(r"^1Z[A-Z0-9]{16}$", "1Z0123", "1Z, then 16 letters or digits", id="short"),
        pytest.param("[0-9]{12}", "123456789012X", "are 12 digits", id="whole-number-must-fit"),
        pytest.param(r"(?=1)\d{12}", "2", r"match (?=1)\d{12}", id="beyond-words"),
        pytest.param(None, " \u200b-", "no letters and digits", id="nothing-left"),
        pytest.param(None, "L\u0420001", "CYRILLIC CAPITAL LETTER ER", id="look-alike"),
        pytest.param(None, "\u0131\u017f\u00df1", "LATIN SMALL LETTER SHARP S", id="no-capitals"),
        pytest.param(None, "e\u03011", "COMBINING ACUTE ACCENT", id="accent"),
        pytest.param(None, "1" * 65, "65 characters, more than 64", id="too-long"),
    ],
)
def test_what_cannot_be_a_number_is_refused_in_words(
    pattern: str | None, written: str, words: str
) -> None:
    with pytest.raises(TrackingNumberMalformed) as refusal:
        tracking_number_for(carrier(pattern), written)
    assert words in f"{refusal.value.title} {refusal.value.remedy}"
    assert (refusal.value.rule, refusal.value.status) == ("M8.4", 422)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"^[a-zA-Z]{2}[A-Za-z0-9]{9}CN$", "2 letters, then 9 letters or digits, then CN"),
        (r"^[a-zA-z]{2}\d{9}[a-zA-z]{2}$", "2 letters, then 9 digits, then 2 letters"),
        (r"(^[0-9]{12}$)", "12 digits"),
        (r"^[0-9]{14,20}$", "14 to 20 digits"),
        (r"\d{8,}", "8 or more digits"),
        (r"^\w+$", "1 or more letters or digits or _"),
        (
            r"^LP\d{14}$|^[A-Z]{2}\d{9}[A-Z]{2}$",
            "LP, then 14 digits; or 2 letters, then 9 digits, then 2 letters",
        ),
        (r"(^\d{10}$)|(^\d{12}$)", "10 digits or 12 digits"),
        (r"^(RR|CP)[0-9]{9}CN$", "RR or CP, then 9 digits, then CN"),
        (
            r"^[RC][A-F][1-3]0{3}(\.|/)$",
            "1 C or R, then 1 letter from A to F, then 1 digit from 1 to 3, then 000, then . or /",
        ),
        (r"^(JJD|\d{2})?[0-9]{10}$", "perhaps JJD or 2 digits, then 10 digits"),
        (r".{5}", "5 characters"),
        (r"(?=\d)a", None),
        (r"(?P<a>\d)(?P=a)", None),
        (r"(A\d|B)C", None),
        (r"(AB){2}", None),
        (r"a{1000000}", None),
        (r"[^A]", "1 character"),
        ("([", None),
        ("", None),
        ("(" * 50 + "a" + ")" * 50, None),
    ],
)
def test_patterns_are_described(pattern: str, words: str | None) -> None:
    assert describe_pattern(pattern) == words


@given(st.text(r"()[]{}|^$.*+?\\dwAZaz09-,:", max_size=40))
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_no_pattern_breaks_its_description(pattern: str) -> None:
    words = describe_pattern(pattern)
    assert words is None or words
