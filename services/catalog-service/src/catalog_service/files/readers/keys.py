"""Which fields of a generic file name a product and its parent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catalog_service.files.readers.items import FileRefused
from common.contracts.catalog import FieldValue

ID_FIELDS = ("id", "sku", "product_id")
PARENT_FIELD = "parent_id"


@dataclass(frozen=True)
class Keys:
    """Names of the id field and the parent field; an id field of None is found per row."""

    id_field: str | None
    parent_field: str

    def of(self, fields: Mapping[str, FieldValue]) -> tuple[FieldValue, FieldValue]:
        """A row's id and parent id."""
        name = self.id_field or _first_id_field(fields)
        product_id = None if name is None else fields.get(name)
        return product_id, fields.get(self.parent_field)


def keys_of(columns: Iterable[str] | None, id_field: str | None, parent_field: str | None) -> Keys:
    """The keys of a file with these columns. Raises `FileRefused` when there is no id column."""
    parent = parent_field or PARENT_FIELD
    if columns is None:
        return Keys(id_field, parent)
    names = list(columns)
    found = id_field if id_field is not None else _first_id_field(dict.fromkeys(names))
    if found is None or found not in names:
        wanted = id_field or " or ".join(ID_FIELDS)
        raise FileRefused(
            f"the file has no column {wanted}; it has {', '.join(names[:20])}",
            "Name the column with the products' ids as id_field.",
        )
    return Keys(found, parent)


def _first_id_field(fields: Mapping[str, object]) -> str | None:
    by_name = {name.casefold(): name for name in fields}
    return next((by_name[name] for name in ID_FIELDS if name in by_name), None)
