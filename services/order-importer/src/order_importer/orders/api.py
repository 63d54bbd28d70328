"""REST over orders: lists, one order, and republishing."""

from datetime import datetime
from typing import Annotated, NamedTuple, Self

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.identity import IDENTIFIER_PATTERN
from common.web.pagination import Keyset, Limit, Page
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


class OrderPlace(NamedTuple):
    """Orders are listed the newest first, those of one moment by shop and number."""

    placed_at: datetime
    shop_id: str
    order_id: str

    @classmethod
    def of(cls, stored: store.StoredOrder) -> Self:
        """Where this order stands."""
        return cls(stored.order.placed_at, stored.shop_id, stored.order.order_id)


After = Annotated[OrderPlace | None, Depends(Keyset(OrderPlace))]


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
        after: After = None,
        limit: Limit = 50,
    ) -> Page[OrderView]:
        """The merchant's orders, the newest first."""
        async with reading(pool) as connection:
            found = await store.list_orders(
                connection, merchant_id, status=status, shop_id=shop, after=after, limit=limit + 1
            )
        page = Page.of(found, limit, OrderPlace.of)
        return page.with_items([view_of(order) for order in page.items])

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
