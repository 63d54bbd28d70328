"""Rows of removals that were let through."""

from collections.abc import Sequence
from datetime import datetime

from common.postgres.pool import Connection
from feed_publisher.runs.run import Run


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


async def record_planned(
    connection: Connection, run: Run, *, after: int, limit: int, at: datetime
) -> int | None:
    """Remember the next removals of a plan that are let through unconfirmed, by item number.

    The number of the last one, None when there was none.
    """
    last: int | None = await connection.fetchval(
        """
        WITH planned AS (
            SELECT item_no, family_id, desired_revision FROM run_item
            WHERE merchant_id = $1 AND run_id = $2 AND is_removal AND status = 'pending'
                AND item_no > $5
            ORDER BY item_no LIMIT $6
        ), recorded AS (
            INSERT INTO removal (merchant_id, shop_id, feed_id, family_id, desired_revision,
                removed_at, is_confirmed)
            SELECT DISTINCT $1, $3, $4, family_id, desired_revision, $7::timestamptz, false
            FROM planned
            ON CONFLICT DO NOTHING
        )
        SELECT max(item_no) FROM planned
        """,
        run.merchant_id,
        run.run_id,
        run.shop_id,
        run.feed_id,
        after,
        limit,
        at,
    )
    return last
