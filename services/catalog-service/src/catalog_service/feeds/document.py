"""A feed's document as people keep it in a file: the configuration, and what it says of the
catalogue's files. Pure.

It is checked here without any store: the form, then whatever compiling it finds. What only the
service knows (shops, catalogues, fields, categories) `POST .../check` tries.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, ValidationError

from catalog_service.feeds.configuration import FeedConfiguration, Text
from catalog_service.feeds.stored import compile_form
from common.contracts.catalog import LONGEST_FIELD_NAME
from common.errors import Refusal
from common.web.problem import in_words, place_in

FILE_FIELDS = ("id_field", "parent_field")
ColumnName = Annotated[Text, Field(max_length=LONGEST_FIELD_NAME)]


class FeedDocument(FeedConfiguration):
    """One feed: what of which catalogue goes to which shop, and how."""

    id_field: ColumnName | None = None
    """The column of the catalogue's files with the product's id."""
    parent_field: ColumnName | None = None
    """The column of the catalogue's files with the parent's id."""


@dataclass(frozen=True)
class Fault:
    """What is wrong at a path of the document."""

    path: tuple[str | int, ...]
    message: str


def find_faults(document: Mapping[str, Any]) -> list[Fault]:
    """What keeps the document from being applied, as far as it alone shows; by JSON's types."""
    try:
        FeedDocument.model_validate(document)
    except ValidationError as error:
        return list(_faults(document, error.errors(include_url=False)))
    feed = {name: value for name, value in document.items() if name not in FILE_FIELDS}
    try:
        compile_form("merchant", "feed", 0, FeedConfiguration.model_validate(feed))
    except Refusal as refusal:
        return [Fault(_path_of(document, refusal.field or ""), refusal.title)]
    return []


def _faults(document: object, errors: Sequence[Any]) -> Iterator[Fault]:
    """The first fault of each path: of a union's members each says why it does not fit."""
    seen: set[tuple[str | int, ...]] = set()
    for error in errors:
        path = place_in(document, error["loc"], is_missing=error["type"] == "missing")
        if path not in seen:
            seen.add(path)
            yield Fault(path, in_words(error))


def _path_of(document: object, dotted: str) -> tuple[str | int, ...]:
    """The path that a dotted name means; keys may hold dots themselves."""
    path: list[str | int] = []
    here: Any = document
    left = dotted
    while left and isinstance(here, Mapping):
        keys = [key for key in here if left == key or left.startswith(f"{key}.")]
        if not keys:
            break
        key = max(keys, key=len)
        path.append(key)
        here, left = here[key], left[len(key) + 1 :]
    return tuple(path)
