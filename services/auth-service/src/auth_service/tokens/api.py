"""REST for our own services: a shop's token, and the report that it is dead."""

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from aliexpress.client import Client
from auth_service.access import MerchantId, ShopId, services_only
from auth_service.sealing.token_vault import Owner, TokenVault
from auth_service.tokens.end_connection import end_dead_connection
from auth_service.tokens.issue_token import issue_token
from common.contracts.shop import Connection
from common.postgres.pool import Pool
from common.web.routing import new_router


class TokenView(BaseModel):
    """A shop's access token, to be held in memory for ten minutes at most."""

    model_config = ConfigDict(from_attributes=True)

    access_token: str
    seller_id: str
    generation: int
    expires_at: datetime


class DeadToken(BaseModel):
    """Which generation AliExpress called invalid."""

    model_config = ConfigDict(extra="forbid")

    generation: int


class ConnectionView(BaseModel):
    """How the connection stands after the report."""

    model_config = ConfigDict(from_attributes=True)

    connection: Connection
    generation: int


def token_router(pool: Pool, client: Client, vault: TokenVault) -> APIRouter:
    """For our own services alone."""
    router = new_router(
        prefix="/internal/v1/shops/{merchant_id}/{shop_id}/token",
        dependencies=[services_only],
        tags=["internal"],
    )

    @router.get("")
    async def get_token(merchant_id: MerchantId, shop_id: ShopId, response: Response) -> TokenView:
        """The shop's token; 409 while it has none that works."""
        response.headers["Cache-Control"] = "no-store"
        return TokenView.model_validate(await issue_token(pool, vault, merchant_id, shop_id))

    @router.post("/dead")
    async def report_dead(
        merchant_id: MerchantId, shop_id: ShopId, report: DeadToken
    ) -> ConnectionView:
        """End the connection if AliExpress confirms that this generation's token is dead."""
        reported = Owner(merchant_id, shop_id, report.generation)
        shop = await end_dead_connection(pool, client, vault, reported)
        return ConnectionView.model_validate(shop)

    return router
