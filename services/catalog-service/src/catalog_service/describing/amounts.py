"""A catalogue's currency, from a column of its own or the marks beside amounts. Pure."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from catalog_service.describing.profile import ColumnProfile
from catalog_service.describing.shapes import currency_marks

_CODE = re.compile(r"[A-Z]{3}")
_USUAL = frozenset({"USD", "GBP", "CNY", "SEK", "RUB", "INR", "RON", "AED"})
"""What a shared sign means most often."""


@dataclass(frozen=True)
class CurrencyGuess:
    """The catalogue's currency, from a column of its own or the marks beside its amounts; how many
    rows name another."""

    code: str
    sure: float
    why: str
    others: int = 0


def find_currency(
    amounts: Iterable[ColumnProfile], column: ColumnProfile | None
) -> CurrencyGuess | None:
    """The currency, or None where the data names none."""
    if column is not None and column.distinct:
        text, count = column.distinct.most_common(1)[0]
        share = count / column.filled
        code = text.strip().upper()
        if _CODE.fullmatch(code):  # several in one cell are no currency of the row
            why = f"the column {column.name!r} says so in {share:.0%} of its rows"
            return CurrencyGuess(code, round(0.95 * share, 2), why, _of_others(column, code))
    counts: Counter[str] = Counter()
    marked = 0
    for each in amounts:
        for text in each.texts:
            meant = currency_marks(text)
            marked += bool(meant)
            counts.update(meant)
    if not counts:
        return None
    code, count = max(counts.items(), key=lambda item: (item[1], item[0] in _USUAL, item[0]))
    rivals = sum(other == count for other in counts.values()) - 1
    sure = round((0.95 if not rivals else 0.6) * count / marked, 2)
    shared = f", a sign that {rivals} others have too" if rivals else ""
    why = f"{count} amounts are marked so{shared}"
    return CurrencyGuess(code, sure, why, marked - count)


def _of_others(column: ColumnProfile, code: str) -> int:
    """How many rows a column names another currency in; spelling does not count."""
    same = sum(n for text, n in column.distinct.items() if text.strip().upper() == code)
    return column.filled - same
