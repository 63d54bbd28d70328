"""What kind of file it is, and its products one by one.

A file that is no catalogue (binary, HTML, one JSON document, an archive) is refused at once, with
what to send instead.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from catalog_service.files.readers.encoding import find_encoding, find_mark, is_wide
from catalog_service.files.readers.google_merchant import (
    declares_google,
    is_google,
    plain,
    read_google,
)
from catalog_service.files.readers.items import BadLine, Entry, FileRefused, item_of
from catalog_service.files.readers.json_lines import read_json_lines, read_objects
from catalog_service.files.readers.keys import Keys, keys_of
from catalog_service.files.readers.magento import NEEDED as MAGENTO_NEEDED
from catalog_service.files.readers.magento import is_magento, read_magento
from catalog_service.files.readers.placeholders import without_placeholders
from catalog_service.files.readers.shopify import HANDLES, is_shopify, read_shopify
from catalog_service.files.readers.tables import Table, TableRow
from catalog_service.files.readers.woocommerce import (
    NEEDED,
    is_woocommerce,
    lacking_columns,
    read_woocommerce,
)
from catalog_service.files.readers.workbooks import Sheet, refuse_old_workbook, workbook_kind
from catalog_service.files.readers.xml_items import find_item_tag, read_xml
from common.contracts.catalog import FieldValue

Format = Literal[
    "csv", "tsv", "jsonl", "xml", "xlsx", "ods", "google", "shopify", "woocommerce", "magento"
]
RawRow = tuple[int, dict[str, FieldValue]] | BadLine
"""A row as it stands: its line and its fields."""
HEAD_BYTES = 65_536
_ZIP = b"PK\x03\x04"
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_ARCHIVES = {
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"Rar!": "an archive",
    b"7z\xbc\xaf": "an archive",
    b"\x7fELF": "a program",
}


@dataclass(frozen=True)
class Options:
    """What the merchant says of the file; None is found out."""

    format: Format | None = None
    id_field: str | None = None
    parent_field: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None


@dataclass(frozen=True)
class CatalogueFile:
    """A recognised file: its format, and its products one by one; `lines` where they are not the
    file's own."""

    format: Format
    entries: Iterator[Entry]
    lines: int | None = None


@dataclass(frozen=True)
class RecognisedFile:
    """A file of which the format is known: its rows as they stand, and how they become products.

    `columns` are a table's, None where every row has its own. `products` takes the ids of parents
    that the file need not hold, by what its rows call them; it raises `FileRefused` where the
    options name no column of ids. `delimiter` divides a text's columns.
    """

    format: Format
    columns: list[str] | None
    rows: Callable[[], Iterator[RawRow]]
    products: Callable[[Options, Mapping[str, str]], Iterator[Entry]]
    lines: int | None = None
    delimiter: str | None = None


def open_catalogue(
    path: Path, options: Options, parents: Mapping[str, str] = MappingProxyType({})
) -> CatalogueFile:
    """Recognise the file. Raises `FileRefused`; its entries may raise `FileTruncated`.

    `parents` are ids of parents that the file need not hold, by what its rows call them.
    """
    found = recognise(path, options)
    return CatalogueFile(found.format, found.products(options, parents), found.lines)


def recognise(path: Path, options: Options) -> RecognisedFile:
    """What kind of file it is. Raises `FileRefused` for one that is no catalogue."""
    head = _head(path)
    if head.startswith(_OLD_WORKBOOK):
        raise refuse_old_workbook(path)
    if head.startswith(_ZIP):
        return _workbook(path, options)
    _refuse_archive(head)
    if find_mark(head) is None and not is_wide(options.encoding):
        _refuse_binary(head)
    encoding = find_encoding(path, options.encoding)
    text = head.decode(encoding, errors="replace").lstrip("\ufeff \t\r\n")
    chosen = options.format or _format_of(text)
    _refuse_foreign_text(text, chosen)
    if chosen == "jsonl":
        return RecognisedFile(
            "jsonl",
            None,
            lambda: read_objects(path, encoding),
            lambda said, _: read_json_lines(
                path, encoding, keys_of(None, said.id_field, said.parent_field)
            ),
        )
    if chosen == "xml" or (chosen == "google" and text.startswith("<")):
        return _xml(path, encoding, options, is_declared_google=declares_google(text))
    delimiter = options.delimiter or ("\t" if chosen == "tsv" else None)
    table = Table(path, encoding, delimiter)
    found = _table(table, options, "tsv" if table.delimiter == "\t" else "csv")
    return replace(found, delimiter=table.delimiter)


def _workbook(path: Path, options: Options) -> RecognisedFile:
    kind = workbook_kind(path)
    if options.format in {"jsonl", "xml"}:
        raise FileRefused(
            f"the file is said to be {options.format} and is a workbook",
            "Send it with the right format, or let the format be found out.",
        )
    sheet = Sheet(path, options.sheet)
    return replace(_table(sheet, options, kind), lines=sheet.lines)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.strip():
        raise FileRefused("the file is empty", "Send a file with products.")
    return head


