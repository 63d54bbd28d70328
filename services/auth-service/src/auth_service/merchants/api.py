"""REST over merchants: operators write, a merchant reads itself."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from auth_service.merchants import store
from auth_service.merchants.register_merchant import register_merchant
from common.postgres.pool import Pool
from common.web.identity import IDENTIFIER_PATTERN, OPERATOR, caller_with, merchant_with
from common.web.pagination import Cursor, Limit, Page, cursor_of, place_of
from common.web.problem import PROBLEM_RESPONSES


class MerchantBody(BaseModel):
    """A merchant's name, and whether it is known as an AliExpress seller (M1.1)."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    is_eligible: bool


class MerchantView(BaseModel):
    """A merchant as registered."""

    model_config = ConfigDict(from_attributes=True)

    merchant_id: str
    name: str
    is_eligible: bool
    created_at: datetime
    updated_at: datetime


def merchant_router(pool: Pool) -> APIRouter:
    """The routes of this slice."""
    router = APIRouter(responses=PROBLEM_RESPONSES, tags=["merchants"])
    operator = Depends(caller_with(OPERATOR))

    @router.put("/v1/merchants/{merchant_id}", dependencies=[operator])
    async def put_merchant(
        merchant_id: Annotated[str, Path(pattern=IDENTIFIER_PATTERN)], body: MerchantBody
    ) -> MerchantView:
        """Register the merchant, or change its name or eligibility."""
        merchant = await register_merchant(
            pool, merchant_id, name=body.name, is_eligible=body.is_eligible
        )
        return MerchantView.model_validate(merchant)

    @router.get("/v1/merchants", dependencies=[operator])
    async def get_merchants(cursor: Cursor = None, limit: Limit = 50) -> Page[MerchantView]:
        """All merchants, by id."""
        place = place_of(cursor)
        found = await store.list_merchants(
            pool, after=str(place[0]) if place else "", limit=limit + 1
        )
        return Page(
            items=[MerchantView.model_validate(merchant) for merchant in found[:limit]],
            next_cursor=cursor_of(found[limit - 1].merchant_id) if len(found) > limit else None,
        )

    @router.get("/v1/merchants/{merchant_id}")
    async def get_merchant(
        merchant_id: Annotated[str, Depends(merchant_with("shops:read"))],
    ) -> MerchantView:
        """The merchant."""
        return MerchantView.model_validate(await store.load_merchant(pool, merchant_id))

    return router
