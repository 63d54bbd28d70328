"""Shops whose next expiry step is due, and what was told of it."""

from datetime import datetime

from common.postgres.pool import Connection


async def claim_due(connection: Connection, now: datetime, *, limit: int) -> list[tuple[str, str]]:
    """Keys (merchant, shop) of connected shops with a step due, in key order, rows locked."""
    rows = await connection.fetch(
        """
        WITH due AS (
            SELECT merchant_id, shop_id FROM shop
            WHERE next_step_at <= $1 AND connection = 'connected'
            ORDER BY next_step_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        SELECT merchant_id, shop_id FROM due ORDER BY merchant_id, shop_id
        """,
        now,
        limit,
    )
    return [(row["merchant_id"], row["shop_id"]) for row in rows]


async def mark_step(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    *,
    step: str | None,
    next_at: datetime | None,
) -> None:
    """Keep the last step told of the locked shop and when the next is due."""
    await connection.execute(
        """
        UPDATE shop SET announced_step = $3, next_step_at = $4
        WHERE merchant_id = $1 AND shop_id = $2
        """,
        merchant_id,
        shop_id,
        step,
        next_at,
    )
