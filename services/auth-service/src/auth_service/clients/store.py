"""API clients: the hash of their secret, never the secret."""

from dataclasses import dataclass

from common import clock
from common.postgres.pool import Connection


@dataclass(frozen=True)
class ApiClient:
    """Who may ask for tokens. `merchant_id` is None for services and operators."""

    client_id: str
    merchant_id: str | None
    secret_hash: bytes
    scopes: list[str]


async def find_client(connection: Connection, client_id: str) -> ApiClient | None:
    row = await connection.fetchrow(
        "SELECT client_id, merchant_id, secret_hash, scopes FROM api_client WHERE client_id = $1",
        client_id,
    )
    return None if row is None else ApiClient(**row)


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
