"""Cursor pages: a list answers `items` and, while there is more, `next_cursor`."""

import base64
import binascii
from typing import Annotated, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel

from common.errors import Refusal

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=200, description="How many items a page has at most.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]


class Page(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next_cursor: str | None = None


def cursor_of(*place: str | int) -> str:
    """An opaque cursor that names the place after which the next page begins."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_of(cursor: str | None) -> list[str | int] | None:
    """The place a cursor names. Raises `Refusal` for one that is not of ours."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=list[str | int])
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        raise Refusal(
            "the cursor is not one of ours",
            status=422,
            slug="bad-cursor",
            field="cursor",
            remedy="Send `next_cursor` of the page before, unchanged, or none for the first page.",
        ) from None
