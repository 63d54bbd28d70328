"""What readers give: products and bad lines, one after the other, and why a file is refused."""

from collections.abc import Mapping
from dataclasses import dataclass

from common.contracts.catalog import FieldValue
from common.errors import Refusal

MAX_ID = 128
MAX_NAME = 128
MAX_TEXT = 200_000


@dataclass(frozen=True)
class Item:
    """A product as the file gives it; `line` is where it begins, from 1."""

    line: int
    product_id: str
    parent_id: str | None
    fields: Mapping[str, FieldValue]


@dataclass(frozen=True)
class BadLine:
    """A place of the file that gives no product, and what mends it."""

    line: int
    message: str
    remedy: str
    product_id: str | None = None


Entry = Item | BadLine


class FileRefused(Refusal):
    """The file is not a catalogue that can be read; nothing of it is taken."""

    def __init__(self, title: str, remedy: str) -> None:
        super().__init__(title, status=422, slug="not-a-catalogue", field="file", remedy=remedy)


class FileTruncated(Exception):
    """The file ends in the middle of something: what came before counts, nothing is deleted."""


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
        return BadLine(line, *trouble, product_id=name[:MAX_ID].replace("\x00", ""))
    parent = _id(parent_id)
    if parent is not None and (trouble := _id_trouble(parent)) is not None:
        return BadLine(line, *trouble, product_id=name)
    return Item(line, name, None if parent == name else parent, fields)


def _id(value: object) -> str | None:
    if value is None or isinstance(value, bool | list | dict):
        return None
    return str(value).strip() or None


def _id_trouble(text: str) -> tuple[str, str] | None:
    if len(text) > MAX_ID or any(ord(c) < 32 for c in text):
        return (
            f"the id {text[:40]!r} is longer than {MAX_ID} characters or unprintable",
            "Give the product a shorter id of printable characters.",
        )
    return None


def _fields_trouble(fields: Mapping[str, FieldValue]) -> tuple[str, str] | None:
    for name, value in fields.items():
        texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
        if len(name) > MAX_NAME or any(len(text) > MAX_TEXT for text in texts):
            return (f"the field {name[:40]!r} is too long", f"Keep it under {MAX_TEXT} characters.")
        if "\x00" in name or any("\x00" in text for text in texts):
            return (f"the field {name[:40]!r} holds NUL", "Take the character out of the file.")
    return None
