"""WooCommerce product exports: variable products with their variations, simple ones.

A variation names its parent by id or SKU, and may come before it: the file is read twice.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from catalog_service.files.readers.items import BadLine, Entry, item_of
from catalog_service.files.readers.placeholders import is_placeholder
from catalog_service.files.readers.tables import TableRow
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
_LISTS = frozenset({"Categories", "Tags", "Upsells", "Cross-sells", "Grouped products"})
_COMMA = re.compile(r"(?<!\\),")
_GUARDED = re.compile(r"^'(?=[=+\-@\t\r])")
"""What the export puts before a cell that a spreadsheet would take for a formula."""
_SALE_DATES = {
    "discount_from": "Date sale price starts",
    "discount_until": "Date sale price ends",
}


def is_woocommerce(columns: Iterable[str]) -> bool:
    """Whether these are the columns of a WooCommerce export."""
    names = set(columns)
    return names >= NEEDED and len(names & _OWN) >= 2


def read_woocommerce(
    read: Callable[[], Iterable[Row]], parents: Mapping[str, str]
) -> Iterator[Entry]:
    """The products of the file that `read` reads from its beginning, each time it is called.

    `parents` are ids of parents that the file need not hold, by SKU. Raises `FileTruncated` before
    any product: what a broken file lacks may be parents.
    """
    ids_by_sku = {**parents, **_parent_ids(read())}
    for row in read():
        if isinstance(row, BadLine):
            yield row
            continue
        named = row.cells.get("Parent", "").strip()
        if _is_variation(row.cells) and not named:
            yield BadLine(
                row.line,
                "the variation names no parent",
                "Fill the column Parent with the parent's SKU, or its id as id:12.",
                product_id=row.cells["ID"].strip() or None,
            )
            continue
        by_id = _BY_ID.match(named)
        parent = by_id[1] if by_id else ids_by_sku.get(named, named)
        yield item_of(row.line, row.cells["ID"], parent, _fields(row.cells))


def _parent_ids(rows: Iterable[Row]) -> dict[str, str]:
    """The ids of the products that may have variations, by SKU."""
    return {
        sku: row.cells["ID"].strip()
        for row in rows
        if isinstance(row, TableRow)
        and row.cells["Type"].strip().startswith("variable")
        and (sku := row.cells["SKU"].strip())
    }


def _is_variation(cells: Mapping[str, str]) -> bool:
    return "variation" in cells["Type"]


def _fields(cells: Mapping[str, str]) -> dict[str, FieldValue]:
    fields: dict[str, FieldValue] = {}
    for name, cell in cells.items():
        text = _GUARDED.sub("", cell.strip())
        if not text or (_VALUES.match(name) and is_placeholder(text)):
            continue
        if name == "Images":
            fields[name] = _values(text)
        else:
            fields[name] = _listed(text) if name in _LISTS or _VALUES.match(name) else text
    for name in list(fields):
        found = _ATTRIBUTE.match(name)
        value = fields.get(f"Attribute {found[1]} value(s)") if found else None
        if value is not None:
            fields.setdefault(f"Attribute: {fields[name]}", value)
    for name, column in _SALE_DATES.items():
        if column in fields:
            fields.setdefault(name, fields[column])
    return fields


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
