"""Listed rows that could not be read as orders: the rows of `unreadable_order`."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from aliexpress.orders import UnreadableOrder
from common import clock
from common.postgres.pool import Connection


async def save_unreadable(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    rows: Sequence[UnreadableOrder],
) -> None:
    """Store listed rows that are not of an order's form, each once."""
    await connection.executemany(
        """
        INSERT INTO unreadable_order (merchant_id, shop_id, raw_hash, raw, reason, seen_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
        """,
        [
            (
                merchant_id,
                shop_id,
                hashlib.sha256(row.raw.encode()).digest(),
                row.raw,
                row.reason,
                clock.now(),
            )
            for row in rows
        ],
    )


async def list_unreadable(
    connection: Connection, merchant_id: str, shop_id: str, *, limit: int
) -> list[tuple[str, datetime]]:
    """Why rows could not be read as orders, and when they were seen, the newest first."""
    rows = await connection.fetch(
        """
        SELECT reason, seen_at FROM unreadable_order
        WHERE merchant_id = $1 AND shop_id = $2 ORDER BY seen_at DESC LIMIT $3
        """,
        merchant_id,
        shop_id,
        limit,
    )
    return [(row["reason"], row["seen_at"]) for row in rows]


async def erase_unreadable(
    connection: Connection, merchant_id: str, shop_id: str, order_id: str
) -> None:
    """Delete the rows in which this order's number stands."""
    await connection.execute(
        """
        DELETE FROM unreadable_order
        WHERE merchant_id = $1 AND shop_id = $2 AND strpos(raw, $3) > 0
        """,
        merchant_id,
        shop_id,
        order_id,
    )


async def erase_unreadable_before(connection: Connection, seen_before: datetime) -> None:
    """Delete rows of any shop that were seen before this time."""
    await connection.execute("DELETE FROM unreadable_order WHERE seen_at < $1", seen_before)
