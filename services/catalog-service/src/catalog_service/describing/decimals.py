"""The decimal sign of a catalogue's numbers, and which numbers it leaves in doubt. Pure.

`1.250` alone is 1250 or 1.25. Numbers that can only be read one way tell, those of prices first;
without them the file's language, its currency and its delimiter do, where they agree. Where they do
not, prices are read as the higher number, and are in doubt.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog_service.describing.profile import ColumnProfile
from catalog_service.describing.shapes import number_of, shapes_of

_OF_COMMAS = frozenset(
    {
        *("de_DE", "es_ES", "fr_FR", "in_ID", "it_IT", "nl_NL", "pl_PL", "pt_BR"),
        *("ru_RU", "tr_TR", "uk_UA", "vi_VN"),
    }
)
_OF_POINTS = frozenset({"en_US", "ja_JP", "ko_KR", "th_TH", "iw_IL"})
_CURRENCIES_OF_COMMAS = frozenset(
    {
        *("EUR", "PLN", "CZK", "HUF", "RON", "BGN", "SEK", "NOK", "DKK", "ISK"),
        *("BRL", "ARS", "COP", "CLP", "TRY", "RUB", "UAH", "IDR", "VND"),
    }
)
_CURRENCIES_OF_POINTS = frozenset(
    {
        *("USD", "GBP", "CNY", "JPY", "KRW", "INR", "AUD", "NZD", "SGD", "HKD"),
        *("TWD", "MYR", "PHP", "THB", "ILS", "AED", "SAR", "MXN"),
    }
)
_THREE_DIGITS = re.compile(r"[0-9][.,][0-9]{3}(?![0-9])")
MOSTLY = 0.9
"""A smaller share of the numbers that tell leaves those in doubt that do not."""
HIGHEST_BY_HINTS = 0.85


@dataclass(frozen=True)
class Doubt:
    """Numbers that the decimal sign makes a thousand times others, though nothing tells it: in how
    many rows, what they are, one of them."""

    rows: int
    what: str
    example: str


@dataclass(frozen=True)
class DecimalGuess:
    """The decimal sign, how sure, and why; how many texts can only be read by the other sign."""

    sign: str
    sure: float
    why: str
    against: int
    doubt: Doubt | None = None


@dataclass(frozen=True)
class Writing:
    """What a file shows beside its numbers; `delimiter` is the sign between a table's columns."""

    locale: str | None = None
    currency: str | None = None
    delimiter: str | None = None


def find_decimal(
    amounts: Sequence[ColumnProfile], measures: Sequence[ColumnProfile], writing: Writing
) -> DecimalGuess:
    """The decimal sign of prices and measures."""
    of_amounts, of_measures = _telling(amounts), _telling(measures)
    has_doubtful = _largest(_doubts(amounts, "prices")) is not None
    if of_amounts.total() or (of_measures.total() and not has_doubtful):
        return _told(of_amounts, of_measures, amounts)
    return _hinted(of_measures, writing, amounts, measures)


def _told(
    of_amounts: Counter[str], of_measures: Counter[str], amounts: Sequence[ColumnProfile]
) -> DecimalGuess:
    every = of_amounts + of_measures
    sign = _leader(of_amounts) or _leader(every) or "."
    most, against = every[sign], every[other_sign(sign)]
    sure = round(most / (most + against), 2)
    why = f"{most} numbers can only be read with {sign!r}, {against} only with the other sign"
    if sure < MOSTLY:
        return DecimalGuess(sign, sure, why, against, _largest(_doubts(amounts, "prices")))
    thousandths = _largest(_doubts(amounts, "prices", fraction=sign))
    is_vouched = thousandths is None or thousandths.rows <= of_amounts[sign]
    return DecimalGuess(sign, sure, why, against, None if is_vouched else thousandths)


