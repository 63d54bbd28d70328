"""CSV and TSV files as rows of named texts, read line by line, none held beyond its bound."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from catalog_service.files.readers.encoding import BAD_BYTES
from catalog_service.files.readers.header_rows import LOOKED_AT, find_layout, is_amazon_template
from catalog_service.files.readers.items import MAX_ROW, BadLine, FileRefused, FileTruncated
from catalog_service.texts import is_storable

DELIMITERS = ",;\t|"
MAX_CELL = 1_000_000
MAX_COLUMNS = 1_000
MAX_HEADER = 200_000
csv.field_size_limit(MAX_CELL)

_SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=([^"\r\n])\1*"?[;,\t|]*\s*', re.IGNORECASE)
"""What a spreadsheet reads as the delimiter, in the line before the header."""
_CORRECT_QUOTES = "Quote cells that hold delimiters, quotes or line ends; double quotes inside."


@dataclass(frozen=True)
class TableRow:
    """One row; `line` is where it begins, from 1."""

    line: int
    cells: Mapping[str, str]


class _TooLong(Exception):
    """The lines of one row are longer than a row may be."""


class _Lines:
    """A file's lines, counted; a row gets no more characters of them than its bound."""

    def __init__(self, file: io.TextIOWrapper, most: int) -> None:
        self._file = file
        self._most = most
        self._left = most
        self.number = 0

    def begin_row(self) -> None:
        """The lines that follow are of another row."""
        self._left = self._most

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline(self._left + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._left -= len(line)
        if self._left < 0:
            while line and not line.endswith(("\n", "\r")):
                line = self._file.readline(self._most)
            raise _TooLong
        return line


class Table:
    """A CSV file that can be gone through; `columns` are its header's names."""

    def __init__(self, path: Path, encoding: str, delimiter: str | None) -> None:
        self._path = path
        self._encoding = encoding
        self._first = 0
        first = self._first_line()
        stated = _SEPARATOR_LINE.fullmatch(first)
        self._begins_with_separator = stated is not None
        self.delimiter = check_delimiter(delimiter or (stated and stated[1])) or (
            _likeliest_delimiter(first)
        )
        cells = self._header_cells()
        if len(cells) < 2:
            raise FileRefused(
                "the file has one column only: it is no table of products",
                "Send a header line with at least an id and a title; name delimiter and encoding.",
            )
        if len(cells) > MAX_COLUMNS:
            raise FileRefused("the file has too many columns", f"Keep to {MAX_COLUMNS} columns.")
        if not all(map(is_storable, cells)):
            raise FileRefused(
                "the header has bytes that are not of the file's encoding",
                "Save the file as UTF-8, or name its encoding.",
            )
        self.columns = column_names(cells)

    def rows(self) -> Iterator[TableRow | BadLine]:
        """The rows after the header. Raises `FileTruncated` where the file ends inside a cell."""
        with self._open() as file:
            lines = self._lines(file, MAX_ROW)
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
            for _ in range(self._first):
                lines.begin_row()
                next(reader, None)
            while True:
                lines.begin_row()
                line = lines.number + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except _TooLong:
                    yield BadLine(line, "the row is too long", f"Keep to {MAX_ROW} characters.")
                    continue
                except csv.Error as error:
                    if "unexpected end" in str(error):
                        raise FileTruncated(
                            f"the file ends inside the row of line {line}"
                        ) from None
                    yield BadLine(line, f"the row cannot be read: {error}", _CORRECT_QUOTES)
                    continue
                if any(cell.strip() for cell in cells):
                    yield self._row(line, cells)

    def _row(self, line: int, cells: list[str]) -> TableRow | BadLine:
        wanted = len(self.columns)
        if len(cells) < wanted or any(cell.strip() for cell in cells[wanted:]):
            message = f"the row has {len(cells)} cells, the header {wanted}"
            return BadLine(line, message, _CORRECT_QUOTES)
        return TableRow(line, dict(zip(self.columns, cells, strict=False)))

    def _open(self) -> io.TextIOWrapper:
        # Undecodable bytes are kept out of the way of the rows around them.
        return self._path.open(encoding=self._encoding, errors=BAD_BYTES, newline="")

    def _header_cells(self) -> list[str]:
        with self._open() as file:
            lines = self._lines(file, MAX_HEADER)
            try:
                return self._header_of(csv.reader(lines, delimiter=self.delimiter, strict=True))
            except csv.Error as error:
                raise FileRefused(f"the header cannot be read: {error}", _CORRECT_QUOTES) from None
            except _TooLong:
                raise _header_too_long() from None

    def _header_of(self, rows: Iterator[list[str]]) -> list[str]:
        """The header's cells; `_first` is then the number of rows before the first product."""
        top = []
        for row in rows:
            top.append(row)
            if any(cell.strip() for cell in row):
                break
        self._first = len(top)
        if not top or not is_amazon_template(top[-1]):
            return top[-1] if top else []
        before = len(top) - 1
        template = [top[-1], *islice(rows, LOOKED_AT)]
        layout = find_layout(template)
        if layout is None:
            return top[-1]
        self._first = before + layout.first
        return template[layout.header]

    def _lines(self, file: io.TextIOWrapper, most: int) -> _Lines:
        """The lines from the header on."""
        lines = _Lines(file, most)
        if self._begins_with_separator:
            next(line for line in lines if line.strip())
        return lines

    def _first_line(self) -> str:
        with self._open() as file:
            try:
                for line in _Lines(file, MAX_HEADER):
                    if line.strip():
                        return line
            except _TooLong:
                raise _header_too_long() from None
        raise FileRefused("the file is empty", "Send a file with a header line and products.")


def check_delimiter(delimiter: str | None) -> str | None:
    """The delimiter itself. Raises `FileRefused` for a sign that cannot divide cells."""
    if delimiter is None or (
        len(delimiter) == 1 and not delimiter.isalnum() and delimiter not in '"\r\n\x00'
    ):
        return delimiter
    raise FileRefused(
        f"{delimiter[:10]!r} cannot divide the cells of a table",
        "Name one sign, such as a comma, a semicolon or a tab, or leave it out.",
        "delimiter",
    )


def _header_too_long() -> FileRefused:
    return FileRefused(
        f"the header is longer than {MAX_HEADER} characters",
        "Send a header line with the columns' names; each product on a line of its own.",
    )


def _likeliest_delimiter(header: str) -> str:
    counts = {
        delimiter: len(next(csv.reader([header], delimiter=delimiter), []))
        for delimiter in DELIMITERS
    }
    return max(DELIMITERS, key=lambda delimiter: counts[delimiter])


def column_names(header: Sequence[str]) -> list[str]:
    """The header's names, blanks cut; a name that comes twice gets a number."""
    names: dict[str, None] = {}
    numbers: dict[str, int] = defaultdict(lambda: 2)
    for place, cell in enumerate(header, start=1):
        name = cell.strip().lstrip("\ufeff") or f"column_{place}"
        unique = name
        while unique in names:  # each number is tried once for a name, however often it comes
            unique = f"{name}_{numbers[name]}"
            numbers[name] += 1
        names[unique] = None
    return list(names)
