"""Google Merchant feeds (XML or table): `item_group_id` makes families.

Some feeds list the parent too, as an item whose id is the group's: it is the parent then, whatever
the order. Other groups get a parent made here, under the id `group:<item_group_id>`: the first item
gives it its fields, without its offer side. Who is a parent is known at the feed's end only, so
that it is read more than once.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from catalog_service.files.readers.items import BadLine, Entry, bounded_id, item_of
from catalog_service.files.readers.placeholders import is_placeholder
from common.contracts.catalog import FieldValue

Row = tuple[int, Mapping[str, FieldValue]] | BadLine
Fields = dict[str, FieldValue]

GROUP = "item_group_id"
_NAMESPACE = "http://base.google.com/ns/1.0"
_OF_SKU = ("price", "sale_price", "quantity", "availability", "gtin", "mpn", "id")
_OF_VARIANT = ("color", "size", "material", "pattern", "age_group", "gender")
"""The attributes by which Google tells the items of a group apart."""
_NEVER_PLACEHOLDERS = (*_OF_VARIANT, "size_type", "size_system", "brand", "gtin", "mpn")
"""The attributes that Google wants left out rather than filled with `N/A`."""
_SALE_DATES = "sale_price_effective_date"


def is_google(columns: Iterable[str]) -> bool:
    """Whether these are the columns of Google's specification."""
    names = {plain(name) for name in columns}
    return {"id", "title", "link", "image_link", "price"} <= names


def declares_google(head: str) -> bool:
    """Whether an XML file that begins so declares Google's namespace."""
    return _NAMESPACE in head


def plain(name: str) -> str:
    """A column's name without `g:` and with underscores."""
    return name.strip().casefold().removeprefix("g:").replace(" ", "_")


def read_google(read: Callable[[], Iterable[Row]], parents: Container[str]) -> Iterator[Entry]:
    """The products of the feed that `read` reads from its beginning, each time it is called.

    `parents` are ids of parents that the feed need not list. A parent that is made comes before its
    first child. Raises `FileTruncated` before any product: what a broken feed lacks may be parents.
    """
    listed = _listed_parents(read)
    made: set[str] = set()
    for row in read():
        if isinstance(row, BadLine):
            yield row
            continue
        line, fields = row[0], _fields(row[1])
        product_id, group = _text(fields, "id"), _text(fields, GROUP)
        if group is None or group in listed or group in parents:
            yield item_of(line, product_id, group, _with_sale_dates(fields))
            continue
        parent = bounded_id(f"group:{group}")
        if parent not in made:
            made.add(parent)
            head = {name: value for name, value in fields.items() if name not in _OF_SKU}
            yield item_of(line, parent, None, head)
        yield item_of(line, product_id, parent, _with_sale_dates(fields))


@dataclass
class _Namesake:
    """An item named like its own group, beside the group's other items: a parent or a variant."""

    variant: Mapping[str, str]
    shared: frozenset[str] | None = None
    """Attributes of variants that all the others fill; None before the first of them."""
    is_copy: bool = False
    """Whether another item has the same attributes."""

    def compare(self, variant: Mapping[str, str]) -> None:
        """Take another item of the group into account."""
        names = frozenset(variant)
        self.shared = names if self.shared is None else self.shared & names
        self.is_copy = self.is_copy or variant == self.variant

    def is_parent(self) -> bool:
        """Whether it cannot be sold beside the others. Alone it is: of nobody, and simple."""
        return self.is_copy or not self.shared or not self.shared <= self.variant.keys()


def _listed_parents(read: Callable[[], Iterable[Row]]) -> set[str]:
    """The groups whose parent is an item of the feed."""
    groups: set[str] = set()
    namesakes: dict[str, _Namesake] = {}
    for product_id, group, fields in _grouping(read()):
        if group is not None:
            groups.add(group)
            if product_id == group:
                namesakes[group] = _Namesake(_variant(fields))
    listed: set[str] = set()
    for product_id, group, fields in _grouping(read()) if groups else ():
        if group is None and product_id in groups:
            listed.add(product_id)
        elif group in namesakes and product_id != group:
            namesakes[group].compare(_variant(fields))
    return listed | {group for group, item in namesakes.items() if item.is_parent()}


def _grouping(rows: Iterable[Row]) -> Iterator[tuple[str, str | None, Fields]]:
    """Each item's id, its group and its fields."""
    for row in rows:
        if not isinstance(row, BadLine):
            fields = _fields(row[1])
            product_id = _text(fields, "id")
            if product_id is not None:
                yield product_id, _text(fields, GROUP), fields


def _fields(given: Mapping[str, FieldValue]) -> Fields:
    named = ((plain(name), value) for name, value in given.items())
    return {
        name: value
        for name, value in named
        if value not in ("", None)
        and not (name in _NEVER_PLACEHOLDERS and isinstance(value, str) and is_placeholder(value))
    }


def _text(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _variant(fields: Fields) -> dict[str, str]:
    texts = ((name, _text(fields, name)) for name in _OF_VARIANT)
    return {name: text.casefold() for name, text in texts if text is not None}


def _with_sale_dates(fields: Fields) -> Fields:
    """The fields with the sale's beginning and end (`start/end`), each as it is written.

    A date alone is both: who reads them finds a day, or what is no date.
    """
    dates = _text(fields, _SALE_DATES)
    if dates is None:
        return fields
    start, slash, end = (part.strip() for part in dates.partition("/"))
    parts = {"discount_from": start, "discount_until": end if slash else start}
    return {name: text for name, text in parts.items() if text} | fields
