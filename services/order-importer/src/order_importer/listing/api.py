"""REST: a merchant's orders, filtered, sorted and paged."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, Self

from fastapi import APIRouter, Depends, Query

from common.contracts.event import LONGEST_EXTERNAL_ID
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading
from common.web.identity import IDENTIFIER_PATTERN
from common.web.pagination import Cursor, Keyset, Limit, Page
from common.web.parameters import Instant
from common.web.routing import new_router
from order_importer.access import Reader
from order_importer.listing.store import OrderFilter, list_orders, list_orders_by_deadline
from order_importer.orders.status import AnyStatus
from order_importer.orders.store import StoredOrder
from order_importer.orders.views import OrderView, view_of

Printable = Query(min_length=1, max_length=LONGEST_EXTERNAL_ID, pattern=r"^[^\x00-\x1f]+$")


@dataclass(frozen=True, kw_only=True)
class OrderQuery:
    """Which orders: those that every parameter given is true of."""

    status: Annotated[
        AnyStatus | None,
        Query(description="A status of the channel (M8.2) or AliExpress's own."),
    ] = None
    shop: Annotated[str | None, Query(pattern=IDENTIFIER_PATTERN)] = None
    number: Annotated[str | None, Printable] = None
    sku: Annotated[str | None, Printable] = None
    tracking: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=LONGEST_EXTERNAL_ID,
            pattern=r"^[^\x00-\x1f]+$",
            description="The tracking number of one of its parcels, ours or the seller centre's.",
        ),
    ] = None
    placed_from: Instant | None = None
    placed_before: Instant | None = None
    updated_from: Annotated[
        Instant | None, Query(description="Its last event was published then or later.")
    ] = None
    updated_before: Instant | None = None
    due_before: Annotated[
        Instant | None,
        Query(description="To be shipped before then; the nearest deadline is listed first."),
    ] = None

    def filter(self) -> OrderFilter:
        """The same for the store."""
        return OrderFilter(**asdict(self))


class OrderPlace(NamedTuple):
    """Orders are listed the newest first, those of one moment by shop and number."""

    placed_at: datetime
    shop_id: str
    order_id: str

    @classmethod
    def of(cls, stored: StoredOrder) -> Self:
        """Where this order stands."""
        return cls(stored.order.placed_at, stored.shop_id, stored.order.order_id)


class DeadlinePlace(NamedTuple):
    """Orders that are due are listed the nearest deadline first."""

    sorted_by: Literal["due_at"]
    due_at: datetime
    shop_id: str
    order_id: str

    @classmethod
    def of(cls, stored: StoredOrder) -> Self:
        """Where this order stands."""
        assert stored.due_at is not None  # noqa: S101 - what is listed by deadline has one
        return cls("due_at", stored.due_at, stored.shop_id, stored.order.order_id)


_BY_TIME = Keyset(OrderPlace)
_BY_DEADLINE = Keyset(DeadlinePlace)


def listing_router(pool: Pool) -> APIRouter:
    """For merchants and the systems that work for them."""
    router = new_router(tags=["orders"])

    @router.get("/v1/merchants/{merchant_id}/orders")
    async def get_orders(
        merchant_id: Reader,
        query: Annotated[OrderQuery, Depends()],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[OrderView]:
        """The merchant's orders, the newest first; those due before a time, the nearest first."""
        async with reading(pool) as connection:
            return await _page(connection, merchant_id, query.filter(), cursor, limit)

    return router


async def _page(
    connection: Connection,
    merchant_id: str,
    wanted: OrderFilter,
    cursor: str | None,
    limit: int,
) -> Page[OrderView]:
    """A page of the orders, in the order that the filter asks for."""
    if wanted.due_before is None:
        after = None if cursor is None else _BY_TIME.decode(cursor)
        found = await list_orders(connection, merchant_id, wanted, after=after, limit=limit + 1)
        page = Page.of(found, limit, OrderPlace.of)
    else:
        due_after = None if cursor is None else _BY_DEADLINE.decode(cursor)[1:]
        found = await list_orders_by_deadline(
            connection, merchant_id, wanted, after=due_after, limit=limit + 1
        )
        page = Page.of(found, limit, DeadlinePlace.of)
    return page.with_items([view_of(order) for order in page.items])
