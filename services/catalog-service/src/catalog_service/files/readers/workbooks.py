"""XLSX and ODS: a sheet of a workbook as rows of named texts, like those of a CSV file.

Their library holds a whole sheet in memory, and a small archive may unpack to a huge one. So the
archive's directory is looked at first, and another process unrolls the sheet into lines, with
bounds on its memory, its time and what it writes (`unroll_workbook`). From there on the sheet is
read line by line.
"""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from catalog_service.files.readers.items import MAX_ROW, BadLine, FileRefused
from catalog_service.files.readers.tables import MAX_COLUMNS, TableRow, column_names
from catalog_service.files.readers.unroll_workbook import REFUSED

WorkbookKind = Literal["xlsx", "ods"]

MAX_UNPACKED = 1_000_000_000
"""Bytes of a workbook's parts together, as its directory has them."""
MAX_PARTS = 10_000
SECONDS = 600
"""How long a workbook may take to be unrolled, whatever else the machine does."""
ROWS_SUFFIX = ".rows"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PIECE = 1 << 20
_SAVE_AS = "Save it as XLSX, ODS or CSV, and send that."
_UNLOCK = "Open it, save it without a password, and send that."


def workbook_kind(path: Path) -> WorkbookKind:
    """Which kind of workbook a ZIP archive is. Raises `FileRefused` for any other archive, one that
    is locked by a password, and one that unpacks to too much."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = {part.filename: part.file_size for part in archive.infolist()}
            kind = _kind(archive, parts)
            if kind == "ods" and _is_locked(archive, parts):
                raise FileRefused("the workbook is locked by a password", _UNLOCK)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise FileRefused(
            f"the ZIP archive or workbook is broken: {error}", "Send the file whole."
        ) from None
    if sum(parts.values()) > MAX_UNPACKED or len(parts) > MAX_PARTS:
        raise FileRefused(
            f"the workbook unpacks to more than {MAX_UNPACKED} bytes",
            "Send the products' sheet alone, best as CSV.",
        )
    return kind


def _kind(archive: zipfile.ZipFile, parts: dict[str, int]) -> WorkbookKind:
    if "xl/workbook.xml" in parts:
        return "xlsx"
    if parts.get("mimetype", 1_000) < 200 and archive.read("mimetype").startswith(
        b"application/vnd.oasis.opendocument.spreadsheet"
    ):
        return "ods"
    if "xl/workbook.bin" in parts:
        raise FileRefused("the file is a binary Excel workbook (XLSB)", _SAVE_AS)
    raise FileRefused(
        "the file is a ZIP archive", "Unpack it, and send the CSV, XLSX, ODS, JSON Lines or XML."
    )


def _is_locked(archive: zipfile.ZipFile, parts: dict[str, int]) -> bool:
    manifest = "META-INF/manifest.xml"
    if parts.get(manifest, _PIECE) >= _PIECE:
        return False
    return b"encryption-data" in archive.read(manifest)


def refuse_old_workbook(path: Path) -> FileRefused:
    """Why a file in the container of old Excel workbooks is refused: locked ones are in it too."""
    before = b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if _ENCRYPTED in before + piece:
                return FileRefused("the workbook is locked by a password", _UNLOCK)
            before = piece[-len(_ENCRYPTED) :]
    return FileRefused("the file is an old Excel workbook (XLS)", _SAVE_AS)


class Sheet:
    """A workbook's sheet that can be gone through; `columns` are its header's names, `lines` the
    number of its last row."""

    def __init__(self, path: Path, sheet: str | None) -> None:
        self._rows = path.with_name(path.name + ROWS_SUFFIX)
        self.lines = _unroll(path, self._rows, sheet)
        with self._rows.open(encoding="utf-8") as file:
            cells = json.loads(file.readline())[1]
        if len(cells) > MAX_COLUMNS:
            raise FileRefused("the file has too many columns", f"Keep to {MAX_COLUMNS} columns.")
        self.columns = column_names(cells)

    def rows(self) -> Iterator[TableRow | BadLine]:
        """The rows after the header; `line` is the row's number in the sheet."""
        with self._rows.open(encoding="utf-8") as file:
            file.readline()
            for text in file:
                line, cells, trouble = json.loads(text)
                if trouble:
                    yield BadLine(line, *trouble)
                elif len(text) > MAX_ROW:
                    yield BadLine(line, "the row is too long", f"Keep to {MAX_ROW} characters.")
                else:
                    yield self._row(line, cells)

    def _row(self, line: int, cells: list[str]) -> TableRow | BadLine:
        wanted = len(self.columns)
        if any(cell.strip() for cell in cells[wanted:]):
            return BadLine(
                line,
                f"the row has cells behind the header's {wanted} columns",
                "Name the columns in the header, or empty the cells.",
            )
        padded = cells[:wanted] + [""] * (wanted - len(cells))
        return TableRow(line, dict(zip(self.columns, padded, strict=True)))


def _unroll(path: Path, rows: Path, sheet: str | None) -> int:
    """Write the sheet's rows to `rows`; the number of the last. Raises `FileRefused`."""
    command = [sys.executable, "-m", "catalog_service.files.readers.unroll_workbook"]
    try:
        done = subprocess.run(
            [*command, str(path), str(rows), sheet or ""],
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_large() from None
    if done.returncode == 0:
        return int(done.stdout)
    if done.returncode == REFUSED:
        raise FileRefused(*json.loads(done.stdout))
    raise _too_large()


def _too_large() -> FileRefused:
    return FileRefused(
        "the workbook is too large, or too broken, to be opened within the bounds for one",
        "Send the products' sheet as CSV.",
    )
