"""WooCommerce product exports: variable products with their variations, simple ones.

A variation names its parent by id or SKU, and may come before it: the file is read twice. Headers
may be in a language of the shop's; fields keep the file's own names.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from catalog_service.files.readers.items import BadLine, Entry, item_of
from catalog_service.files.readers.placeholders import is_placeholder
from catalog_service.files.readers.tables import TableRow
from catalog_service.files.readers.woocommerce_names import english_name, own_names
from common.contracts.catalog import FieldValue

Row = TableRow | BadLine

NEEDED = frozenset({"ID", "Type", "SKU"})
"""The columns without which there are no products."""
_OWN = frozenset(
    {
        *("Published", "Is featured?", "Visibility in catalog", "Tax status", "In stock?"),
        *("Date sale price starts", "Date sale price ends", "Sale price", "Regular price"),
        *("Parent", "Grouped products", "Attribute 1 name", "Attribute 1 value(s)"),
    }
)
"""Further columns of an export, of which its shop chooses some."""
_BY_ID = re.compile(r"^id:\s*(\d+)$")
_ATTRIBUTE = re.compile(r"^Attribute (\d+) name$")
_VALUES = re.compile(r"^Attribute \d+ value\(s\)$")
_TEXTS = frozenset({"Description", "Short description"})
"""Columns in which the export writes a line break as a backslash and an n."""
_BREAK = re.compile(r"(\\\\n)|\\n")
_LISTS = frozenset({"Categories", "Tags", "Upsells", "Cross-sells", "Grouped products"})
_COMMA = re.compile(r"(?<!\\),")
_GUARDED = re.compile(r"^'(?=[=+\-@\t\r])")
"""What the export puts before a cell that a spreadsheet would take for a formula."""
_SALE_DATES = {
    "discount_from": "Date sale price starts",
    "discount_until": "Date sale price ends",
}


def is_woocommerce(columns: Iterable[str]) -> bool:
    """Whether these are the columns of a WooCommerce export, in whichever language."""
    names = own_names(columns).keys()
    return names >= NEEDED and len(names & _OWN) >= 2


def lacking_columns(columns: Iterable[str]) -> frozenset[str]:
    """The columns without which there are no products, and that these lack."""
    return NEEDED - own_names(columns).keys()


def read_woocommerce(
    read: Callable[[], Iterable[Row]], columns: Iterable[str], parents: Mapping[str, str]
) -> Iterator[Entry]:
    """The products of the file that `read` reads from its beginning, each time it is called.

    `columns` are its header's; `parents` are ids of parents that the file need not hold, by SKU.
    Raises `FileTruncated` before any product: what a broken file lacks may be parents.
    """
    columns = list(columns)
    own = own_names(columns)
    english = {name: english_name(name) for name in columns}
    ids_by_sku = {**parents, **_parent_ids(read(), own)}
    parent_column = own.get("Parent", "Parent")
    for row in read():
        if isinstance(row, BadLine):
            yield row
            continue
        named = row.cells.get(parent_column, "").strip()
        if "variation" in row.cells[own["Type"]] and not named:
            yield BadLine(
                row.line,
                "the variation names no parent",
                f"Fill the column {parent_column} with the parent's SKU, or its id as id:12.",
                product_id=row.cells[own["ID"]].strip() or None,
            )
            continue
        by_id = _BY_ID.match(named)
        parent = by_id[1] if by_id else ids_by_sku.get(named, named)
        yield item_of(row.line, row.cells[own["ID"]], parent, _fields(row.cells, english, own))


def _parent_ids(rows: Iterable[Row], own: Mapping[str, str]) -> dict[str, str]:
    """The ids of the products that may have variations, by SKU."""
    return {
        sku: row.cells[own["ID"]].strip()
        for row in rows
        if isinstance(row, TableRow)
        and row.cells[own["Type"]].strip().startswith("variable")
        and (sku := row.cells[own["SKU"]].strip())
    }


def _fields(
    cells: Mapping[str, str], english: Mapping[str, str], own: Mapping[str, str]
) -> dict[str, FieldValue]:
    fields: dict[str, FieldValue] = {}
    for name, cell in cells.items():
        text = _GUARDED.sub("", cell.strip())
        known = english[name]
        if not text or (_VALUES.match(known) and is_placeholder(text)):
            continue
        if known == "Images":
            fields[name] = _values(text)
        elif known in _TEXTS:
            fields[name] = _with_line_breaks(text)
        else:
            fields[name] = _listed(text) if known in _LISTS or _VALUES.match(known) else text
    for name in list(fields):
        found = _ATTRIBUTE.match(english[name])
        column = own.get(f"Attribute {found[1]} value(s)") if found else None
        if column is not None and column in fields:
            fields.setdefault(f"Attribute: {fields[name]}", fields[column])
    for name, sale_date in _SALE_DATES.items():
        if (column := own.get(sale_date)) is not None and column in fields:
            fields.setdefault(name, fields[column])
    return fields


def _with_line_breaks(text: str) -> str:
    r"""A text with the line breaks that the export writes as `\n`, as WooCommerce's own import
    reads it: behind another backslash it is none."""
    if "\\n" not in text:
        return text
    return _BREAK.sub(lambda found: found[1] or "\n", text).strip()


def _listed(text: str) -> FieldValue:
    r"""A list as the export writes it; as values of its own where one of them holds a comma, which
    stands there as `\,`."""
    if r"\," not in text:
        return text
    values = _values(text)
    return values[0] if len(values) == 1 else values


def _values(text: str) -> list[str]:
    parts = (part.strip().replace(r"\,", ",") for part in _COMMA.split(text))
    return [part for part in parts if part]
