"""REST: the changes of a merchant's orders since a cursor."""

from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from common.errors import Refusal
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading
from common.web.pagination import Keyset, Limit, cursor_of
from common.web.routing import new_router
from order_importer.access import Reader
from order_importer.changes import store
from order_importer.changes.store import Kind, PlacedChange
from order_importer.listing.store import load_orders
from order_importer.orders.views import OrderView, view_of

LATEST = "latest"


class FeedPlace(NamedTuple):
    """A merchant's changes stand by rising place."""

    place: int


_PLACES = Keyset(FeedPlace, parameter="after")

After = Annotated[
    str | None,
    Query(
        max_length=100,
        description="`next_cursor` of the answer before, or `latest` for nothing but a cursor to "
        "start from. Without it the feed begins with the oldest change that is kept.",
    ),
]


class CursorNotKept(Refusal):
    """Changes behind the cursor were removed; or it is of a database that was restored since."""

    def __init__(self, latest: str) -> None:
        super().__init__(
            "the changes since this cursor are not all kept",
            status=410,
            slug="cursor-not-kept",
            field="after",
            remedy=f"Read the list of orders once, then follow the changes after {latest}",
        )


class ChangeView(BaseModel):
    """A change, and the order as it is known now, which may be newer."""

    kind: Kind
    revision: int = Field(description="The order's revision from this change on.")
    changed_at: datetime
    order: OrderView


class Changes(BaseModel):
    """A part of the feed. `next_cursor` is always given: what comes after it is still to be read,
    now if `has_more`, else once something has changed."""

    items: list[ChangeView]
    next_cursor: str
    has_more: bool


def change_router(pool: Pool) -> APIRouter:
    """For merchants and the systems that work for them."""
    router = new_router(tags=["orders"])

    @router.get("/v1/merchants/{merchant_id}/orders/changes")
    async def get_changes(merchant_id: Reader, after: After = None, limit: Limit = 50) -> Changes:
        """Every change of the merchant's orders after the cursor, none twice and none left out."""
        place = _place(after)
        async with reading(pool) as connection:
            found = (
                []
                if after == LATEST
                else await store.list_changes(connection, merchant_id, after=place, limit=limit + 1)
            )
            # what was removed is looked up last: nothing can have gone unnoticed from what was read
            removed, last = await store.find_bounds(connection, merchant_id)
            if after == LATEST:
                place = last
            elif after is None:
                place = removed
            elif not removed <= place <= last:
                raise CursorNotKept(cursor_of(last))
            page = found[:limit]
            return Changes(
                items=await _views(connection, merchant_id, page),
                next_cursor=cursor_of(page[-1].place if page else place),
                has_more=len(found) > limit,
            )

    return router


def _place(after: str | None) -> int:
    """The place after which to read. Raises `Refusal`."""
    if after is None or after == LATEST:
        return 0
    return _PLACES.decode(after).place


async def _views(
    connection: Connection, merchant_id: str, changes: list[PlacedChange]
) -> list[ChangeView]:
    keys = {(merchant_id, change.shop_id, change.order_id) for change in changes}
    known = {
        (stored.shop_id, stored.order.order_id): view_of(stored)
        for stored in await load_orders(connection, keys)
    }
    return [
        ChangeView(
            kind=change.kind,
            revision=change.revision,
            changed_at=change.changed_at,
            order=known[(change.shop_id, change.order_id)],
        )
        for change in changes
    ]
