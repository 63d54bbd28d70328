"""WooCommerce product exports: variable products with their variations, simple ones."""

import re
from collections.abc import Iterable, Iterator

from catalog_service.files.readers.items import BadLine, Entry, item_of
from catalog_service.files.readers.tables import TableRow
from common.contracts.catalog import FieldValue

_BY_ID = re.compile(r"^id:\s*(\d+)$")
NEEDED = frozenset({"ID", "Type", "SKU", "Parent"})
"""The columns without which there are no products."""
_ATTRIBUTE = re.compile(r"^Attribute (\d+) name$")


def is_woocommerce(columns: Iterable[str]) -> bool:
    """Whether these are the columns of a WooCommerce export."""
    return {"ID", "Type", "SKU", "Name", "Regular price", "Parent"} <= set(columns)


def read_woocommerce(rows: Iterable[TableRow | BadLine]) -> Iterator[Entry]:
    """The products of these rows. A parent named by its SKU has to come before its variations."""
    ids_by_sku: dict[str, str] = {}
    for row in rows:
        if isinstance(row, BadLine):
            yield row
            continue
        cells = row.cells
        product_id, sku = cells["ID"].strip(), cells["SKU"].strip()
        if sku and cells["Type"].startswith("variable"):
            ids_by_sku[sku] = product_id
        named = cells["Parent"].strip()
        by_id = _BY_ID.match(named)
        parent = by_id[1] if by_id else ids_by_sku.get(named, named)
        yield item_of(row.line, product_id, parent, _fields(cells))


def _fields(cells: Iterable[str] | dict[str, str]) -> dict[str, FieldValue]:
    assert isinstance(cells, dict)  # noqa: S101 - a table's row
    fields: dict[str, FieldValue] = {n: c.strip() for n, c in cells.items() if c.strip()}
    images = fields.get("Images")
    if isinstance(images, str):
        fields["Images"] = [url.strip() for url in images.split(",") if url.strip()]
    for name in list(fields):
        found = _ATTRIBUTE.match(name)
        value = fields.get(f"Attribute {found[1]} value(s)") if found else None
        if value is not None:
            fields.setdefault(f"Attribute: {fields[name]}", value)
    return fields