def _hinted(
    of_measures: Counter[str],
    writing: Writing,
    amounts: Sequence[ColumnProfile],
    measures: Sequence[ColumnProfile],
) -> DecimalGuess:
    hints = list(_hints(of_measures, writing))
    whole = _whole_sign(amounts)
    speak = ", ".join(f"{what} for {sign!r}" for sign, what in hints)
    signs = {sign for sign, _ in hints} | ({whole} if whole else set())
    if hints and len(signs) == 1:
        [sign] = signs
        sure = round(min(HIGHEST_BY_HINTS, 0.55 + 0.1 * len(hints)), 2)
        why = f"no price has decimals that tell; hints: {speak}"
        doubt = None if of_measures.total() else _largest(_doubts(measures, "weights or sizes"))
        return DecimalGuess(sign, sure, why, of_measures[other_sign(sign)], doubt)
    sign = whole or _leader(Counter(sign for sign, _ in hints)) or "."
    why = "no number of the file has decimals that tell" + (f"; hints: {speak}" * bool(hints))
    doubt = _largest(_doubts(amounts, "prices")) or _largest(_doubts(measures, "weights or sizes"))
    return DecimalGuess(sign, 0.5, why, of_measures[other_sign(sign)], doubt)


def other_sign(sign: str) -> str:
    """The decimal sign that it is otherwise."""
    return "," if sign == "." else "."


def _telling(columns: Sequence[ColumnProfile]) -> Counter[str]:
    """How many texts can only be read by each sign."""
    commas = sum(column.shapes["comma_decimal"] for column in columns)
    points = sum(column.shapes["point_decimal"] for column in columns)
    return Counter({",": commas, ".": points})


def _leader(counts: Counter[str]) -> str | None:
    if counts[","] == counts["."]:
        return None
    return "," if counts[","] > counts["."] else "."


def _hints(of_measures: Counter[str], writing: Writing) -> Iterator[tuple[str, str]]:
    """What speaks for a sign, and for which."""
    if (sign := _leader(of_measures)) is not None:
        yield sign, f"numbers of other columns ({of_measures[sign]})"
    if writing.locale in _OF_COMMAS | _OF_POINTS:
        yield _sign(writing.locale in _OF_COMMAS), f"the language ({writing.locale})"
    if writing.currency in _CURRENCIES_OF_COMMAS | _CURRENCIES_OF_POINTS:
        is_comma = writing.currency in _CURRENCIES_OF_COMMAS
        yield _sign(is_comma), f"the currency ({writing.currency})"
    if writing.delimiter == ";":
        yield ",", "the semicolons between the columns"


def _sign(is_comma: bool) -> str:
    return "," if is_comma else "."


def fraction_sign(text: str) -> str | None:
    """The sign with which a number has three decimals, and with the other a thousand times as
    much; None for a text that is read alike by both, or by one only."""
    if _THREE_DIGITS.search(text) is None:
        return None
    if not {"comma_decimal", "point_decimal"}.isdisjoint(shapes_of(text)):
        return None
    by_point, by_comma = number_of(text, "."), number_of(text, ",")
    if by_point is None or by_comma is None or by_point == by_comma:
        return None
    return "." if by_point < by_comma else ","


def _whole_sign(columns: Sequence[ColumnProfile]) -> str | None:
    """The decimal sign that makes whole numbers of most texts that may be either."""
    signs = Counter(
        other_sign(sign)
        for column in columns
        for text in column.texts
        if (sign := fraction_sign(text)) is not None
    )
    return signs.most_common(1)[0][0] if signs else None


def _doubts(
    columns: Sequence[ColumnProfile], what: str, *, fraction: str | None = None
) -> Iterator[Doubt]:
    """Of each column the values that may be either; only those of which the sign `fraction` makes
    thousandths, where it is given."""
    for column in columns:
        found = [
            text
            for text in column.distinct
            if (sign := fraction_sign(text)) is not None and fraction in {None, sign}
        ]
        if found:
            yield Doubt(sum(column.distinct[text] for text in found), what, found[0])


def _largest(doubts: Iterator[Doubt]) -> Doubt | None:
    """That of most rows; the columns are of the same rows, so that their counts do not add up."""
    return max(doubts, key=lambda doubt: doubt.rows, default=None)