def _refuse_archive(head: bytes) -> None:
    for mark, what in _ARCHIVES.items():
        if head.startswith(mark):
            raise FileRefused(
                f"the file is {what}", "Unpack it, and send CSV, TSV, XLSX, ODS, JSON Lines or XML."
            )


def _refuse_binary(head: bytes) -> None:
    if head.count(b"\x00") > 3 + len(head) // 1000:
        raise FileRefused("the file is binary", "Send CSV, TSV, XLSX, ODS, JSON Lines or XML.")


def _format_of(text: str) -> Format:
    if text.startswith("{"):
        return "jsonl"
    return "xml" if text.startswith("<") else "csv"


def _refuse_foreign_text(text: str, chosen: Format) -> None:
    start = text[:2_000].casefold()
    if start.startswith(("<!doctype html", "<html")) or "<body" in start:
        raise FileRefused(
            "the file is a web page, probably an error page of the server it came from",
            "Open the address in a browser, and send the catalogue file itself.",
        )
    if start.startswith("["):
        raise FileRefused(
            "the file is one JSON list", "Send JSON Lines: one product object a line."
        )
    is_table = chosen in {"csv", "tsv", "xlsx", "ods", "shopify", "woocommerce", "magento"}
    if is_table and start.startswith(("{", "<")):
        raise FileRefused(
            f"the file is said to be {chosen} and is not a table",
            "Send it with the right format, or let the format be found out.",
        )
    if chosen == "jsonl" and not start.startswith("{"):
        raise FileRefused("the file is not JSON Lines", "Send one JSON object a line.")
    if chosen == "xml" and not start.startswith("<"):
        raise FileRefused("the file is not XML", "Send XML, or let the format be found out.")


def _table(table: Table | Sheet, options: Options, plain_format: Format) -> RecognisedFile:
    rows = partial(_plain_rows, table)
    made = partial(RecognisedFile, columns=table.columns, rows=rows)
    chosen = options.format
    if chosen == "shopify" or (chosen is None and is_shopify(table.columns)):
        if not set(HANDLES) & set(table.columns):
            _need(table, "shopify", HANDLES[:1])
        return made("shopify", products=lambda *_: read_shopify(table.rows))
    if chosen == "woocommerce" or (chosen is None and _is_woocommerce(table.columns, options)):
        _refuse_lacking("woocommerce", lacking_columns(table.columns))
        return made(
            "woocommerce",
            products=lambda _, parents: read_woocommerce(table.rows, table.columns, parents),
        )
    if chosen == "magento" or (chosen is None and is_magento(table.columns)):
        _need(table, "magento", MAGENTO_NEEDED)
        return made("magento", products=lambda *_: read_magento(table.rows))
    if chosen == "google" or (chosen is None and is_google(table.columns)):
        return made("google", products=lambda _, parents: read_google(rows, parents))
    return made(plain_format, products=partial(_generic_products, rows, table.columns))


def _is_woocommerce(columns: Collection[str], options: Options) -> bool:
    """Whether it is read as WooCommerce's; one with translated headers was read as a generic file
    before, and stays one, with its ids, where the merchant names their column."""
    is_named = options.id_field is not None and not set(columns) >= NEEDED
    return not is_named and is_woocommerce(columns)


def _need(table: Table | Sheet, chosen: Format, columns: Collection[str]) -> None:
    _refuse_lacking(chosen, set(columns) - set(table.columns))


def _refuse_lacking(chosen: Format, lacking: Collection[str]) -> None:
    if lacking:
        raise FileRefused(
            f"the file is named {chosen} and lacks the columns {', '.join(sorted(lacking))}",
            "Send the export unchanged, or let the format be found out.",
        )


def _plain_rows(table: Table | Sheet) -> Iterator[RawRow]:
    for row in table.rows():
        yield (row.line, dict(row.cells)) if isinstance(row, TableRow) else row


def _xml(
    path: Path, encoding: str, options: Options, *, is_declared_google: bool
) -> RecognisedFile:
    tag = find_item_tag(path, encoding)
    read = partial(read_xml, path, encoding, tag)
    first = next(read(), None)
    if first is None:
        raise FileRefused("the XML holds no products", "Send at least one product.")
    names = list(first[1]) if isinstance(first, tuple) else []
    looks_google = is_declared_google or is_google(plain(name) for name in names)
    if options.format == "google" or (options.format is None and looks_google):
        return RecognisedFile("google", None, read, lambda _, parents: read_google(read, parents))
    return RecognisedFile("xml", None, read, partial(_generic_products, read, None))


def _generic_products(
    read: Callable[[], Iterator[RawRow]],
    columns: list[str] | None,
    options: Options,
    _parents: Mapping[str, str],
) -> Iterator[Entry]:
    return _generic(read, keys_of(columns, options.id_field, options.parent_field))


def _generic(read: Callable[[], Iterator[RawRow]], keys: Keys) -> Iterator[Entry]:
    for _ in read():
        pass  # one that breaks off gives no product, as with the other formats
    for row in read():
        if isinstance(row, BadLine):
            yield row
        else:
            line, fields = row[0], without_placeholders(row[1])
            yield item_of(line, *keys.of(fields), fields)
