"""How a catalogue writes its numbers: decimal sign and currency, found from the data. Pure."""

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
class DecimalGuess:
    """The decimal sign: how many texts can only be read by it, and how many only by the other."""

    sign: str
    sure: float
    why: str
    against: int


def find_decimal(columns: Iterable[ColumnProfile]) -> DecimalGuess:
    """The sign of most texts that can only have one."""
    commas = points = 0
    for column in columns:
        commas += column.shapes["comma_decimal"]
        points += column.shapes["point_decimal"]
    if not commas and not points:
        return DecimalGuess(".", 0.5, "no number of the file has decimals that tell", 0)
    sign, most, against = (",", commas, points) if commas > points else (".", points, commas)
    return DecimalGuess(
        sign,
        round(most / (most + against), 2),
        f"{most} numbers can only be read with {sign!r}, {against} only with the other sign",
        against,
    )


@dataclass(frozen=True)
class CurrencyGuess:
    """The catalogue's currency, from a column of its own or the marks beside its amounts."""

    code: str
    sure: float
    why: str


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
            return CurrencyGuess(code, round(0.95 * share, 2), why)
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
    return CurrencyGuess(code, sure, f"{count} amounts are marked so{shared}")
