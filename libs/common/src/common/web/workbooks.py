"""Tables as an XLSX workbook that is written while it is sent: memory does not grow with it (X11).

The parts of the file go one after the other into a ZIP stream, so that nothing is spooled and the
first bytes leave at once. Texts are stored as texts, whatever they begin with; those that a program
would take for a formula when they are typed again are marked as text (`quotePrefix`).
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from html import escape
from io import RawIOBase
from itertools import count
from typing import IO, TYPE_CHECKING

from common.web.spreadsheets import harmless

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 1_048_576
"""Of a sheet, by the format; what is more goes on in a further sheet."""
MOST_COLUMNS = 16_384
MOST_CHARACTERS = 32_767
"""Of a cell; longer texts are cut, and end in an ellipsis."""
MOST_BYTES = 1_500_000_000
"""Of a sheet's XML: below the 2 GB from which the ZIP would need an extension."""

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_HEADER, _QUOTED = 1, 2
"""Styles: bold, and a text that stays one."""
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}">'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"'
    ' applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)

Cell = str | int | Decimal | None


class WorkbookStream:
    """A workbook in the making: after each call `take` gives what is to be sent next.

    Sheets are written one after the other; a sheet's columns are its header.
    """

    def __init__(self) -> None:
        self._pipe = _Pipe()
        self._zip = zipfile.ZipFile(
            self._pipe,  # written to, neither read nor sought
            "w",
            zipfile.ZIP_DEFLATED,
            compresslevel=3,
        )
        self._names: list[str] = []
        self._sheet: IO[bytes] | None = None
        self._title = ""
        self._columns: Sequence[str] = ()
        self._rows = 0
        self._bytes = 0

    def begin_sheet(self, title: str, columns: Sequence[str]) -> None:
        """Begin the next sheet, of at most 16,384 columns and a title of 25 characters."""
        self._title, self._columns = title, columns
        self._open_sheet()

    def add_rows(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Rows of the present sheet."""
        for row in rows:
            if self._rows >= MOST_ROWS or self._bytes >= MOST_BYTES:
                self._open_sheet()
            self._write_row(row)

    def finish(self) -> None:
        """Write what makes one workbook of the sheets."""
        self._end_sheet()
        for name, text in _other_parts(self._names):
            self._zip.writestr(name, text)
        self._zip.close()

    def take(self) -> bytes:
        """What was written since the last call."""
        return self._pipe.take()

    def _open_sheet(self) -> None:
        self._end_sheet()
        self._names.append(self._free_name())
        self._sheet = self._zip.open(f"xl/worksheets/sheet{len(self._names)}.xml", "w")
        self._rows = self._bytes = 0
        frozen = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        self._write(
            f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
            f"{frozen}</sheetView></sheetViews><sheetData>"
        )
        self._write_row(self._columns, style=_HEADER)

    def _free_name(self) -> str:
        numbered = (f"{self._title} ({number})" for number in count(2))
        return next(n for n in (self._title, *_first(numbered, 10_000)) if n not in self._names)

    def _end_sheet(self) -> None:
        if self._sheet is not None:
            self._write("</sheetData></worksheet>")
            self._sheet.close()
            self._sheet = None

    def _write_row(self, row: Sequence[Cell], *, style: int = 0) -> None:
        self._rows += 1
        cells = "".join(
            _cell(cell, f"{_letters(place)}{self._rows}", style)
            for place, cell in enumerate(row)
            if cell is not None and cell != ""
        )
        self._write(f'<row r="{self._rows}">{cells}</row>')

    def _write(self, text: str) -> None:
        if self._sheet is None:
            raise RuntimeError("no sheet was begun")
        encoded = text.encode()
        self._bytes += len(encoded)
        self._sheet.write(encoded)


def _first(names: Iterator[str], most: int) -> Iterator[str]:
    for _ in range(most):
        yield next(names)


@lru_cache(MOST_COLUMNS)
def _letters(place: int) -> str:
    """How a column is called: A to XFD."""
    above, last = divmod(place, 26)
    return (_letters(above - 1) if above else "") + chr(ord("A") + last)


def _cell(cell: Cell, place: str, style: int) -> str:
    if not isinstance(cell, str):
        return f'<c r="{place}"><v>{cell}</v></c>'
    text = _NOT_IN_XML.sub("\ufffd", cell.replace("\r\n", "\n").replace("\r", "\n"))
    if len(text) > MOST_CHARACTERS:
        text = text[: MOST_CHARACTERS - 1] + "…"
    if not style and harmless(text) != text:
        style = _QUOTED
    written = escape(_ESCAPE.sub("_x005F_", text), quote=False)
    shown = f' s="{style}"' if style else ""
    return f'<c r="{place}" t="inlineStr"{shown}><is><t xml:space="preserve">{written}</t></is></c>'


def _other_parts(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    numbers = range(1, len(names) + 1)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    sheets = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>'
        for n in numbers
    )
    yield (
        "[Content_Types].xml",
        (
            f'{_HEAD}<Types xmlns="{_TYPES}"><Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{sheets}</Types>'
        ),
    )
    yield (
        "_rels/.rels",
        (
            f'{_HEAD}<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1"'
            f' Type="{_KINDS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
    )
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>'
        for n, name in zip(numbers, names, strict=True)
    )
    yield (
        "xl/workbook.xml",
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_KINDS}"><sheets>{listed}</sheets></workbook>',
    )
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{_KINDS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        (
            f'{_HEAD}<Relationships xmlns="{_RELATIONS}">{related}<Relationship Id="rIdStyles"'
            f' Type="{_KINDS}/styles" Target="styles.xml"/></Relationships>'
        ),
    )
    yield "xl/styles.xml", _STYLES


class _Pipe(RawIOBase):
    """What the ZIP is written into: it cannot be sought in, so sizes stand behind each part."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, piece: "ReadableBuffer") -> int:
        written = bytes(piece)
        self._pieces.append(written)
        return len(written)

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken
