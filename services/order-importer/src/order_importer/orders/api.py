"""REST over orders: lists, one order, and republishing."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.identity import IDENTIFIER_PATTERN
from common.web.pagination import Cursor, Limit, Page, cursor_of, place_of
from common.web.problem import PROBLEM_RESPONSES
from order_importer.access import OrderId, Reader, ShopId, operators_only
from order_importer.orders import store
from order_importer.orders.republish import republish
from order_importer.orders.views import OrderView, view_of

Status = Annotated[
    str | None,
    Query(
        max_length=64,
        pattern=r"^[^\x00-\x1f]*$",
        description="A status of the channel (M8.2) or AliExpress's own.",
    ),
]


class RepublishBody(BaseModel):
    """Whose orders to publish again; everyone's without a merchant."""

    model_config = ConfigDict(extra="forbid")

    merchant_id: str | None = Field(default=None, pattern=IDENTIFIER_PATTERN)


class Republished(BaseModel):
    """How many records were written."""

    records: int


def order_router(pool: Pool) -> APIRouter:
    """Reading for merchants; republishing for operators."""
    router = APIRouter(responses=PROBLEM_RESPONSES, tags=["orders"])

    @router.get("/v1/merchants/{merchant_id}/orders")
    async def get_orders(
        merchant_id: Reader,
        status: Status = None,
        shop: Annotated[str | None, Query(pattern=IDENTIFIER_PATTERN)] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[OrderView]:
        """The merchant's orders, the newest first."""
        after = _place(cursor)
        async with reading(pool) as connection:
            found = await store.list_orders(
                connection, merchant_id, status=status, shop_id=shop, after=after, limit=limit + 1
            )
        page = found[:limit]
        return Page(
            items=[view_of(order) for order in page],
            next_cursor=_cursor(page[-1]) if len(found) > limit else None,
        )

    @router.get("/v1/merchants/{merchant_id}/shops/{shop_id}/orders/{order_id}")
    async def get_order(merchant_id: Reader, shop_id: ShopId, order_id: OrderId) -> OrderView:
        """The order."""
        async with reading(pool) as connection:
            return view_of(await store.load_order(connection, merchant_id, shop_id, order_id))

    @router.post("/v1/republish", dependencies=[operators_only])
    async def republish_orders(body: RepublishBody) -> Republished:
        """Emit `order.updated` of all orders again, at their present revision."""
        return Republished(records=await republish(pool, body.merchant_id))

    return router


def _cursor(last: store.StoredOrder) -> str:
    return cursor_of(last.order.placed_at.isoformat(), last.shop_id, last.order.order_id)


def _place(cursor: str | None) -> tuple[datetime, str, str] | None:
    place = place_of(cursor)
    if place is None:
        return None
    try:
        placed_at, shop_id, order_id = map(str, place)
        return datetime.fromisoformat(placed_at), shop_id, order_id
    except ValueError:
        raise Refusal(
            "the cursor is not one of this list",
            status=422,
            slug="bad-cursor",
            field="cursor",
            remedy="Send `next_cursor` of the page before, unchanged, or none for the first page.",
        ) from None
