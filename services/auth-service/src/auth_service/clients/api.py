"""REST: tokens for API clients, the keys that verify them, and merchants' clients."""

from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from auth_service.access import ClientId, ClientReader, ClientWriter, operators_only
from auth_service.clients import store
from auth_service.clients.issue_jwt import ClientUnknown, issue_jwt
from auth_service.clients.scopes import require_merchant_scopes
from auth_service.clients.secrets import hash_of, new_secret
from auth_service.clients.signing_keys import SigningKeys
from auth_service.clients.throttle import Throttle
from auth_service.merchants.store import load_merchant
from common import clock
from common.errors import Refusal
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.identity import for_everybody
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router


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


class ClientView(BaseModel):
    """An API client; `revoked_at` is null while it may ask for tokens. A secret that was rotated
    away is taken until `previous_ends_at`."""

    model_config = ConfigDict(from_attributes=True)

    client_id: str
    merchant_id: str | None
    name: str
    scopes: list[str]
    created_at: datetime
    rotated_at: datetime | None
    previous_ends_at: datetime | None
    revoked_at: datetime | None


class Rotation(BaseModel):
    """For how long the secret so far is taken beside the new one; 0 ends it at once."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: int = Field(default=24, ge=0, le=720)


class RotatedSecret(BaseModel):
    """The client's new secret, shown this once."""

    client_id: str
    client_secret: str
    previous_ends_at: datetime


class ClientPlace(NamedTuple):
    """Clients are listed by id."""

    client_id: str


After = Annotated[ClientPlace | None, Depends(Keyset(ClientPlace))]


def client_router(pool: Pool, keys: SigningKeys) -> APIRouter:
    """Tokens and keys for every caller; clients for whoever manages the merchant."""
    router = new_router(tags=["access"])
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

    _add_clients(router, pool)
    return router


def _add_clients(router: APIRouter, pool: Pool) -> None:
    clients = "/v1/merchants/{merchant_id}/api-clients"

    @router.post(clients, status_code=201)
    async def make_client(
        merchant_id: ClientWriter, wanted: NewClient, response: Response
    ) -> ClientSecret:
        """An API client bound to this merchant; its secret is shown this once."""
        require_merchant_scopes(wanted.scopes)
        scopes = sorted(set(wanted.scopes))
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
                scopes=scopes,
            )
            await record(connection, "client.made", made.client_id, {"scopes": scopes})
        response.headers["Cache-Control"] = "no-store"
        return made

    @router.get(clients)
    async def get_clients(
        merchant_id: ClientReader, after: After = None, limit: Limit = 50
    ) -> Page[ClientView]:
        """The merchant's API clients, by id; revoked ones too."""
        return await _clients(pool, merchant_id, after, limit)

    @router.get("/v1/api-clients", dependencies=[operators_only])
    async def get_all_clients(after: After = None, limit: Limit = 50) -> Page[ClientView]:
        """All API clients, those of services and operators too, for operators."""
        return await _clients(pool, None, after, limit)

    @router.post(clients + "/{client_id}/rotate")
    async def rotate_client(
        merchant_id: ClientWriter, client_id: ClientId, wanted: Rotation, response: Response
    ) -> RotatedSecret:
        """Another secret, shown this once; the one so far is taken for the hours of overlap."""
        secret = new_secret()
        ends_at = clock.now() + timedelta(hours=wanted.overlap_hours)
        async with unit_of_work(pool) as connection:
            await store.rotate_secret(
                connection,
                merchant_id,
                client_id,
                secret_hash=hash_of(secret),
                previous_ends_at=ends_at,
            )
            await record(
                connection, "client.rotated", client_id, {"overlap_hours": wanted.overlap_hours}
            )
        response.headers["Cache-Control"] = "no-store"
        return RotatedSecret(client_id=client_id, client_secret=secret, previous_ends_at=ends_at)

    @router.delete(clients + "/{client_id}", status_code=204)
    async def delete_client(merchant_id: ClientWriter, client_id: ClientId) -> None:
        """Revoke the client: it gets no tokens any more, and those it holds end within ten
        minutes. Its producer's keys prove nothing from now on."""
        async with unit_of_work(pool) as connection:
            await store.revoke_client(connection, merchant_id, client_id)
            await record(connection, "client.revoked", client_id)


async def _clients(
    pool: Pool, merchant_id: str | None, after: ClientPlace | None, limit: int
) -> Page[ClientView]:
    async with reading(pool) as connection:
        found = await store.list_clients(
            connection,
            merchant_id=merchant_id,
            after=after.client_id if after else "",
            limit=limit + 1,
        )
    page = Page.of(found, limit, lambda last: ClientPlace(last.client_id))
    return page.with_items([ClientView.model_validate(item) for item in page.items])
