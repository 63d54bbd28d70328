"""Rows of removals that were let through."""

from collections.abc import Sequence
from datetime import datetime

from common.postgres.pool import Connection


async def list_removals(
    connection: Connection, merchant_id: str, shop_id: str, since: datetime
) -> set[tuple[str, str]]:
    """The (feed, family) pairs deleted or zeroed since then without a confirmation."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT feed_id, family_id FROM removal
        WHERE merchant_id = $1 AND shop_id = $2 AND removed_at > $3 AND NOT is_confirmed
        """,
        merchant_id,
        shop_id,
        since,
    )
    return {(row["feed_id"], row["family_id"]) for row in rows}


async def list_confirmed(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    feed_id: str,
    removals: Sequence[tuple[str, int]],
) -> set[str]:
    """Those of these (family, desired revision) removals that someone has confirmed."""
    rows = await connection.fetch(
        """
        SELECT r.family_id FROM removal r
        JOIN unnest($4::text[], $5::bigint[]) AS p (family_id, desired_revision)
            ON p.family_id = r.family_id AND p.desired_revision = r.desired_revision
        WHERE r.merchant_id = $1 AND r.shop_id = $2 AND r.feed_id = $3 AND r.is_confirmed
        """,
        merchant_id,
        shop_id,
        feed_id,
        [family_id for family_id, _ in removals],
        [revision for _, revision in removals],
    )
    return {row["family_id"] for row in rows}


async def record_removals(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    feed_id: str,
    removals: Sequence[tuple[str, int]],
    *,
    at: datetime,
    is_confirmed: bool,
) -> None:
    """Remember removals that were let through, for the guard's window."""
    if removals:
        await connection.execute(
            """
            INSERT INTO removal (merchant_id, shop_id, feed_id, family_id, desired_revision,
                removed_at, is_confirmed)
            SELECT $1, $2, $3, family_id, desired_revision, $6, $7
            FROM unnest($4::text[], $5::bigint[]) AS p (family_id, desired_revision)
            ON CONFLICT (merchant_id, shop_id, feed_id, family_id, desired_revision) DO UPDATE
                SET is_confirmed = removal.is_confirmed OR excluded.is_confirmed
            """,
            merchant_id,
            shop_id,
            feed_id,
            [family_id for family_id, _ in removals],
            [revision for _, revision in removals],
            at,
            is_confirmed,
        )
