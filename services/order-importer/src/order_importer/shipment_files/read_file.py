"""A CSV file of parcels as rows, each with what is wrong in it. Pure (M8.4).

Comma, semicolon or tab; UTF-8 with or without a byte order mark; what spreadsheets add (`sep=;`,
`="123"`, a leading apostrophe) is taken off.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from common.contracts.event import LONGEST_EXTERNAL_ID
from common.errors import Refusal
from order_importer.shipping.api import ShipmentBody

MAX_BYTES = 1_000_000
MAX_ROWS = 1_000
COLUMNS = (
    "order_id",
    "line_ids",
    "carrier",
    "tracking_number",
    "tracking_website",
    "note",
    "further",
    "more_follow",
)
TEMPLATE = ",".join(COLUMNS) + "\r\n"

_NEEDED = ("carrier", "tracking_number")
_ALIASES = {"order": "order_id", "line": "line_ids", "line_id": "line_ids", "lines": "line_ids"}
_FIELDS = {"lines": "line_ids"}
"""The columns of fields of a shipment that are named otherwise."""
_DELIMITERS = ",;\t"
_ROUNDED = re.compile(r"\d+(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
"""A long number as spreadsheets show it, its last digits lost."""
_FORMULA = re.compile(r'="(.*)"', re.DOTALL)
_PRINTABLE = re.compile(r"[^\x00-\x1f/]+")
_FLAGS = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}


class FileRefused(Refusal):
    """The file cannot be read as a whole; nothing of it was shipped."""

    def __init__(
        self, title: str, remedy: str, *, slug: str = "file-malformed", status: int = 422
    ) -> None:
        super().__init__(title, status=status, slug=slug, field="file", rule="M8.4", remedy=remedy)


class RowRefused(Refusal):
    """A row cannot be read."""

    def __init__(self, field: str, title: str, remedy: str) -> None:
        super().__init__(
            title, status=422, slug="row-invalid", field=field, rule="M8.4", remedy=remedy
        )


@dataclass(frozen=True)
class FileRow:
    """A row: the line it begins on, the order or the lines it names, and the parcel it asks for.

    `order_id` None: the order of its lines.
    """

    line: int
    order_id: str | None
    body: ShipmentBody


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be read, with what could be."""

    line: int
    order_id: str | None
    tracking_number: str | None
    refusal: Refusal


def read_file(content: bytes) -> list[FileRow | BadRow]:
    """The file's rows in their order, empty ones left out. Raises `FileRefused`."""
    text = _decode(content)
    rows: list[FileRow | BadRow] = []
    columns: Sequence[str] | None = None
    for line, cells in _records(text):
        if columns is None:
            columns = _header(cells)
        elif len(rows) == MAX_ROWS:
            raise FileRefused(
                f"the file has more than {MAX_ROWS} rows",
                f"Send it in files of at most {MAX_ROWS} rows.",
                slug="file-too-large",
                status=413,
            )
        else:
            rows.append(_row(line, columns, cells))
    if columns is None or not rows:
        raise FileRefused("the file has no rows", _begin_with_header())
    return rows


