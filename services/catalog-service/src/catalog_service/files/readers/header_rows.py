"""Where a table's header stands when rows of another kind come before it. Pure.

A spreadsheet may begin with a title or empty rows. Amazon's templates begin with settings, notes
and labels in the seller's language; the row of field names is the header.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

LOOKED_AT = 20
"""Rows in which a header is sought."""
_AMAZON_SKU = frozenset({"item_sku", "contribution_sku#1.value"})
_AMAZON_STARTS = ("TemplateType=", "settings=")
_DATA_ROW = re.compile(r"\bdataRow=([0-9]{1,2})\b")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*")


class Layout(NamedTuple):
    """Where the header stands and where the products begin, counted from 0."""

    header: int
    first: int


def is_amazon_template(first_row: Sequence[str]) -> bool:
    """Whether a file whose first row is this one has Amazon's rows before its header."""
    return bool(first_row) and first_row[0].strip().startswith(_AMAZON_STARTS)


def find_layout(rows: Sequence[Sequence[str]]) -> Layout | None:
    """The layout of a table that begins with these rows; None where none of them is a header."""
    amazon = next((at for at, row in enumerate(rows) if _AMAZON_SKU & set(map(str.strip, row))), -1)
    if amazon >= 0:
        return Layout(amazon, _first_of_template(rows, amazon))
    widest = max((len(_filled(row)) for row in rows), default=0)
    for place, row in enumerate(rows):
        names = _filled(row)
        if len(names) >= 2 and 2 * len(names) >= widest and not any(map(_is_number, names)):
            return Layout(place, place + 1)
    return None


def _first_of_template(rows: Sequence[Sequence[str]], header: int) -> int:
    """Where an Amazon template's products begin: as its settings say, else behind the header; the
    newer ones have an example between."""
    stated = _DATA_ROW.search(" ".join(rows[0]))
    if stated and int(stated[1]) > header + 1:
        return int(stated[1]) - 1
    has_example = "contribution_sku#1.value" in set(map(str.strip, rows[header]))
    return header + (2 if has_example else 1)


def _filled(row: Sequence[str]) -> list[str]:
    return [text for cell in row if (text := cell.strip())]


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None
