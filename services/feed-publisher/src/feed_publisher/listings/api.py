"""REST: emit the last `product.reported` of products once more."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from common.conditions import republish_conditions
from common.postgres.pool import Pool
from common.web.identity import IDENTIFIER_PATTERN
from common.web.routing import new_router
from feed_publisher.access import STORABLE, Operator
from feed_publisher.listings.report import SOURCE
from feed_publisher.listings.republish import mark_again, republish


class RepublishRequest(BaseModel):
    """Which products are reported again; all without a filter."""

    model_config = ConfigDict(extra="forbid")

    merchant_id: str | None = Field(default=None, pattern=IDENTIFIER_PATTERN)
    feed_id: str | None = Field(default=None, pattern=IDENTIFIER_PATTERN)
    family_id: str | None = Field(default=None, pattern=STORABLE)


class Republished(BaseModel):
    """How many products were reported again."""

    products: int


def republish_router(pool: Pool) -> APIRouter:
    """The route."""
    router = new_router(tags=["products"])

    @router.post("/v1/republish")
    async def post_republish(_operator: Operator, request: RepublishRequest) -> Republished:
        """Emit the last `product.reported` of these products again; what is still to be sent of
        them goes with the next runs. Without a feed or product `condition.state`, too."""
        await mark_again(
            pool,
            merchant_id=request.merchant_id,
            feed_id=request.feed_id,
            family_id=request.family_id,
        )
        products = await republish(
            pool,
            merchant_id=request.merchant_id,
            feed_id=request.feed_id,
            family_id=request.family_id,
        )
        if request.feed_id is None and request.family_id is None:
            await republish_conditions(pool, SOURCE, merchant_id=request.merchant_id)
        return Republished(products=products)

    return router
