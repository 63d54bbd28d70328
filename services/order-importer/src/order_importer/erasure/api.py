"""REST: erase the buyer's data of an order."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from common.postgres.pool import Pool
from common.web.routing import new_router
from order_importer.access import OrderId, ShopId, Writer
from order_importer.erasure.erase_orders import erase_order


class ErasureView(BaseModel):
    """When the buyer's data were erased here. Kafka keeps records of before until `kafka_until` at
    the latest, and nobody can take them out earlier."""

    model_config = ConfigDict(from_attributes=True)

    order_id: str
    erased_at: datetime
    kafka_until: datetime


def erasure_router(pool: Pool) -> APIRouter:
    """For merchants; it cannot be undone."""
    router = new_router(
        prefix="/v1/merchants/{merchant_id}/shops/{shop_id}",
        tags=["orders"],
    )

    @router.delete("/orders/{order_id}/buyer-data")
    async def erase(merchant_id: Writer, shop_id: ShopId, order_id: OrderId) -> ErasureView:
        """Erase the buyer's data of an order for good; amounts, lines and parcels stay (M8.6)."""
        return ErasureView.model_validate(await erase_order(pool, merchant_id, shop_id, order_id))

    return router
