"""REST over merchants: operators write, a merchant reads itself."""

from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from auth_service.access import MerchantId, Reader, operators_only
from auth_service.merchants import store
from auth_service.merchants.register_merchant import OnChange, register_merchant
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.pagination import Keyset, Limit, Page
from common.web.preconditions import WITH_ETAG, Conditional
from common.web.routing import new_router


class MerchantBody(BaseModel):
    """A merchant's name, and whether it is known as an AliExpress seller (M1.1)."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")
    is_eligible: StrictBool


class MerchantView(BaseModel):
    """A merchant as registered."""

    model_config = ConfigDict(from_attributes=True)

    merchant_id: str
    name: str
    is_eligible: bool
    created_at: datetime
    updated_at: datetime


class MerchantPlace(NamedTuple):
    """Merchants are listed by id."""

    merchant_id: str


After = Annotated[MerchantPlace | None, Depends(Keyset(MerchantPlace))]


def merchant_router(pool: Pool, on_change: OnChange) -> APIRouter:
    """The routes of this slice; `on_change` follows every write, in its transaction."""
    router = new_router(tags=["merchants"])

    @router.put("/v1/merchants/{merchant_id}", dependencies=[operators_only], responses=WITH_ETAG)
    async def put_merchant(
        merchant_id: MerchantId, body: MerchantBody, conditional: Conditional, response: Response
    ) -> MerchantView:
        """Register the merchant, or change its name or eligibility; with `If-None-Match: *` only
        where there is none of this id yet."""
        merchant = await register_merchant(
            pool,
            merchant_id,
            name=body.name,
            is_eligible=body.is_eligible,
            on_change=on_change,
            preconditions=conditional,
        )
        response.headers["ETag"] = merchant.etag
        return MerchantView.model_validate(merchant)

    @router.get("/v1/merchants", dependencies=[operators_only])
    async def get_merchants(
        q: Annotated[
            str, Query(max_length=200, pattern=r"^[^\x00]*$", description="In ids and names.")
        ] = "",
        after: After = None,
        limit: Limit = 50,
    ) -> Page[MerchantView]:
        """All merchants, by id, or those whose id or name has these letters."""
        async with reading(pool) as connection:
            found = await store.list_merchants(
                connection,
                words=q,
                after=after.merchant_id if after else "",
                limit=limit + 1,
            )
        page = Page.of(found, limit, lambda last: MerchantPlace(last.merchant_id))
        return page.with_items([MerchantView.model_validate(item) for item in page.items])

    @router.get("/v1/merchants/{merchant_id}", responses=WITH_ETAG)
    async def get_merchant(merchant_id: Reader, response: Response) -> MerchantView:
        """The merchant."""
        async with reading(pool) as connection:
            merchant = await store.load_merchant(connection, merchant_id)
        response.headers["ETag"] = merchant.etag
        return MerchantView.model_validate(merchant)

    return router
