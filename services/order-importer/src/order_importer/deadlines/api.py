"""REST: how many days a shop takes to ship, where AliExpress names no deadline."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.routing import new_router
from order_importer.access import Reader, ShopId, Writer
from order_importer.deadlines.store import list_without_marketplace_deadline
from order_importer.orders.deadline import due_at
from order_importer.orders.store import move_deadlines
from order_importer.shops.store import Shop, load_shop, set_preparation_days


class PreparationBody(BaseModel):
    """The days from payment to shipment; null: the installation's default."""

    model_config = ConfigDict(extra="forbid", strict=True)

    days: Annotated[int, Field(ge=0, le=90)] | None


class PreparationView(BaseModel):
    """The days that count for the shop's orders, and whether they are the default."""

    days: int
    is_default: bool


def deadline_router(pool: Pool, usual: timedelta) -> APIRouter:
    """For merchants; `usual` is the time of shops that have none of their own."""
    router = new_router(
        prefix="/v1/merchants/{merchant_id}/shops/{shop_id}/preparation",
        tags=["deadlines"],
    )

    @router.get("")
    async def get_preparation(merchant_id: Reader, shop_id: ShopId) -> PreparationView:
        """How many days the shop takes to ship (M8.5)."""
        async with reading(pool) as connection:
            return _view(await load_shop(connection, merchant_id, shop_id))

    @router.put("")
    async def set_preparation(
        merchant_id: Writer, shop_id: ShopId, body: PreparationBody
    ) -> PreparationView:
        """Set it. Deadlines that AliExpress does not name move with it, of known orders too."""
        async with unit_of_work(pool) as connection:
            await load_shop(connection, merchant_id, shop_id)
            await set_preparation_days(connection, merchant_id, shop_id, body.days)
            await record(connection, "shop.preparation-set", shop_id, {"days": body.days})
            shop = await load_shop(connection, merchant_id, shop_id)
            waiting = await list_without_marketplace_deadline(connection, merchant_id, shop_id)
            preparation = timedelta(days=_view(shop).days)
            deadlines = {
                one.order.order_id: due_at(one.order, None, preparation) for one in waiting
            }
            await move_deadlines(connection, merchant_id, shop_id, deadlines)
        return _view(shop)

    def _view(shop: Shop) -> PreparationView:
        if shop.preparation_days is None:
            return PreparationView(days=usual.days, is_default=True)
        return PreparationView(days=shop.preparation_days, is_default=False)

    return router
