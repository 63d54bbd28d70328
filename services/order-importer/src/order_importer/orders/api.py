"""REST over orders: one order, and republishing."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from common.conditions import republish_conditions
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.identity import IDENTIFIER_PATTERN
from common.web.routing import new_router
from order_importer.access import OrderId, Reader, ShopId, operators_only
from order_importer.orders import store
from order_importer.orders.events import SOURCE
from order_importer.orders.republish import republish
from order_importer.orders.views import OrderView, view_of


class RepublishBody(BaseModel):
    """Whose orders to publish again; everyone's without a merchant."""

    model_config = ConfigDict(extra="forbid")

    merchant_id: str | None = Field(default=None, pattern=IDENTIFIER_PATTERN)


class Republished(BaseModel):
    """How many records were written."""

    records: int


def order_router(pool: Pool) -> APIRouter:
    """Reading for merchants; republishing for operators."""
    router = new_router(tags=["orders"])

    @router.get("/v1/merchants/{merchant_id}/shops/{shop_id}/orders/{order_id}")
    async def get_order(merchant_id: Reader, shop_id: ShopId, order_id: OrderId) -> OrderView:
        """The order."""
        async with reading(pool) as connection:
            return view_of(await store.load_order(connection, merchant_id, shop_id, order_id))

    @router.post("/v1/republish", dependencies=[operators_only])
    async def republish_orders(body: RepublishBody) -> Republished:
        """Emit `order.updated` of all orders again, at their present revision, and
        `condition.state`."""
        records = await republish(pool, body.merchant_id)
        await republish_conditions(pool, SOURCE, merchant_id=body.merchant_id)
        return Republished(records=records)

    return router