def too_large() -> FileRefused:
    """The refusal of a file of too many bytes."""
    return FileRefused(
        f"the file is larger than {MAX_BYTES} bytes",
        f"Send it in files of at most {MAX_ROWS} rows.",
        slug="file-too-large",
        status=413,
    )


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileRefused("the file is in UTF-16", "Save it as CSV UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        line = content.count(b"\n", 0, bad.start) + 1
        raise FileRefused(
            f"the file is not in UTF-8: line {line} has a byte that is none",
            "Save it as CSV UTF-8.",
        ) from bad
    if "\0" in text:
        raise FileRefused(
            "the file has NUL characters, so it is no CSV", "Save the table as CSV UTF-8."
        )
    return text


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """The line each record begins on, and its cells; empty ones are left out."""
    skipped = 0
    if text.lower().startswith("sep="):
        text = text.partition("\n")[2]
        skipped = 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    while True:
        line = reader.line_num + 1 + skipped
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise FileRefused(
                f"the file is no CSV from line {line} on: {error}",
                "Close every quotation mark, and write one within a cell twice.",
            ) from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, [_plain(cell) for cell in cells]


def _delimiter(text: str) -> str:
    """What cuts the first line into the most columns that are known."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(
        _DELIMITERS,
        key=lambda mark: sum(_column(name) in COLUMNS for name in header.split(mark)),
    )


def _plain(cell: str) -> str:
    """The cell as it was meant, whatever a spreadsheet wrote around it."""
    text = cell.strip()
    formula = _FORMULA.fullmatch(text)
    return formula[1].strip() if formula else text.removeprefix("'").strip()


def _column(name: str) -> str:
    plain = re.sub(r"[\s_-]+", "_", name.strip().strip('"').casefold())
    return _ALIASES.get(plain, plain)


def _header(cells: Sequence[str]) -> list[str]:
    columns = [_column(cell) for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    if not set(columns) & set(COLUMNS):
        raise FileRefused("the first line names no column", _begin_with_header())
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise FileRefused(
            f"nothing is known of the columns {', '.join(unknown)}",
            f"Take them out or rename them; the columns are {', '.join(COLUMNS)}.",
        )
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise FileRefused(f"the columns {', '.join(twice)} are there twice", "Keep one of each.")
    missing = [name for name in _NEEDED if name not in columns]
    if "order_id" not in columns and "line_ids" not in columns:
        missing.insert(0, "order_id")
    if missing:
        raise FileRefused(f"the columns {', '.join(missing)} are missing", _begin_with_header())
    return columns


def _begin_with_header() -> str:
    return f"Begin with a line of columns ({', '.join(COLUMNS)}), as in the template."


def _row(line: int, columns: Sequence[str], cells: Sequence[str]) -> FileRow | BadRow:
    values = dict(zip(columns, cells, strict=False))
    order_id = values.get("order_id") or None
    try:
        _require_fitting(columns, cells)
        _require_readable_ids(values)
        return FileRow(line, order_id, _body(values))
    except RowRefused as refusal:
        return BadRow(line, order_id, values.get("tracking_number"), refusal)


def _require_fitting(columns: Sequence[str], cells: Sequence[str]) -> None:
    if any(cells[len(columns) :]):
        raise RowRefused(
            columns[-1],
            f"the row has {len(cells)} cells, the first line has {len(columns)}",
            "Put cells that hold the delimiter in quotation marks.",
        )


def _require_readable_ids(values: Mapping[str, str]) -> None:
    for column in ("order_id", "line_ids", "tracking_number"):
        if _ROUNDED.fullmatch(values.get(column, "")):
            raise RowRefused(
                column,
                f"{values[column]} is a number that a spreadsheet has rounded",
                "Format the column as text before you enter or paste the numbers.",
            )
    order_id = values.get("order_id", "")
    if len(order_id) > LONGEST_EXTERNAL_ID or (order_id and not _PRINTABLE.fullmatch(order_id)):
        raise RowRefused("order_id", "this cannot be an order's number", "Copy it from AliExpress.")
    if not order_id and not values.get("line_ids"):
        raise RowRefused(
            "order_id", "the row names no order and no line", "Name the order, or its lines."
        )


def _body(values: Mapping[str, str]) -> ShipmentBody:
    lines = [part for part in re.split(r"[\s|,;]+", values.get("line_ids", "")) if part]
    try:
        return ShipmentBody(
            carrier=values.get("carrier", ""),
            tracking_number=values.get("tracking_number", ""),
            lines=lines or None,
            tracking_website=values.get("tracking_website") or None,
            note=values.get("note") or None,
            further=_flag(values, "further"),
            more_follow=_flag(values, "more_follow"),
        )
    except ValidationError as invalid:
        error = invalid.errors()[0]
        field = str(error["loc"][0])
        column = _FIELDS.get(field, field)
        title = f"{column}: {error['msg']}" if values.get(column) else f"{column} is empty"
        raise RowRefused(column, title, f"Correct {column} and send the row again.") from invalid


def _flag(values: Mapping[str, str], column: str) -> bool:
    text = values.get(column, "").casefold()
    if text not in _FLAGS:
        raise RowRefused(column, f"{column} is {text}", "Write yes or no, or leave it empty.")
    return _FLAGS[text]
