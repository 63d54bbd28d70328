"""Numbers, prices and measures as catalogues write them: read whole, or not at all. Pure.

A JSON number, a number of the configuration and a number that a template gives are numbers already.
A text is read by the feed's decimal sign:

    number   = [sign] digits | digits minus | "(" digits ")"     a minus behind or brackets: below 0
    digits   = whole [decimal sign, 0-9 ...] | decimal sign, 0-9 ...
    whole    = 0-9 ... | first group without leading 0, then groups of exactly three
    grouped by the other sign, a blank or an apostrophe, one of them throughout

A text that holds anything else is refused: a value never ignores a character of its text.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from catalog_service.feeds.currencies import currencies_of

DecimalSign = Literal[".", ","]
Written = str | int | float
"""A quantity as a match gives it."""

LONGEST_TEXT = 80
KEPT_READINGS = 10_000
"""Prices, stocks and measures of a catalogue are often the same."""
HIGHEST = Decimal(10) ** 15
_ASCII_DIGITS = frozenset("0123456789")
_FLOAT_DIGITS = 15
"""What a float holds of any decimal number; digits behind are its binary noise."""

_BLANKS = " \u00a0\u2007\u2009\u202f"
_APOSTROPHES = "'\u2019"
_MINUS = "\\-\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"

_JSON_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
"""What AliExpress reads as a number, whatever the feed's decimal sign."""
_AROUND_DIGITS = re.compile(r"([^0-9]*)([0-9](?:.*[0-9])?)([^0-9]*)", re.DOTALL)
_HEAD = re.compile(
    rf"(?P<bracket>[(\uff08]?)[{_BLANKS}]*(?P<outer>[+{_MINUS}]?)[{_BLANKS}]*(?P<mark>.*?)"
    rf"[{_BLANKS}]*(?P<inner>[+{_MINUS}]?)[{_BLANKS}]*",
    re.DOTALL,
)
_TAIL = re.compile(
    rf"[{_BLANKS}]*(?P<inner>[{_MINUS}]?)[{_BLANKS}]*(?P<mark>.*?)[{_BLANKS}]*"
    rf"(?P<outer>[{_MINUS}]?)[{_BLANKS}]*(?P<bracket>[)\uff09]?)",
    re.DOTALL,
)


def _digits(decimal: DecimalSign) -> re.Pattern[str]:
    fraction = f"[{decimal}][0-9]+"
    between = f"[{',' if decimal == '.' else '.'}{_BLANKS}{_APOSTROPHES}]"
    grouped = f"[1-9][0-9]{{0,2}}(?P<between>{between})[0-9]{{3}}(?:(?P=between)[0-9]{{3}})*"
    return re.compile(f"(?:{grouped}|[0-9]+)(?:{fraction})?|{fraction}")


_DIGITS: Mapping[DecimalSign, re.Pattern[str]] = {".": _digits("."), ",": _digits(",")}


class QuantityInvalid(Exception):
    """The value is not of the kind asked for; the message says why, to follow a colon.

    `number` is what can be read from it all the same, which may be another than is meant.
    """

    def __init__(self, message: str, number: Decimal | None = None) -> None:
        super().__init__(message)
        self.number = number


@dataclass(frozen=True)
class _Reading:
    """A number and the marks written before and behind it: a currency, a unit, or nothing."""

    number: Decimal
    before: str = ""
    behind: str = ""


def read_number(written: Written, decimal: DecimalSign) -> Decimal:
    """The number, exactly as written. Raises `QuantityInvalid`."""
    reading = _read(written, decimal)
    if mark := reading.before or reading.behind:
        raise QuantityInvalid(f"{mark!r} stands beside the number")
    return reading.number


def read_whole(written: Written, decimal: DecimalSign) -> int:
    """The whole number: `4`, or `4.0`. Raises `QuantityInvalid`."""
    number = read_number(written, decimal)
    if number != number.to_integral_value():
        raise QuantityInvalid("it is not a whole number")
    return int(number)


