"""Rows of listings as they are compared with the shop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.postgres.pool import Connection
from feed_publisher.planning.listing import Listing
from feed_publisher.planning.store import LISTING_COLUMNS, listing_of


@dataclass(frozen=True)
class DueShop:
    """A usable shop that has listings to compare."""

    merchant_id: str
    shop_id: str


async def list_due_shops(
    connection: Connection, *, now: datetime, before: datetime
) -> list[DueShop]:
    """Shops that may be called and have listings not compared since `before`."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id FROM shop AS s
        WHERE is_eligible AND connection = 'connected'
            AND (expires_at IS NULL OR expires_at > $1)
            AND EXISTS (
                SELECT 1 FROM listing AS l
                WHERE l.merchant_id = s.merchant_id AND l.shop_id = s.shop_id
                    AND l.marketplace_product_id IS NOT NULL
                    AND coalesce(l.read_back_at, l.live_since) < $2
            )
        ORDER BY merchant_id, shop_id
        """,
        now,
        before,
    )
    return [DueShop(**dict(row)) for row in rows]


async def list_due(
    connection: Connection, shop: DueShop, *, before: datetime, limit: int
) -> list[Listing]:
    """The shop's listings that wait longest to be compared and have nothing under way."""
    rows = await connection.fetch(
        f"""
        SELECT {LISTING_COLUMNS} FROM listing AS l
        WHERE merchant_id = $1 AND shop_id = $2 AND marketplace_product_id IS NOT NULL
            AND coalesce(read_back_at, live_since) < $3
            AND NOT EXISTS (
                SELECT 1 FROM run_item AS i
                WHERE i.merchant_id = l.merchant_id AND i.feed_id = l.feed_id
                    AND i.family_id = l.family_id AND i.status IN ('sending', 'in_job')
            )
        ORDER BY coalesce(read_back_at, live_since) LIMIT $4
        """,  # noqa: S608 - a constant list of columns
        shop.merchant_id,
        shop.shop_id,
        before,
        limit,
    )
    return [listing_of(row) for row in rows]


async def save_comparison(
    connection: Connection,
    merchant_id: str,
    compared: Sequence[Listing],
    drift: Mapping[tuple[str, str], bytes],
    at: datetime,
) -> None:
    """Keep what was found, by (feed, family); a listing without drift loses an older one."""
    keys = sorted((listing.feed_id, listing.family_id) for listing in compared)
    await connection.execute(
        """
        UPDATE listing AS l SET read_back_at = $5, drift = c.drift
        FROM unnest($2::text[], $3::text[], $4::bytea[]) AS c (feed_id, family_id, drift)
        WHERE l.merchant_id = $1 AND l.feed_id = c.feed_id AND l.family_id = c.family_id
        """,
        merchant_id,
        [feed_id for feed_id, _ in keys],
        [family_id for _, family_id in keys],
        [drift.get(key) for key in keys],
        at,
    )


async def find_owner(
    connection: Connection, merchant_id: str, shop_id: str, product_id: str
) -> tuple[str, str] | None:
    """The feed and family a product of the shop belongs to, if it is ours."""
    row = await connection.fetchrow(
        """
        SELECT feed_id, family_id FROM listing
        WHERE merchant_id = $1 AND shop_id = $2 AND marketplace_product_id = $3
        """,
        merchant_id,
        shop_id,
        product_id,
    )
    return None if row is None else (row["feed_id"], row["family_id"])
