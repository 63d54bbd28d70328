"""REST over shops: lists, one shop, and republishing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from auth_service.access import Reader, ShopId, operators_only
from auth_service.shops import store
from auth_service.shops.refresh.store import RefreshPlan, list_plans
from auth_service.shops.republish import republish
from common.contracts.shop import Connection
from common.postgres.pool import Connection as DbConnection
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.identity import IDENTIFIER_PATTERN
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router


class ShopView(BaseModel):
    """A shop and its connection; `generation` rises with every renewal of the token.

    `refreshes_itself`: the token is renewed without the merchant, next at `next_refresh_at` (M1.8).
    `refresh_refused` is the code of AliExpress's refusal, after which the merchant must renew.
    """

    merchant_id: str
    shop_id: str
    is_eligible: bool
    connection: Connection
    generation: int
    seller_id: str | None
    seller_name: str | None
    connected_at: datetime | None
    expires_at: datetime | None
    refreshes_itself: bool
    next_refresh_at: datetime | None
    refresh_refused: str | None

    @classmethod
    def of(cls, shop: store.Shop, plan: RefreshPlan | None) -> "ShopView":
        """The shop, and what is to become of its refresh token (None: it is not used)."""
        is_usable = shop.is_eligible and shop.connection == "connected"
        due_at = plan.due_at if plan is not None and is_usable else None
        return cls(
            merchant_id=shop.merchant_id,
            shop_id=shop.shop_id,
            is_eligible=shop.is_eligible,
            connection=shop.connection,
            generation=shop.generation,
            seller_id=shop.seller_id,
            seller_name=shop.seller_name,
            connected_at=shop.connected_at,
            expires_at=shop.expires_at,
            refreshes_itself=due_at is not None,
            next_refresh_at=due_at,
            refresh_refused=plan.refusal if plan is not None else None,
        )


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


def shop_router(pool: Pool, *, refreshes_tokens: bool) -> APIRouter:
    """Reading for merchants; republishing for operators."""
    router = new_router(tags=["shops"])

    async def with_plans(connection: DbConnection, shops: Sequence[store.Shop]) -> list[ShopView]:
        plans: dict[str, RefreshPlan] = {}
        if refreshes_tokens and shops:
            ids = [shop.shop_id for shop in shops]
            plans = await list_plans(connection, shops[0].merchant_id, ids)
        return [ShopView.of(shop, plans.get(shop.shop_id)) for shop in shops]

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
            return page.with_items(await with_plans(connection, page.items))

    @router.get("/v1/merchants/{merchant_id}/shops/{shop_id}")
    async def get_shop(merchant_id: Reader, shop_id: ShopId) -> ShopView:
        """The shop."""
        async with reading(pool) as connection:
            shop = await store.load_shop(connection, merchant_id, shop_id)
            [view] = await with_plans(connection, [shop])
        return view

    @router.post("/v1/republish", dependencies=[operators_only])
    async def republish_states(body: RepublishBody) -> Republished:
        """Publish the state of shops again."""
        return Republished(records=await republish(pool, body.merchant_id))

    return router
