"""Rows of looks at shops, and what drift reads of listings. The only writer of `shop_look`."""

from collections.abc import Sequence
from datetime import datetime

from common.postgres.pool import Connection
from feed_publisher.drift.edited import Known
from feed_publisher.listings.store import DueShop


async def list_unlooked_shops(
    connection: Connection, job: str, *, now: datetime, before: datetime
) -> list[DueShop]:
    """Shops that may be called, have products of ours, and were not looked at since `before`;
    without those that the job is to pass over."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id FROM shop AS s
        LEFT JOIN shop_look AS l USING (merchant_id, shop_id)
        WHERE s.is_eligible AND s.connection = 'connected'
            AND (s.expires_at IS NULL OR s.expires_at > $1)
            AND (l.looked_at IS NULL OR l.looked_at <= $2)
            AND NOT is_held($3, merchant_id, shop_id, $1)
            AND EXISTS (
                SELECT 1 FROM listing AS p
                WHERE p.merchant_id = s.merchant_id AND p.shop_id = s.shop_id
                    AND p.marketplace_product_id IS NOT NULL
            )
        ORDER BY merchant_id, shop_id
        """,
        now,
        before,
        job,
    )
    return [DueShop(**dict(row)) for row in rows]


async def find_edited_through(connection: Connection, shop: DueShop) -> datetime | None:
    """The time through which edits of the shop were found; None before the first look."""
    through: datetime | None = await connection.fetchval(
        "SELECT edited_through FROM shop_look WHERE merchant_id = $1 AND shop_id = $2",
        shop.merchant_id,
        shop.shop_id,
    )
    return through


async def save_look(
    connection: Connection, shop: DueShop, *, looked_at: datetime, edited_through: datetime
) -> None:
    """Remember when the shop was looked at, and how far its edits were found."""
    await connection.execute(
        """
        INSERT INTO shop_look (merchant_id, shop_id, looked_at, edited_through)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (merchant_id, shop_id) DO UPDATE
            SET looked_at = excluded.looked_at, edited_through = excluded.edited_through
        """,
        shop.merchant_id,
        shop.shop_id,
        looked_at,
        edited_through,
    )


async def load_known(
    connection: Connection, shop: DueShop, product_ids: Sequence[str]
) -> dict[str, Known]:
    """When those of the products that are ours were last written and read, by product id."""
    rows = await connection.fetch(
        """
        SELECT marketplace_product_id, written_at,
            nullif(read_back_at, '-infinity') AS read_at
        FROM listing
        WHERE merchant_id = $1 AND shop_id = $2 AND marketplace_product_id = ANY($3::text[])
        """,
        shop.merchant_id,
        shop.shop_id,
        list(product_ids),
    )
    return {row["marketplace_product_id"]: Known(row["written_at"], row["read_at"]) for row in rows}
