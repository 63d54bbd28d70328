"""What readers give: products and bad lines, one after the other, and why a file is refused."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from catalog_service.texts import has_foreign_bytes, is_storable, storable
from common.contracts.catalog import LONGEST_FIELD_NAME, FieldValue
from common.contracts.event import LONGEST_EXTERNAL_ID
from common.errors import Refusal

MAX_ID = LONGEST_EXTERNAL_ID
MAX_NAME = LONGEST_FIELD_NAME
MAX_TEXT = 200_000
MAX_ROW = 2_000_000
"""Characters of one product: its lines, however many, or its element."""


@dataclass(frozen=True)
class Item:
    """A product as the file gives it; `line` is where it begins, from 1."""

    line: int
    product_id: str
    parent_id: str | None
    fields: Mapping[str, FieldValue]
    size: int = 0
    """Characters of its fields."""


@dataclass(frozen=True)
class BadLine:
    """A place of the file that gives no product, and its remedy."""

    line: int
    message: str
    remedy: str
    product_id: str | None = None


Entry = Item | BadLine


class FileRefused(Refusal):
    """The file is not a catalogue that can be read; nothing of it is taken."""

    def __init__(self, title: str, remedy: str, field: str = "file") -> None:
        super().__init__(title, status=422, slug="not-a-catalogue", field=field, remedy=remedy)


class FileTruncated(Exception):
    """The file ends in the middle of something: what came before counts, nothing is deleted."""

    remedy = "Export the file once more, and send it whole."


def item_of(
    line: int, product_id: object, parent_id: object, fields: Mapping[str, FieldValue]
) -> Entry:
    """The product, or the bad line it is: ids and fields within the bounds of the contract."""
    name = _id(product_id)
    if name is None:
        return BadLine(
            line,
            "the product has no id",
            "Fill the id column, or name another with id_field.",
        )
    trouble = _id_trouble(name) or _fields_trouble(fields)
    if trouble is not None:
        return BadLine(line, *trouble, product_id=storable(name, limit=MAX_ID))
    parent = _id(parent_id)
    if parent is not None and (trouble := _id_trouble(parent)) is not None:
        return BadLine(line, *trouble, product_id=name)
    return Item(line, name, None if parent == name else parent, fields, _size(fields))


def bounded_id(text: str) -> str:
    """An id made by a reader, within the bound: one too long keeps its beginning and gets a digest
    of the whole, so that different ones stay different."""
    if len(text) <= MAX_ID:
        return text
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return f"{text[: MAX_ID - len(digest) - 1]}~{digest}"


def _id(value: object) -> str | None:
    if value is None or isinstance(value, bool | list | dict):
        return None
    return str(value).strip() or None


def _size(fields: Mapping[str, FieldValue]) -> int:
    return sum(map(len, _texts(fields.values())))


def _texts(values: Iterable[FieldValue]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from value


def _id_trouble(text: str) -> tuple[str, str] | None:
    if len(text) > MAX_ID or any(ord(c) < 32 for c in text) or not is_storable(text):
        return (
            f"the id {text[:40]!r} is longer than {MAX_ID} characters or unprintable",
            "Give the product a shorter id of printable characters.",
        )
    return None


def _fields_trouble(fields: Mapping[str, FieldValue]) -> tuple[str, str] | None:
    for name, value in fields.items():
        texts = list(_texts([value]))
        shown = repr(name[:40])
        if len(name) > MAX_NAME or any(len(text) > MAX_TEXT for text in texts):
            return (f"the field {shown} is too long", f"Keep it under {MAX_TEXT} characters.")
        if all(map(is_storable, (name, *texts))):
            continue
        if any(map(has_foreign_bytes, (name, *texts))):
            return (
                f"the field {shown} has bytes that are not of the file's encoding",
                "Save the row in the encoding of the others, best as UTF-8.",
            )
        return (
            f"the field {shown} holds NUL or half a character",
            "Take the character out of the file.",
        )
    return None
