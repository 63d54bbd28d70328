"""Shopify product exports: the rows of one handle are one product, wherever they stand.

One variant is a simple product named by its handle; several make a parent (the handle) and
children named `handle:option values`, which take from the parent what their own rows leave out.
Rows with only a picture add to the parent's.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from tempfile import TemporaryFile

from catalog_service.files.readers.items import MAX_ID, MAX_ROW, BadLine, Entry, bounded_id, item_of
from catalog_service.files.readers.placeholders import is_placeholder
from catalog_service.files.readers.scattered import ScatteredRows, count_scattered
from catalog_service.files.readers.tables import TableRow
from common.contracts.catalog import FieldValue

Row = TableRow | BadLine

HANDLE = "Handle"
HANDLES = (HANDLE, "URL handle")
"""The column of handles, by its older and its newer name."""
_OLDER_NAMES = {
    "URL handle": HANDLE,
    "Description": "Body (HTML)",
    "Product category": "Product Category",
    "Published on online store": "Published",
    "SKU": "Variant SKU",
    "Barcode": "Variant Barcode",
    **{
        f"Option{number} {part}": f"Option{number} {part.title()}"
        for number in (1, 2, 3)
        for part in ("name", "value")
    },
    "Price": "Variant Price",
    "Compare-at price": "Variant Compare At Price",
    "Inventory quantity": "Variant Inventory Qty",
    "Inventory tracker": "Variant Inventory Tracker",
    "Continue selling when out of stock": "Variant Inventory Policy",
    "Fulfillment service": "Variant Fulfillment Service",
    "Requires shipping": "Variant Requires Shipping",
    "Charge tax": "Variant Taxable",
    "Weight value (grams)": "Variant Grams",
    "Weight unit for display": "Variant Weight Unit",
    "Product image URL": "Image Src",
    "Image position": "Image Position",
    "Image alt text": "Image Alt Text",
    "Variant image URL": "Variant Image",
    "Gift card": "Gift Card",
    "SEO title": "SEO Title",
    "SEO description": "SEO Description",
}
"""How the exports of before 2025 call the newer ones' columns: a feed's matches serve both."""
IMAGE = "Image Src"
IMAGES = "Images"
NO_OPTION = "default title"
"""The one option value of a product without options."""
_OPTIONS = tuple(f"Option{number} Value" for number in (1, 2, 3))
_OPTION_NAMES = tuple(f"Option{number} Name" for number in (1, 2, 3))
_OF_OFFER = ("Variant Price", "Variant SKU")
_OF_IMAGE = (IMAGE, "Image Position", "Image Alt Text")
_POSITION = re.compile("[0-9]{1,9}")
MAX_ROWS = 5_000
MAX_CHARACTERS = 4 * MAX_ROW


def is_shopify(columns: Iterable[str]) -> bool:
    """Whether these are the columns of a Shopify export."""
    needed = {HANDLE, "Title", "Variant Price", "Option1 Value"}
    names = set(columns)
    return needed <= names or ("URL handle" in names and needed <= _older(names))


def _older(names: Iterable[str]) -> set[str]:
    return {_OLDER_NAMES.get(name, name) for name in names}


def read_shopify(read: Callable[[], Iterable[Row]]) -> Iterator[Entry]:
    """The products of the file that `read` reads from its beginning, each time it is called.

    A product whose rows stand apart comes with its last one. Raises `FileTruncated` before any
    product: what a broken file lacks may be rows of each.
    """
    counts = count_scattered(map(_handle, map(_with_older_names, read())))
    with TemporaryFile() as file:
        scattered = ScatteredRows(counts, file)
        for handle, group in groupby(map(_with_older_names, read()), key=_handle):
            if handle is None:
                yield from (row for row in group if isinstance(row, BadLine))
                continue
            rows = (row for row in group if isinstance(row, TableRow))
            if not handle:
                yield from map(_nameless, rows)
            elif handle not in scattered:
                yield from _of_handle(handle, rows)
            else:
                for row in rows:
                    if (whole := scattered.add(handle, row)) is not None:
                        yield from _of_handle(handle, whole)


def _with_older_names(row: Row) -> Row:
    if isinstance(row, BadLine) or HANDLE in row.cells:
        return row
    return TableRow(row.line, {_OLDER_NAMES.get(n, n): cell for n, cell in row.cells.items()})


def _handle(row: Row) -> str | None:
    return None if isinstance(row, BadLine) else row.cells.get(HANDLE, "").strip()


def _nameless(row: TableRow) -> BadLine:
    return BadLine(row.line, "the row has no handle", "Fill the column Handle.")


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
    head = next((row for row in rows if row.cells.get("Title", "").strip()), rows[0])
    variants = _variants(head, rows)
    fields = _filled(head.cells) | {IMAGES: _images(rows)}
    if len(variants) == 1:
        own = {} if variants[0] is head else _of_variant(variants[0])
        yield item_of(head.line, handle, None, _without_placeholders(fields | own))
        return
    shared = _without_variant(fields)
    names = {name: fields[name] for name in _OPTION_NAMES if name in fields}
    yield item_of(head.line, handle, None, shared)
    for row in variants:
        child = _without_placeholders(shared | names | _of_variant(row))
        yield item_of(row.line, _child_id(handle, row), handle, child)


def _variants(head: TableRow, rows: list[TableRow]) -> list[TableRow]:
    """The rows that can be bought. The head may only describe what the others are."""
    with_options = [row for row in rows if row.cells.get("Option1 Value", "").strip()]
    if head in with_options or not any(head.cells.get(name, "").strip() for name in _OF_OFFER):
        return with_options or [head]
    return [head, *with_options]


def _child_id(handle: str, row: TableRow) -> str:
    options = "/".join(row.cells.get(name, "").strip() for name in _OPTIONS).rstrip("/")
    return bounded_id(f"{handle}:{options}")


def _filled(cells: Mapping[str, str]) -> dict[str, FieldValue]:
    return {name: cell.strip() for name, cell in cells.items() if cell.strip()}


def _of_variant(row: TableRow) -> dict[str, FieldValue]:
    return {name: value for name, value in _filled(row.cells).items() if name not in _OF_IMAGE}


def _without_variant(fields: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    return {
        name: value
        for name, value in fields.items()
        if not name.startswith(("Variant ", "Option", "Cost per item"))
    }


def _without_placeholders(fields: dict[str, FieldValue]) -> dict[str, FieldValue]:
    """The fields without options that are none."""
    none = [
        place
        for place, name in enumerate(_OPTIONS)
        if (value := str(fields.get(name, ""))).casefold() == NO_OPTION or is_placeholder(value)
    ]
    dropped = {names[place] for place in none for names in (_OPTIONS, _OPTION_NAMES)}
    return {name: value for name, value in fields.items() if name not in dropped}


def _images(rows: list[TableRow]) -> list[str]:
    """The product's pictures in the order of their positions."""
    placed = [
        (row.cells.get("Image Position", "").strip(), row.cells[IMAGE].strip())
        for row in rows
        if row.cells.get(IMAGE, "").strip()
    ]
    placed.sort(key=lambda image: int(image[0]) if _POSITION.fullmatch(image[0]) else 10_000)
    return list(dict.fromkeys(url for _, url in placed))
