"""Attempts to connect a shop: hashes of their ticket, state and cookie, each good once."""

from dataclasses import dataclass
from datetime import datetime

from common import clock
from common.postgres.pool import Connection


@dataclass(frozen=True)
class Attempt:
    """The shop somebody is about to connect."""

    merchant_id: str
    shop_id: str


async def add_attempt(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    *,
    ticket_hash: bytes,
    expires_at: datetime,
) -> None:
    """Add a new attempt, and delete those that ended a day ago."""
    await connection.execute(
        "DELETE FROM connect_attempt WHERE expires_at < $1::timestamptz - interval '1 day'",
        clock.now(),
    )
    await connection.execute(
        """
        INSERT INTO connect_attempt (ticket_hash, merchant_id, shop_id, expires_at)
        VALUES ($1, $2, $3, $4)
        """,
        ticket_hash,
        merchant_id,
        shop_id,
        expires_at,
    )


async def find_waiting(connection: Connection, ticket_hash: bytes) -> Attempt | None:
    """The attempt of a ticket that still opens; None for one unknown, used or too old."""
    row = await connection.fetchrow(
        """
        SELECT merchant_id, shop_id FROM connect_attempt
        WHERE ticket_hash = $1 AND started_at IS NULL AND expires_at > $2
        """,
        ticket_hash,
        clock.now(),
    )
    return None if row is None else Attempt(**row)


async def start_attempt(
    connection: Connection,
    ticket_hash: bytes,
    *,
    state_hash: bytes,
    cookie_hash: bytes,
    expires_at: datetime,
) -> bool:
    """Bind a fresh attempt to this state and browser; False for one unknown, used or too old."""
    started = await connection.fetchval(
        """
        UPDATE connect_attempt
        SET state_hash = $2, cookie_hash = $3, started_at = $4, expires_at = $5
        WHERE ticket_hash = $1 AND started_at IS NULL AND expires_at > $4
        RETURNING 1
        """,
        ticket_hash,
        state_hash,
        cookie_hash,
        clock.now(),
        expires_at,
    )
    return started is not None


async def claim_return(
    connection: Connection, state_hash: bytes, cookie_hash: bytes
) -> Attempt | None:
    """Use up the attempt of this state if it came from its own browser in time; else None."""
    row = await connection.fetchrow(
        """
        UPDATE connect_attempt SET returned_at = $3
        WHERE state_hash = $1 AND cookie_hash = $2 AND returned_at IS NULL AND expires_at > $3
        RETURNING merchant_id, shop_id
        """,
        state_hash,
        cookie_hash,
        clock.now(),
    )
    return None if row is None else Attempt(**row)
