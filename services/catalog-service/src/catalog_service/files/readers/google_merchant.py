"""Google Merchant feeds (XML or table): `item_group_id` makes families, whose parent is made here.

Google has no parent rows: the first item of a group gives the parent its fields, without its offer
side, under the id `group:<item_group_id>`.
"""

from collections.abc import Iterable, Iterator, Mapping

from catalog_service.files.readers.items import BadLine, Entry, item_of
from common.contracts.catalog import FieldValue

_OF_SKU = ("price", "sale_price", "quantity", "availability", "gtin", "mpn", "id")


def is_google(columns: Iterable[str]) -> bool:
    """Whether these are the columns of Google's specification."""
    names = {plain(name) for name in columns}
    return {"id", "title", "link", "image_link", "price"} <= names


def plain(name: str) -> str:
    """A column's name without `g:` and with underscores."""
    return name.strip().casefold().removeprefix("g:").replace(" ", "_")


def read_google(rows: Iterable[tuple[int, Mapping[str, FieldValue]] | BadLine]) -> Iterator[Entry]:
    """The products of these rows, each group's parent before its first child."""
    seen: set[str] = set()
    for row in rows:
        if isinstance(row, BadLine):
            yield row
            continue
        line, given = row
        fields = {plain(name): value for name, value in given.items() if value not in ("", None)}
        group = fields.get("item_group_id")
        parent = f"group:{group}" if isinstance(group, str) and group.strip() else None
        if parent is not None and parent not in seen:
            seen.add(parent)
            head = {name: value for name, value in fields.items() if name not in _OF_SKU}
            yield item_of(line, parent, None, head)
        yield item_of(line, fields.get("id"), parent, fields)
