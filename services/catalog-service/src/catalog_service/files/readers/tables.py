"""CSV and TSV files as rows of named texts, read line by line."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog_service.files.readers.items import BadLine, FileRefused, FileTruncated

DELIMITERS = ",;\t|"
MAX_CELL = 1_000_000
MAX_COLUMNS = 1_000
csv.field_size_limit(MAX_CELL)


@dataclass(frozen=True)
class TableRow:
    """One row; `line` is where it begins, from 1."""

    line: int
    cells: Mapping[str, str]


class Table:
    """A CSV file that can be gone through; `columns` are its header's names."""

    def __init__(self, path: Path, encoding: str, delimiter: str | None) -> None:
        self._path = path
        self._encoding = encoding
        header = self._header_line()
        self.delimiter = delimiter or _likeliest_delimiter(header)
        self.columns = _names(self._header_cells())
        if len(self.columns) < 2:
            raise FileRefused(
                "the file has one column only: it is no table of products",
                "Send a header line with at least an id and a title, and name the delimiter.",
            )
        if len(self.columns) > MAX_COLUMNS:
            raise FileRefused("the file has too many columns", f"Keep to {MAX_COLUMNS} columns.")

    def rows(self) -> Iterator[TableRow | BadLine]:
        """The rows after the header. Raises `FileTruncated` where the file ends inside a cell."""
        with self._open() as file:
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            next((row for row in reader if any(cell.strip() for cell in row)), None)
            while True:
                line = reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    if "unexpected end" in str(error):
                        raise FileTruncated(
                            f"the file ends inside the row of line {line}"
                        ) from None
                    yield BadLine(line, f"the row cannot be read: {error}", _MEND_QUOTES)
                    continue
                if any(cell.strip() for cell in cells):
                    yield self._row(line, cells)

    def _row(self, line: int, cells: list[str]) -> TableRow | BadLine:
        wanted = len(self.columns)
        if len(cells) < wanted or any(cell.strip() for cell in cells[wanted:]):
            message = f"the row has {len(cells)} cells, the header {wanted}"
            return BadLine(line, message, _MEND_QUOTES)
        return TableRow(line, dict(zip(self.columns, cells, strict=False)))

    def _open(self) -> io.TextIOWrapper:
        # Undecodable bytes are kept out of the way of the rows around them.
        return self._path.open(encoding=self._encoding, errors="replace", newline="")

    def _header_cells(self) -> list[str]:
        with self._open() as file:
            try:
                reader = csv.reader(file, delimiter=self.delimiter)
                return next((row for row in reader if any(cell.strip() for cell in row)), [])
            except csv.Error as error:
                raise FileRefused(f"the header cannot be read: {error}", _MEND_QUOTES) from None

    def _header_line(self) -> str:
        with self._open() as file:
            for line in file:
                if line.strip():
                    return line
        raise FileRefused("the file is empty", "Send a file with a header line and products.")


_MEND_QUOTES = "Quote cells that hold delimiters, quotes or line ends; double quotes inside."


def _likeliest_delimiter(header: str) -> str:
    counts = {
        delimiter: len(next(csv.reader([header], delimiter=delimiter), []))
        for delimiter in DELIMITERS
    }
    return max(DELIMITERS, key=lambda delimiter: counts[delimiter])


def _names(header: list[str]) -> list[str]:
    """The header's names, blanks cut; a name that comes twice gets a number."""
    names: list[str] = []
    for place, cell in enumerate(header, start=1):
        name = cell.strip().lstrip("\ufeff") or f"column_{place}"
        repeated = name
        number = 2
        while repeated in names:
            repeated = f"{name}_{number}"
            number += 1
        names.append(repeated)
    return names
