"""REST over shops: lists, one shop, and republishing."""

from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from auth_service.access import Reader, ShopId, operators_only
from auth_service.shops import store
from auth_service.shops.republish import republish
from common.contracts.shop import Connection
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.identity import IDENTIFIER_PATTERN
from common.web.pagination import Keyset, Limit, Page
from common.web.problem import PROBLEM_RESPONSES


class ShopView(BaseModel):
    """A shop and its connection; `generation` rises with every renewal of the token."""

    model_config = ConfigDict(from_attributes=True)

    merchant_id: str
    shop_id: str
    is_eligible: bool
    connection: Connection
    generation: int
    seller_id: str | None
    seller_name: str | None
    connected_at: datetime | None
    expires_at: datetime | None


class RepublishBody(BaseModel):
    """Whose state to publish again; everyone's without a merchant."""

    model_config = ConfigDict(extra="forbid")

    merchant_id: str | None = Field(default=None, pattern=IDENTIFIER_PATTERN)


class Republished(BaseModel):
    """How many records were written."""

    records: int


class ShopPlace(NamedTuple):
    """A merchant's shops are listed by id."""

    shop_id: str


After = Annotated[ShopPlace | None, Depends(Keyset(ShopPlace))]


def shop_router(pool: Pool) -> APIRouter:
    """Reading for merchants; republishing for operators."""
    router = APIRouter(responses=PROBLEM_RESPONSES, tags=["shops"])

    @router.get("/v1/merchants/{merchant_id}/shops")
    async def get_shops(
        merchant_id: Reader, after: After = None, limit: Limit = 50
    ) -> Page[ShopView]:
        """The merchant's shops, by id."""
        async with reading(pool) as connection:
            found = await store.list_shops(
                connection, merchant_id, after=after.shop_id if after else "", limit=limit + 1
            )
        page = Page.of(found, limit, lambda last: ShopPlace(last.shop_id))
        return page.with_items([ShopView.model_validate(shop) for shop in page.items])

    @router.get("/v1/merchants/{merchant_id}/shops/{shop_id}")
    async def get_shop(merchant_id: Reader, shop_id: ShopId) -> ShopView:
        """The shop."""
        async with reading(pool) as connection:
            shop = await store.load_shop(connection, merchant_id, shop_id)
        return ShopView.model_validate(shop)

    @router.post("/v1/republish", dependencies=[operators_only])
    async def republish_states(body: RepublishBody) -> Republished:
        """Publish the state of shops again."""
        return Republished(records=await republish(pool, body.merchant_id))

    return router
