"""What the library of workbooks leaves out of a sheet: cells that look empty to it and are not.

A formula whose result was never stored, and an error, come from it as an empty cell; of ODS it does
not give merged cells. They are found in the sheet's XML, element by element.
"""

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from lxml import etree

MOST_BAD = 100_000
"""Rows with such cells that are named; behind them the sheet is not looked at further."""
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_CALCEXT = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_NO_VALUE = "a formula without a stored result"

Merge = tuple[tuple[int, int], tuple[int, int]]


@dataclass
class FoundCells:
    """By row, from 0: the first bad cell's column and what it holds; and merged cells of ODS."""

    bad: dict[int, tuple[int, str]] = field(default_factory=dict)
    merges: list[Merge] = field(default_factory=list)


def find_cells(path: Path, place: int) -> FoundCells:
    """The cells of the workbook's sheet at `place`. A part that cannot be read gives none: the
    library has read it, or refuses it."""
    found = FoundCells()
    try:
        with zipfile.ZipFile(path) as archive:
            if "content.xml" in archive.namelist():
                with archive.open("content.xml") as part:
                    _of_ods(part, place, found)
            else:
                with archive.open(_part_of(archive, place)) as part:
                    _of_xlsx(part, found)
    except (zipfile.BadZipFile, etree.XMLSyntaxError, KeyError, IndexError, StopIteration):
        return found
    return found


def _parse(part: IO[bytes], *tags: str) -> Iterator[tuple[str, etree._Element]]:
    context = etree.iterparse(
        part,
        events=("start", "end"),
        tag=tags,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    yield from context


def _part_of(archive: zipfile.ZipFile, place: int) -> str:
    """The part that holds an XLSX's sheet."""
    sheets = etree.fromstring(archive.read("xl/workbook.xml"), _safe()).iter("{*}sheet")
    sheet = list(sheets)[place]
    wanted = next(value for name, value in sheet.attrib.items() if str(name).endswith("}id"))
    relations = etree.fromstring(archive.read("xl/_rels/workbook.xml.rels"), _safe())
    target = next(str(each.get("Target")) for each in relations if each.get("Id") == wanted)
    return posixpath.normpath(posixpath.join("xl", target)).lstrip("/")


def _safe() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def _of_xlsx(part: IO[bytes], found: FoundCells) -> None:
    row, column = -1, -1
    tags = [f"{space}{name}" for space in (_MAIN, _STRICT) for name in ("row", "c")]
    for event, element in _parse(part, *tags):
        is_row = str(element.tag).endswith("}row")
        if event == "start":
            if is_row:
                row = int(element.get("r", row + 2)) - 1
                column = -1
            continue
        if is_row:
            _forget(element)
            continue
        column = _column(element.get("r"), column + 1)
        value = element.find("{*}v")
        has_value = value is not None and bool(value.text)
        if element.get("t") == "e":
            _note(found, row, column, f"the error {value.text if value is not None else ''}")
        elif element.find("{*}f") is not None and not has_value and element.get("t") != "str":
            _note(found, row, column, _NO_VALUE)
        if len(found.bad) > MOST_BAD:
            return


def _column(reference: str | None, following: int) -> int:
    """The column of a reference such as `AB12`; cells without one follow each other."""
    column = 0
    for sign in reference or "":
        if not sign.isalpha():
            break
        column = column * 26 + ord(sign.upper()) - ord("A") + 1
    return column - 1 if column else following


def _note(found: FoundCells, row: int, column: int, what: str) -> None:
    found.bad.setdefault(row, (column, what))


def _of_ods(part: IO[bytes], place: int, found: FoundCells) -> None:
    table, row = -1, 0
    cells = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
    tags = (f"{_TABLE}table", f"{_TABLE}table-row", *cells)
    column = 0
    for event, element in _parse(part, *tags):
        if element.tag == f"{_TABLE}table":
            table += event == "start"
            if event == "end" and table == place:
                return
        elif element.tag == f"{_TABLE}table-row":
            if event == "start":
                column = 0
            else:
                row += _repeated(element, "rows")
                _forget(element)
        elif event == "end":
            if table == place:
                _note_ods(element, row, column, found)
            column += _repeated(element, "columns")
        if table < place:
            row = 0
        if len(found.bad) > MOST_BAD:
            return


def _note_ods(cell: etree._Element, row: int, column: int, found: FoundCells) -> None:
    if cell.get(f"{_CALCEXT}value-type") == "error":
        text = "".join(cell.itertext()).strip()
        _note(found, row, column, f"the error {text[:20]}")
    elif cell.get(f"{_TABLE}formula") and not cell.get(f"{_OFFICE}value-type"):
        _note(found, row, column, _NO_VALUE)
    rows = int(cell.get(f"{_TABLE}number-rows-spanned", 1))
    if rows > 1:
        found.merges.append(((row, column), (row + rows - 1, column)))


def _repeated(element: etree._Element, what: str) -> int:
    return int(element.get(f"{_TABLE}number-{what}-repeated", 1))


def _forget(element: etree._Element) -> None:
    """Free the element and its earlier siblings, so that memory stays flat."""
    element.clear(keep_tail=False)
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
