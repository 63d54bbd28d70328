"""REST, for operators: every merchant's shops at a glance."""

from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from auth_service.access import operators_only
from auth_service.overview import store
from common.contracts.shop import Connection
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router


class ShopGlanceView(BaseModel):
    """A shop and its connection; `critical` and `warnings` count the open troubles that name
    it."""

    merchant_id: str
    merchant_name: str
    shop_id: str
    is_eligible: bool
    connection: Connection
    connected_at: datetime | None
    expires_at: datetime | None
    critical: int
    warnings: int


class GlancePlace(NamedTuple):
    """Shops are listed by when their tokens end."""

    expires_at: datetime
    merchant_id: str
    shop_id: str


After = Annotated[GlancePlace | None, Depends(Keyset(GlancePlace))]


def overview_router(pool: Pool) -> APIRouter:
    """For operators."""
    router = new_router(tags=["shops"])

    @router.get("/v1/shops", dependencies=[operators_only])
    async def get_all_shops(after: After = None, limit: Limit = 50) -> Page[ShopGlanceView]:
        """All merchants' shops, those whose tokens end soonest first, the never connected last."""
        async with reading(pool) as connection:
            found = await store.list_glances(connection, after=after, limit=limit + 1)
        page = Page.of(
            found,
            limit,
            lambda last: GlancePlace(
                last.expires_at or store.NEVER, last.merchant_id, last.shop_id
            ),
        )
        return page.with_items([ShopGlanceView(**vars(shop)) for shop in page.items])

    return router
