"""API clients: the hash of their secret, never the secret."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from auth_service import tables
from common import clock
from common.errors import NotFound
from common.postgres import core
from common.postgres.pool import Connection


@dataclass(frozen=True)
class ApiClient:
    """Who may ask for tokens. `merchant_id` is None for services and operators. A secret that was
    rotated away is taken until `previous_ends_at`."""

    client_id: str
    merchant_id: str | None
    secret_hash: bytes
    scopes: list[str]
    previous_secret_hash: bytes | None
    previous_ends_at: datetime | None


@dataclass(frozen=True)
class ClientInfo:
    """A client as listed, without its secrets."""

    client_id: str
    merchant_id: str | None
    name: str
    scopes: list[str]
    created_at: datetime
    rotated_at: datetime | None
    previous_ends_at: datetime | None
    revoked_at: datetime | None


async def find_client(connection: Connection, client_id: str) -> ApiClient | None:
    """The client, unless it is revoked."""
    row = await connection.fetchrow(
        """
        SELECT client_id, merchant_id, secret_hash, scopes, previous_secret_hash, previous_ends_at
        FROM api_client WHERE client_id = $1 AND revoked_at IS NULL
        """,
        client_id,
    )
    return None if row is None else ApiClient(**row)


async def list_clients(
    connection: Connection, *, merchant_id: str | None, after: str, limit: int
) -> list[ClientInfo]:
    """A page of the merchant's clients, or of all, by id; revoked ones too."""
    c = tables.api_client.c
    page = (
        sa.select(
            c.client_id,
            c.merchant_id,
            c.name,
            c.scopes,
            c.created_at,
            c.rotated_at,
            c.previous_ends_at,
            c.revoked_at,
        )
        .where(c.client_id > after)
        .order_by(c.client_id)
        .limit(limit)
    )
    if merchant_id is not None:
        page = page.where(c.merchant_id == merchant_id)
    return [ClientInfo(**row) for row in await core.fetch(connection, page)]


async def rotate_secret(
    connection: Connection,
    merchant_id: str,
    client_id: str,
    *,
    secret_hash: bytes,
    previous_ends_at: datetime,
) -> None:
    """Give the client this secret; the one so far is taken until then. One that was rotated away
    before ends now. Raises `NotFound`."""
    rotated = await connection.fetchval(
        """
        UPDATE api_client SET previous_secret_hash = secret_hash, secret_hash = $3,
            previous_ends_at = $4, rotated_at = $5
        WHERE merchant_id = $1 AND client_id = $2 AND revoked_at IS NULL RETURNING 1
        """,
        merchant_id,
        client_id,
        secret_hash,
        previous_ends_at,
        clock.now(),
    )
    if rotated is None:
        raise _no_client()


async def revoke_client(connection: Connection, merchant_id: str, client_id: str) -> None:
    """No token is given to the client any more. Raises `NotFound`, also where it is revoked."""
    revoked = await connection.fetchval(
        """
        UPDATE api_client SET revoked_at = $3, previous_secret_hash = NULL, previous_ends_at = NULL
        WHERE merchant_id = $1 AND client_id = $2 AND revoked_at IS NULL RETURNING 1
        """,
        merchant_id,
        client_id,
        clock.now(),
    )
    if revoked is None:
        raise _no_client()


def _no_client() -> NotFound:
    return NotFound("API client", remedy="List the merchant's API clients.")


async def upsert_client(
    connection: Connection,
    client_id: str,
    *,
    merchant_id: str | None,
    name: str,
    secret_hash: bytes,
    scopes: list[str],
) -> None:
    """Create the client, or give it this secret and these scopes."""
    await connection.execute(
        """
        INSERT INTO api_client (client_id, merchant_id, name, secret_hash, scopes, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (client_id) DO UPDATE SET secret_hash = $4, scopes = $5
        """,
        client_id,
        merchant_id,
        name,
        secret_hash,
        scopes,
        clock.now(),
    )
