"""REST: adopt a product that was online before us."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from common.web.problem import PROBLEM_RESPONSES
from feed_publisher.access import FamilyId, FeedId, Writer
from feed_publisher.drift.adopt import Adopter


class Adoption(BaseModel):
    """The product in the shop that this family takes over."""

    model_config = ConfigDict(extra="forbid")

    marketplace_product_id: Annotated[str, Field(pattern=r"^\d{1,20}$")]


def adoption_router(adopter: Adopter) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["products"], responses=PROBLEM_RESPONSES)

    @router.post(
        "/v1/merchants/{merchant_id}/feeds/{feed_id}/products/{family_id:path}/adopt",
        status_code=204,
    )
    async def post_adoption(
        merchant_id: Writer, feed_id: FeedId, family_id: FamilyId, request: Adoption
    ) -> None:
        """Link the family to the product by SKU (M1.6); the next runs bring it up to date."""
        await adopter.adopt(merchant_id, feed_id, family_id, request.marketplace_product_id)

    return router
