"""Cursor pages: a list answers `items` and, while there is more, `next_cursor`.

A list is sorted by a key without ties; a page begins after the place that its cursor names:

    class RunPlace(NamedTuple):
        asked_at: datetime
        run_id: str

    After = Annotated[RunPlace | None, Depends(Keyset(RunPlace))]

    async def list_runs(after: After = None, limit: Limit = 50) -> Page[RunView]:
        runs = await select_runs(connection, after=after, limit=limit + 1)
        page = Page.of(runs, limit, lambda run: RunPlace(run.asked_at, run.run_id))
        return page.with_items([RunView.of(run) for run in page.items])
"""

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel

from common.errors import Refusal

T = TypeVar("T")
V = TypeVar("V")
K = TypeVar("K", bound=tuple[Any, ...])

Limit = Annotated[int, Query(ge=1, le=200, description="How many items a page has at most.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""The part of a key that stands in a column of type `integer`."""

KeyPart = str | int | datetime | Decimal
"""What a key consists of: a text, a number of 64 bits, a time, an amount."""


class Page(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next_cursor: str | None = None

    @staticmethod
    def of(rows: Sequence[V], limit: int, key: Callable[[V], tuple[KeyPart, ...]]) -> "Page[V]":
        """The first `limit` of the rows. One more that was asked for says that there is more."""
        items = list(rows[:limit])
        has_more = len(rows) > limit
        return Page(items=items, next_cursor=cursor_of(*key(items[-1])) if has_more else None)

    def with_items(self, items: Sequence[V]) -> "Page[V]":
        """The same page with its items shown in another form."""
        return Page(items=list(items), next_cursor=self.next_cursor)


class Keyset(Generic[K]):
    """A dependency: the place after which the page begins, None for the first page.

    `form` is a `NamedTuple` of the key's parts. A cursor that does not name such a place, or one
    that no column can hold, is refused with 422; the problem names `parameter`.
    """

    def __init__(self, form: type[K], *, parameter: str = "cursor") -> None:
        self._decoder = msgspec.json.Decoder(form)
        self._parameter = parameter

    async def __call__(self, cursor: Cursor = None) -> K | None:
        """What FastAPI calls with the request's cursor. Raises `Refusal`."""
        return None if cursor is None else self.decode(cursor)

    def decode(self, cursor: str) -> K:
        """The place the cursor names. Raises `Refusal`."""
        place: K = _decode(cursor, self._decoder, self._parameter)
        return place


def cursor_of(*place: KeyPart) -> str:
    """An opaque cursor that names the place after which the next page begins."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _decode(cursor: str, decoder: msgspec.json.Decoder[T], parameter: str) -> T:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = decoder.decode(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):  # binascii's and msgspec's failures are ValueErrors
        raise _not_ours(parameter) from None
    if not all(map(_can_be_stored, place)):  # type: ignore[call-overload]  # a tuple or a list
        raise _not_ours(parameter)
    return place


def _can_be_stored(part: KeyPart) -> bool:
    """Whether a column of Postgres can hold it, and so be compared with it."""
    match part:
        case str():
            return "\x00" not in part
        case int():
            return -(2**63) <= part < 2**63
        case Decimal():
            return part.is_finite()
        case datetime():
            return part.tzinfo is not None and _is_within_all_times(part)


def _is_within_all_times(at: datetime) -> bool:
    try:
        at.astimezone(UTC)
    except OverflowError:
        return False
    return True


def _not_ours(parameter: str) -> Refusal:
    return Refusal(
        "the cursor is not one of this list",
        status=422,
        slug="bad-cursor",
        field=parameter,
        remedy="Start again without a cursor, then send each `next_cursor` unchanged.",
    )
