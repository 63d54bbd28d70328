"""Producers' keys, sealed; two of a client may live at once, while one replaces the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from auth_service.sealing.store import SealedRows
from auth_service.sealing.token_vault import SealedToken
from auth_service.tables import producer_key
from common import clock
from common.errors import NotFound
from common.postgres.pool import Connection

SEALED = SealedRows("rotate-producer-keys", producer_key, ("merchant_id", "key_id"))
"""The table's sealed values."""


@dataclass(frozen=True)
class KeyOwner:
    """Whose key it is: what its seal is bound to."""

    merchant_id: str
    client_id: str
    key_id: str

    def __str__(self) -> str:
        return f"producer's key {self.key_id}"

    def additional_data(self) -> bytes:
        """The same bytes for the same key, and for nothing else that is sealed."""
        return msgspec.json.encode(["producer-key", self.merchant_id, self.client_id, self.key_id])


@dataclass(frozen=True)
class KeyInfo:
    """A live key, without its secret."""

    key_id: str
    created_at: datetime


async def lock_writer(connection: Connection, merchant_id: str, client_id: str) -> list[str]:
    """The scopes of the merchant's client, its row locked. Raises `NotFound`."""
    scopes: list[str] | None = await connection.fetchval(
        """
        SELECT scopes FROM api_client
        WHERE merchant_id = $1 AND client_id = $2 AND revoked_at IS NULL FOR UPDATE
        """,
        merchant_id,
        client_id,
    )
    if scopes is None:
        raise NotFound("API client", remedy="Ask the operator to make one for the merchant.")
    return scopes


async def list_keys(connection: Connection, merchant_id: str, client_id: str) -> list[KeyInfo]:
    """The client's live keys, oldest first."""
    rows = await connection.fetch(
        """
        SELECT key_id, created_at FROM producer_key
        WHERE merchant_id = $1 AND client_id = $2 ORDER BY created_at, key_id
        """,
        merchant_id,
        client_id,
    )
    return [KeyInfo(**row) for row in rows]


async def insert_key(connection: Connection, owner: KeyOwner, sealed: SealedToken) -> None:
    await connection.execute(
        """
        INSERT INTO producer_key (key_id, merchant_id, client_id, sealed_under, wrapped_key, nonce,
            ciphertext, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        owner.key_id,
        owner.merchant_id,
        owner.client_id,
        sealed.key_id,
        sealed.wrapped_key,
        sealed.nonce,
        sealed.ciphertext,
        clock.now(),
    )


async def delete_key(connection: Connection, owner: KeyOwner) -> None:
    """Raises `NotFound`."""
    deleted = await connection.fetchval(
        """
        DELETE FROM producer_key WHERE key_id = $1 AND merchant_id = $2 AND client_id = $3
        RETURNING 1
        """,
        owner.key_id,
        owner.merchant_id,
        owner.client_id,
    )
    if deleted is None:
        raise NotFound("producer key", remedy="List the client's keys.")


async def find_sealed(
    connection: Connection, key_ids: Sequence[str]
) -> list[tuple[KeyOwner, SealedToken]]:
    """Those of these keys whose client may still write the catalogue."""
    rows = await connection.fetch(
        """
        SELECT k.key_id, k.merchant_id, k.client_id, k.sealed_under, k.wrapped_key, k.nonce,
            k.ciphertext
        FROM producer_key AS k JOIN api_client AS c USING (client_id)
        WHERE k.key_id = ANY($1) AND c.merchant_id = k.merchant_id
            AND 'catalogue:write' = ANY(c.scopes) AND c.revoked_at IS NULL
        """,
        key_ids,
    )
    return [
        (
            KeyOwner(row["merchant_id"], row["client_id"], row["key_id"]),
            SealedToken(row["sealed_under"], row["wrapped_key"], row["nonce"], row["ciphertext"]),
        )
        for row in rows
    ]
