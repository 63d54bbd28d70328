"""What kind of file it is, and its products one by one.

A file that is no catalogue (binary, HTML, one JSON document, an archive) is refused at once, with
what to send instead.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
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
from catalog_service.files.readers.json_lines import read_json_lines
from catalog_service.files.readers.keys import Keys, keys_of
from catalog_service.files.readers.placeholders import without_placeholders
from catalog_service.files.readers.shopify import HANDLE, is_shopify, read_shopify
from catalog_service.files.readers.tables import Table, TableRow
from catalog_service.files.readers.woocommerce import (
    NEEDED,
    is_woocommerce,
    read_woocommerce,
)
from catalog_service.files.readers.xml_items import find_item_tag, read_xml
from common.contracts.catalog import FieldValue

Format = Literal["csv", "tsv", "jsonl", "xml", "google", "shopify", "woocommerce"]
HEAD_BYTES = 65_536
_ARCHIVES = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
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


@dataclass(frozen=True)
class CatalogueFile:
    """A recognised file: its format, and its products one by one."""

    format: Format
    entries: Iterator[Entry]


def open_catalogue(
    path: Path, options: Options, parents: Mapping[str, str] = MappingProxyType({})
) -> CatalogueFile:
    """Recognise the file. Raises `FileRefused`; its entries may raise `FileTruncated`.

    `parents` are ids of parents that the file need not hold, by what its rows call them.
    """
    head = _head(path)
    _refuse_archive(head)
    if find_mark(head) is None and not is_wide(options.encoding):
        _refuse_binary(head)
    encoding = find_encoding(path, options.encoding)
    text = head.decode(encoding, errors="replace").lstrip("\ufeff \t\r\n")
    chosen = options.format or _format_of(text)
    _refuse_foreign_text(text, chosen)
    if chosen == "jsonl":
        keys = keys_of(None, options.id_field, options.parent_field)
        return CatalogueFile("jsonl", read_json_lines(path, encoding, keys))
    if chosen == "xml" or (chosen == "google" and text.startswith("<")):
        is_declared = declares_google(text)
        return _xml(path, encoding, options, parents, is_declared_google=is_declared)
    delimiter = options.delimiter or ("\t" if chosen == "tsv" else None)
    return _table(Table(path, encoding, delimiter), options, parents)


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
                f"the file is {what}", "Unpack it, and send CSV, TSV, JSON Lines or XML."
            )


def _refuse_binary(head: bytes) -> None:
    if head.count(b"\x00") > 3 + len(head) // 1000:
        raise FileRefused("the file is binary", "Send CSV, TSV, JSON Lines or XML.")


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
    is_table = chosen in {"csv", "tsv", "shopify", "woocommerce"}
    if is_table and start.startswith(("{", "<")):
        raise FileRefused(
            f"the file is said to be {chosen} and is not a table",
            "Send it with the right format, or let the format be found out.",
        )
    if chosen == "jsonl" and not start.startswith("{"):
        raise FileRefused("the file is not JSON Lines", "Send one JSON object a line.")
    if chosen == "xml" and not start.startswith("<"):
        raise FileRefused("the file is not XML", "Send XML, or let the format be found out.")


def _table(table: Table, options: Options, parents: Mapping[str, str]) -> CatalogueFile:
    chosen = options.format
    if chosen == "shopify" or (chosen is None and is_shopify(table.columns)):
        _need(table, "shopify", {HANDLE})
        return CatalogueFile("shopify", read_shopify(table.rows))
    if chosen == "woocommerce" or (chosen is None and is_woocommerce(table.columns)):
        _need(table, "woocommerce", NEEDED)
        return CatalogueFile("woocommerce", read_woocommerce(table.rows, parents))
    if chosen == "google" or (chosen is None and is_google(table.columns)):
        return CatalogueFile("google", read_google(lambda: _plain_rows(table), parents))
    keys = keys_of(table.columns, options.id_field, options.parent_field)
    found: Format = "tsv" if table.delimiter == "\t" else "csv"
    return CatalogueFile(found, _generic(_plain_rows(table), keys))


def _need(table: Table, chosen: Format, columns: Collection[str]) -> None:
    lacking = sorted(set(columns) - set(table.columns))
    if lacking:
        raise FileRefused(
            f"the file is named {chosen} and lacks the columns {', '.join(lacking)}",
            "Send the export unchanged, or let the format be found out.",
        )


def _plain_rows(table: Table) -> Iterator[tuple[int, dict[str, FieldValue]] | BadLine]:
    for row in table.rows():
        yield (row.line, dict(row.cells)) if isinstance(row, TableRow) else row


def _xml(
    path: Path,
    encoding: str,
    options: Options,
    parents: Mapping[str, str],
    *,
    is_declared_google: bool,
) -> CatalogueFile:
    tag = find_item_tag(path, encoding)
    read = partial(read_xml, path, encoding, tag)
    first = next(read(), None)
    if first is None:
        raise FileRefused("the XML holds no products", "Send at least one product.")
    names = list(first[1]) if isinstance(first, tuple) else []
    looks_google = is_declared_google or is_google(plain(name) for name in names)
    if options.format == "google" or (options.format is None and looks_google):
        return CatalogueFile("google", read_google(read, parents))
    keys = keys_of(None, options.id_field, options.parent_field)
    return CatalogueFile("xml", _generic(read(), keys))


def _generic(
    rows: Iterator[tuple[int, dict[str, FieldValue]] | BadLine], keys: Keys
) -> Iterator[Entry]:
    for row in rows:
        if isinstance(row, BadLine):
            yield row
        else:
            line, fields = row[0], without_placeholders(row[1])
            yield item_of(line, *keys.of(fields), fields)
