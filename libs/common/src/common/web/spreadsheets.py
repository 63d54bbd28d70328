"""Tables as CSV that spreadsheets open without running anything (X11). Pure."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

_BLANKS = r"[\s\u200b-\u200f\u2060\ufeff]*"
_MARKS = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
_FORMULA = re.compile(rf"(^|[;\t\r\n])(?={_BLANKS}{_MARKS})")
"""Where a program may begin to read a formula: a cell's beginning, and, since other countries
separate cells otherwise, behind what may separate them; blanks and full-width marks count too."""
_SEPARATORS = ("\t", "\r")


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[str | int | None]]) -> str:
    """The rows as CSV; an apostrophe stands before text that a spreadsheet would run."""
    return csv_lines([columns]) + csv_lines(rows)


def csv_lines(rows: Iterable[Sequence[str | int | None]]) -> str:
    """A part of a table as lines of CSV, like `as_csv`."""
    out = io.StringIO()
    writer = csv.writer(out)
    for row in rows:
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()


def harmless(text: str) -> str:
    """The text as a cell that no program takes for a formula."""
    quoted = _FORMULA.sub(r"\1'", text)
    return f"'{quoted}" if quoted.startswith(_SEPARATORS) else quoted
