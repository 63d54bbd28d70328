"""Shopify product exports: the rows of one handle are one product.

One variant is a simple product named by its handle; several make a parent (the handle) and
children named `handle:option values`, which take from the parent what their own rows leave out.
Rows with only a picture add to the parent's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from catalog_service.files.readers.items import MAX_ID, MAX_ROW, BadLine, Entry, item_of
from catalog_service.files.readers.tables import TableRow
from common.contracts.catalog import FieldValue

HANDLE = "Handle"
IMAGE = "Image Src"
IMAGES = "Images"
_OPTIONS = tuple(f"Option{number} Value" for number in (1, 2, 3))
_OPTION_NAMES = tuple(f"Option{number} Name" for number in (1, 2, 3))
_OF_IMAGE = (IMAGE, "Image Position", "Image Alt Text")
_POSITION = re.compile("[0-9]{1,9}")
MAX_ROWS = 5_000
MAX_CHARACTERS = 4 * MAX_ROW


def is_shopify(columns: Iterable[str]) -> bool:
    """Whether these are the columns of a Shopify export."""
    return {HANDLE, "Title", "Variant Price", "Option1 Value"} <= set(columns)


def read_shopify(rows: Iterable[TableRow | BadLine]) -> Iterator[Entry]:
    """The products of these rows."""
    for handle, group in groupby(rows, key=_handle):
        if handle is None:
            yield from (row for row in group if isinstance(row, BadLine))
        elif not handle:
            yield from (
                BadLine(row.line, "the row has no handle", "Fill the column Handle.")
                for row in group
            )
        else:
            yield from _of_handle(handle, (row for row in group if isinstance(row, TableRow)))


def _handle(row: TableRow | BadLine) -> str | None:
    return None if isinstance(row, BadLine) else row.cells.get(HANDLE, "").strip()


def _of_handle(handle: str, group: Iterator[TableRow]) -> Iterator[Entry]:
    """The handle's products; no more of its rows are held than may be."""
    rows: list[TableRow] = []
    characters = 0
    for row in group:
        characters += sum(map(len, row.cells.values()))
        if len(rows) == MAX_ROWS or characters > MAX_CHARACTERS:
            yield BadLine(
                rows[0].line if rows else row.line,
                f"the product {handle[:MAX_ID]!r} is too large",
                f"Keep to {MAX_ROWS} rows and {MAX_CHARACTERS} characters a handle.",
            )
            return
        rows.append(row)
    yield from _product(handle, rows)


def _product(handle: str, rows: list[TableRow]) -> Iterator[Entry]:
    first = rows[0]
    variants = [row for row in rows if row.cells.get("Option1 Value") or row is first]
    head = _filled(first.cells) | {IMAGES: _images(rows)}
    if len(variants) == 1:
        yield item_of(first.line, handle, None, head)
        return
    yield item_of(first.line, handle, None, _without_variant(head))
    for row in variants:
        options = "/".join(row.cells.get(name, "").strip() for name in _OPTIONS).rstrip("/")
        own = {name: value for name, value in _filled(row.cells).items() if name not in _OF_IMAGE}
        names = {name: head[name] for name in _OPTION_NAMES if name in head}
        fields = _without_variant(head) | names | own
        yield item_of(row.line, f"{handle}:{options}"[:MAX_ID], handle, fields)


def _filled(cells: Mapping[str, str]) -> dict[str, FieldValue]:
    return {name: cell.strip() for name, cell in cells.items() if cell.strip()}


def _without_variant(fields: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    return {
        name: value
        for name, value in fields.items()
        if not name.startswith(("Variant ", "Option", "Cost per item"))
    }


def _images(rows: list[TableRow]) -> list[str]:
    """The product's pictures in the order of their positions."""
    placed = [
        (row.cells.get("Image Position", "").strip(), row.cells[IMAGE].strip())
        for row in rows
        if row.cells.get(IMAGE, "").strip()
    ]
    placed.sort(key=lambda image: int(image[0]) if _POSITION.fullmatch(image[0]) else 10_000)
    return list(dict.fromkeys(url for _, url in placed))
