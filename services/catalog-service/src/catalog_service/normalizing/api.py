"""REST over republishing, for operators."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from catalog_service.access import Operator
from catalog_service.normalizing.republish import republish
from catalog_service.settings import SOURCE
from common.conditions import republish_conditions
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from common.web.identity import IDENTIFIER_PATTERN
from common.web.routing import new_router


class RepublishRequest(BaseModel):
    """Whose state is emitted again; None: everybody's."""

    model_config = ConfigDict(extra="forbid")

    merchant_id: str | None = Field(default=None, pattern=IDENTIFIER_PATTERN)


class Republished(BaseModel):
    """How many feeds are emitted again."""

    feeds: int


def republish_router(pool: Pool) -> APIRouter:
    """The route that emits state again."""
    router = new_router(tags=["feeds"])

    @router.post("/v1/republish", status_code=202)
    async def emit_again(_caller: Operator, request: RepublishRequest) -> Republished:
        """Emit `feed.state`, `product.normalized` and `condition.state` again."""
        async with unit_of_work(pool) as connection:
            feeds = await republish(connection, request.merchant_id)
        await republish_conditions(pool, SOURCE, merchant_id=request.merchant_id)
        return Republished(feeds=feeds)

    return router