def read_amount(written: Written, decimal: DecimalSign, *, currency: str) -> Decimal:
    """The amount, not rounded; a sign or code beside it has to mean the currency.

    Raises `QuantityInvalid`.
    """
    reading = _read(written, decimal)
    for mark in (reading.before, reading.behind):
        if mark:
            _check_currency(mark, currency, reading.number)
    return reading.number


def read_measure(
    written: Written, decimal: DecimalSign, *, units: Mapping[str, Decimal], unit: str
) -> Decimal:
    """The measure in the base unit of `units` (their sizes in it, by name in lower case).

    A unit behind the number is that of the number; `unit` where there is none. Raises
    `QuantityInvalid`.
    """
    reading = _read(written, decimal)
    size = units.get(reading.behind.casefold() or unit)
    if reading.before or size is None:
        raise QuantityInvalid(f"{reading.before or reading.behind!r} stands beside the number")
    return reading.number * size


def _check_currency(mark: str, currency: str, number: Decimal) -> None:
    meant = currencies_of(mark)
    if currency in meant or mark.upper() == currency:
        return
    if meant:
        raise QuantityInvalid(f"{mark!r} is not the feed's currency {currency}", number)
    raise QuantityInvalid(f"{mark!r} stands beside the number", number)


@lru_cache(maxsize=KEPT_READINGS, typed=True)
def _read(written: Written, decimal: DecimalSign) -> _Reading:
    reading = _read_text(written, decimal) if isinstance(written, str) else _of_number(written)
    if not -HIGHEST < reading.number < HIGHEST:
        raise QuantityInvalid("it is too large")
    return reading


def _of_number(number: float) -> _Reading:
    if isinstance(number, int) and not isinstance(number, bool):
        return _Reading(Decimal(number))
    if isinstance(number, bool) or not math.isfinite(number):
        raise QuantityInvalid("it is not a number")
    return _Reading(Decimal(f"{number:.{_FLOAT_DIGITS}g}"))


def _read_text(text: str, decimal: DecimalSign) -> _Reading:
    parts = _AROUND_DIGITS.fullmatch(text.strip()) if len(text) <= LONGEST_TEXT else None
    if parts is None:
        raise _not_a_number(text, decimal)
    before, digits, behind = parts.groups()
    if before.endswith(decimal):
        if currencies_of(_marks(_HEAD, before)["mark"]):
            raise QuantityInvalid(f"{decimal!r} may belong to the number or to the sign before it")
        before, digits = before[:-1], decimal + digits
    if _DIGITS[decimal].fullmatch(digits) is None:
        raise _not_a_number(text, decimal)
    head, tail = _marks(_HEAD, before), _marks(_TAIL, behind)
    signs = head["outer"] + head["inner"] + tail["inner"] + tail["outer"]
    is_bracketed = bool(head["bracket"])
    if is_bracketed != bool(tail["bracket"]) or len(signs) + is_bracketed > 1:
        raise _not_a_number(text, decimal)
    number = Decimal("".join(c if c in _ASCII_DIGITS else "." * (c == decimal) for c in digits))
    is_negative = is_bracketed or signs not in {"", "+"}
    if is_negative and number:
        number = number.copy_negate()  # exact, where a minus would round
    return _Reading(number, head["mark"], tail["mark"])


def _marks(pattern: re.Pattern[str], text: str) -> dict[str, str]:
    found = pattern.fullmatch(text)
    assert found is not None  # noqa: S101 - every part may be empty, and a mark may be any text
    return found.groupdict()


def _not_a_number(text: str, decimal: DecimalSign) -> QuantityInvalid:
    stripped = text.strip()
    return QuantityInvalid(
        f"it is not a number written with {decimal!r} as its decimal sign",
        Decimal(stripped) if _JSON_NUMBER.fullmatch(stripped) else None,
    )
