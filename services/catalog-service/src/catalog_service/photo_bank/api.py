"""REST over a shop's photo bank: how full it is, and how many pictures are still to come."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from catalog_service.access import FeedReader, ShopId
from catalog_service.photo_bank.store import count_pictures
from catalog_service.shops.store import find_shop
from common.errors import NotFound
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.routing import new_router


class PhotoBankView(BaseModel):
    """How many pictures of the shop's feeds are in its photo bank, wait to be uploaded, or were
    refused; how full it was at the last upload, in megabytes, as AliExpress says it; and until when
    it is taken for full."""

    shop_id: str
    uploaded: int
    waiting: int
    refused: int
    used_megabytes: str | None
    total_megabytes: str | None
    full_until: datetime | None


def photo_bank_router(pool: Pool) -> APIRouter:
    """The route of a shop's photo bank."""
    router = new_router(tags=["feeds"])

    @router.get("/v1/merchants/{merchant_id}/shops/{shop_id}/photo-bank")
    async def photo_bank(merchant: FeedReader, shop_id: ShopId) -> PhotoBankView:
        """The shop's photo bank, as far as feeds use it (`photo_bank: on`, M3.5)."""
        async with reading(pool) as connection:
            if await find_shop(connection, merchant, shop_id) is None:
                raise NotFound("shop", remedy="Connect the shop first.")
            counts = await count_pictures(connection, (merchant, shop_id))
        return PhotoBankView(shop_id=shop_id, **counts._asdict())

    return router
