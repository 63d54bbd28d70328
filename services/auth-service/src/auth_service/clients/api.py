"""REST: tokens for API clients, the keys that verify them, and new clients for merchants."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from auth_service.access import MerchantId, operators_only
from auth_service.clients import store
from auth_service.clients.issue_jwt import ClientUnknown, issue_jwt
from auth_service.clients.scopes import require_merchant_scopes
from auth_service.clients.secrets import hash_of, new_secret
from auth_service.clients.signing_keys import SigningKeys
from auth_service.clients.throttle import Throttle
from auth_service.merchants.store import load_merchant
from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from common.web.identity import for_everybody
from common.web.problem import PROBLEM_RESPONSES


class TokenAnswer(BaseModel):
    """A bearer token (RFC 6749 5.1); `expires_in` in seconds."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the kind of token
    expires_in: int


class Jwks(BaseModel):
    """The public keys (RFC 7517)."""

    keys: list[dict[str, str]]


class NewClient(BaseModel):
    """A client to make for a merchant."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")
    scopes: list[str]


class ClientSecret(BaseModel):
    """A new client. The secret is shown this once."""

    client_id: str
    client_secret: str


def client_router(pool: Pool, keys: SigningKeys) -> APIRouter:
    """Tokens and keys for every caller; making clients for operators."""
    router = APIRouter(responses=PROBLEM_RESPONSES, tags=["access"])
    throttle = Throttle()

    @router.post("/v1/token", dependencies=[Depends(for_everybody)])
    async def token(
        request: Request,
        response: Response,
        grant_type: Annotated[str, Form(max_length=64)],
        client_id: Annotated[str, Form(max_length=128, pattern=r"^[^\x00-\x1f]+$")],
        client_secret: Annotated[str, Form(max_length=256)],
    ) -> TokenAnswer:
        """A token for ten minutes, by client credentials."""
        if grant_type != "client_credentials":
            raise Refusal(
                f"the grant type {grant_type} is not offered",
                status=400,
                slug="grant-type",
                field="grant_type",
                remedy="Send grant_type=client_credentials.",
            )
        address = request.client.host if request.client else ""
        throttle.admit(client_id, address)
        try:
            grant = await issue_jwt(pool, keys, client_id, client_secret)
        except ClientUnknown:
            throttle.failed(client_id, address)
            raise
        response.headers["Cache-Control"] = "no-store"
        return TokenAnswer(
            access_token=grant.access_token, expires_in=int(grant.lifetime.total_seconds())
        )

    @router.get("/v1/jwks.json")
    async def jwks() -> Jwks:
        """The public keys that verify the channel's tokens."""
        return Jwks(keys=keys.public)

    @router.post(
        "/v1/merchants/{merchant_id}/api-clients",
        status_code=201,
        dependencies=[operators_only],
    )
    async def make_client(
        merchant_id: MerchantId,
        wanted: NewClient,
        response: Response,
    ) -> ClientSecret:
        """An API client bound to this merchant; its secret is shown this once."""
        require_merchant_scopes(wanted.scopes)
        made = ClientSecret(
            client_id=f"{merchant_id}.{new_secret()[:12]}", client_secret=new_secret()
        )
        async with unit_of_work(pool) as connection:
            await load_merchant(connection, merchant_id)
            await store.upsert_client(
                connection,
                made.client_id,
                merchant_id=merchant_id,
                name=wanted.name,
                secret_hash=hash_of(made.client_secret),
                scopes=sorted(set(wanted.scopes)),
            )
        response.headers["Cache-Control"] = "no-store"
        return made

    return router
