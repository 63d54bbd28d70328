"""Magento product exports: a configurable product's row lists its variations.

`configurable_variations` names the simple products (`sku=A-S,size=S|sku=A-M,size=M`). They stand in
rows of their own, perhaps before it: the file is read twice. Rows of a store view hold what that
view says otherwise; only the default rows are products.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from catalog_service.files.readers.items import BadLine, Entry, item_of
from catalog_service.files.readers.tables import TableRow
from common.contracts.catalog import FieldValue

Row = TableRow | BadLine

NEEDED = frozenset({"sku", "attribute_set_code", "product_type"})
"""The columns without which it is no such export."""
VARIATIONS = "configurable_variations"
_VIEW = "store_view_code"
_IMAGES = ("base_image", "additional_images")
IMAGES = "images"
_PAIR = re.compile(r",(?=[^,=|]+=)")
"""A comma between pairs: one within a value is followed by no name."""


def is_magento(columns: Iterable[str]) -> bool:
    """Whether these are the columns of a Magento 2 export."""
    return set(columns) >= NEEDED


def read_magento(read: Callable[[], Iterable[Row]]) -> Iterator[Entry]:
    """The products of the file that `read` reads from its beginning, each time it is called.

    Only a parent's row names its children, so that a partial file has to hold it. Raises
    `FileTruncated` before any product.
    """
    variations = _variations(read())
    for row in read():
        if isinstance(row, BadLine):
            yield row
            continue
        if row.cells.get(_VIEW, "").strip():
            continue
        sku = row.cells["sku"].strip()
        parent, options = variations.get(sku, (None, {}))
        yield item_of(row.line, sku, parent, options | _fields(row.cells))


def _variations(rows: Iterable[Row]) -> dict[str, tuple[str, dict[str, FieldValue]]]:
    """By SKU of a variation: its parent, and its options."""
    found: dict[str, tuple[str, dict[str, FieldValue]]] = {}
    for row in rows:
        if isinstance(row, BadLine) or row.cells.get(_VIEW, "").strip():
            continue
        for variation in row.cells.get(VARIATIONS, "").split("|"):
            pairs = _pairs(variation)
            sku = pairs.pop("sku", "")
            if sku:
                found[sku] = row.cells["sku"].strip(), dict(pairs)
    return found


def _fields(cells: Mapping[str, str]) -> dict[str, FieldValue]:
    """The row's fields; its further attributes are fields of their own, its pictures one list."""
    fields: dict[str, FieldValue] = {
        name: text for name, cell in cells.items() if (text := cell.strip())
    }
    for name, value in _pairs(cells.get("additional_attributes", "")).items():
        fields.setdefault(name, value)
    images = [url for name in _IMAGES for url in _split(cells.get(name, ""))]
    if images:
        fields[IMAGES] = list(dict.fromkeys(images))
    return fields


def _pairs(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in _PAIR.split(text))
    return {name.strip(): value.strip() for name, sign, value in pairs if sign and name.strip()}


def _split(text: str) -> list[str]:
    return [part for each in text.split(",") if (part := each.strip())]
