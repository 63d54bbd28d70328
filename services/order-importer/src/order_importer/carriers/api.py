"""REST: the carriers a shop may name."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.routing import new_router
from order_importer.access import Reader, ShopId
from order_importer.carriers.load_carriers import load_carriers
from order_importer.shops.shop_access import ShopAccess
from order_importer.shops.store import load_shop


class CarrierView(BaseModel):
    """A carrier of the shop; `service_name` is its key."""

    model_config = ConfigDict(from_attributes=True)

    service_name: str
    display_name: str | None
    company: str | None
    tracking_pattern: str | None
    min_days: int | None
    max_days: int | None


class Carriers(BaseModel):
    """The shop's carriers as read then."""

    fetched_at: datetime
    items: list[CarrierView]


def carrier_router(pool: Pool, access: ShopAccess) -> APIRouter:
    """For merchants; a list older than a day is read from AliExpress first."""
    router = new_router(
        prefix="/v1/merchants/{merchant_id}/shops/{shop_id}",
        tags=["shipping"],
    )

    @router.get("/carriers")
    async def get_carriers(merchant_id: Reader, shop_id: ShopId) -> Carriers:
        """The carriers this shop may name; the list is the seller's own."""
        async with reading(pool) as connection:
            await load_shop(connection, merchant_id, shop_id)
        known = await load_carriers(pool, access, merchant_id, shop_id)
        return Carriers(
            fetched_at=known.fetched_at,
            items=[CarrierView.model_validate(carrier) for carrier in known.carriers],
        )

    return router
