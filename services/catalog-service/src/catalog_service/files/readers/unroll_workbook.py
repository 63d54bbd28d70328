"""A process of its own that writes a workbook's sheet as lines of JSON, and may be killed at it.

Each line is `[row number, cells as texts, problem]`; the first one is the header's. A problem is
`[message, remedy]` or null. On stdout the number of the last row, or `[title, remedy]` with the
exit code `REFUSED`.

Numbers are written as a person reads them, without exponent and with the 15 digits that
spreadsheets have; dates by ISO 8601. A merged cell's text stands in each of its rows.
"""

import json
import resource
import sys
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from catalog_service.files.readers.header_rows import LOOKED_AT, Layout, find_layout
from catalog_service.files.readers.workbook_cells import Merge, find_cells

REFUSED = 3
MEMORY_BYTES = 512 << 20
CPU_SECONDS = 300
WRITTEN_BYTES = 4 << 30
EXACT = 2**53
DIGITS = 15
_CALCULATE = (
    "Open the file in its spreadsheet program, correct or recalculate the cell, and save it again."
)

Cell = int | float | str | bool | date | datetime | time | timedelta


class _Refused(Exception):
    """The workbook cannot be read: its title and its remedy."""


def main() -> int:
    """Unroll the workbook that the arguments name; the exit code."""
    _bound()
    source, target, wanted = sys.argv[1:4]
    try:
        last = _unroll(Path(source), Path(target), wanted or None)
    except _Refused as refused:
        sys.stdout.write(json.dumps(refused.args))
        return REFUSED
    sys.stdout.write(str(last))
    return 0


def _bound() -> None:
    for kind, most in (
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, WRITTEN_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def _unroll(source: Path, target: Path, wanted: str | None) -> int:
    try:
        with CalamineWorkbook.from_path(source) as workbook:
            name, layout = _choose(workbook, wanted)
            place = workbook.sheet_names.index(name)
            sheet = workbook.get_sheet_by_name(name)
            with target.open("w", encoding="utf-8") as file:
                return _write(file, source, place, sheet, layout)
    except PasswordError:
        raise _Refused(
            "the workbook is locked by a password",
            "Open it, save it without a password, and send that.",
        ) from None
    except CalamineError as error:
        raise _Refused(
            f"the workbook is broken: {str(error)[:200]}",
            "Open it in its spreadsheet program, save it again, and send that.",
        ) from None


def _choose(workbook: CalamineWorkbook, wanted: str | None) -> tuple[str, Layout]:
    """The sheet named, or the first visible one that has a header, and its layout."""
    visible = [sheet.name for sheet in workbook.sheets_metadata if _is_table(sheet)]
    if wanted is not None and wanted not in workbook.sheet_names:
        raise _Refused(
            f"the workbook has no sheet {wanted[:100]!r}; it has {', '.join(visible[:20])}",
            "Name one of its sheets, or leave it out: the first with a header is taken.",
        )
    for name in [wanted] if wanted is not None else visible:
        rows = islice(workbook.get_sheet_by_name(name).iter_rows(), LOOKED_AT)
        layout = find_layout([[text_of(cell) for cell in row] for row in rows])
        if layout is not None:
            return name, layout
    raise _Refused(
        "no sheet of the workbook has a header row with the columns' names",
        "Put the columns' names into one row above the products.",
    )


def _is_table(sheet: SheetMetadata) -> bool:
    return sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible


def _write(file: IO[str], source: Path, place: int, sheet: CalamineSheet, layout: Layout) -> int:
    found = find_cells(source, place)
    merges = _by_row(sheet.merged_cell_ranges or found.merges)
    column = (sheet.start or (0, 0))[1]
    kept: dict[int, tuple[int, str]] = {}
    last = layout.header
    for number, row in enumerate(sheet.iter_rows()):
        cells = [text_of(cell) for cell in row]
        _fill_merged(number, cells, merges.get(number, ()), kept, column)
        is_header = number == layout.header
        if number < layout.first and not is_header:
            continue
        trouble = None if is_header else _trouble(number, found.bad.get(number))
        if is_header or trouble or any(map(str.strip, cells)):
            file.write(json.dumps([number + 1, cells, trouble]) + "\n")
            last = number
    return last + 1


def _by_row(merges: Iterable[Merge]) -> dict[int, list[tuple[int, int]]]:
    """By the row a merge begins in: its column and its last row, of those over several rows."""
    found: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, _) in merges:
        if bottom > top:
            found.setdefault(top, []).append((left, bottom))
    return found


def _fill_merged(
    number: int,
    cells: list[str],
    beginning: Iterable[tuple[int, int]],
    kept: dict[int, tuple[int, str]],
    first_column: int,
) -> None:
    """Write each merged cell's text into this row; `kept` holds those that go on, by column."""
    for left, bottom in beginning:
        place = left - first_column
        if 0 <= place < len(cells):
            kept[place] = (bottom, cells[place])
    for place, (bottom, text) in list(kept.items()):
        if number > bottom:
            del kept[place]
        elif place < len(cells):
            cells[place] = text


def _trouble(number: int, bad: tuple[int, str] | None) -> tuple[str, str] | None:
    if bad is None:
        return None
    column, what = bad
    return f"the cell {_letters(column)}{number + 1} holds {what}", _CALCULATE


def _letters(column: int) -> str:
    """A column's name, as spreadsheets count: A, B ... Z, AA."""
    letters = ""
    while column >= 0:
        column, rest = divmod(column, 26)
        letters = chr(ord("A") + rest) + letters
        column -= 1
    return letters


def text_of(cell: Cell) -> str:
    """A cell as a person reads it, apart from what formats add."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int | float):
        return _number(cell)
    if isinstance(cell, datetime):
        is_day = cell.time() == time()
        return cell.date().isoformat() if is_day else cell.isoformat(sep=" ", timespec="seconds")
    return cell if isinstance(cell, str) else str(cell)


def _number(number: float) -> str:
    if number == int(number) and abs(number) < EXACT:
        return str(int(number))
    return f"{Decimal(f'{number:.{DIGITS}g}'):f}"


if __name__ == "__main__":
    sys.exit(main())
