"""What the view of a feed counts. Reads only."""

from common.postgres.pool import Connection


async def count_feed(connection: Connection, merchant_id: str, feed_id: str) -> dict[str, int]:
    """How many of the feed's families are desired, live, rejected, pending, withheld."""
    row = await connection.fetchrow(
        """
        SELECT
            (SELECT count(*) FROM desired_product
                WHERE merchant_id = $1 AND feed_id = $2 AND presence = 'present') AS desired,
            (SELECT count(*) FROM listing WHERE merchant_id = $1 AND feed_id = $2
                AND marketplace_product_id IS NOT NULL) AS live,
            (SELECT count(*) FROM listing WHERE merchant_id = $1 AND feed_id = $2
                AND reported_status = 'rejected') AS rejected,
            (SELECT count(DISTINCT family_id) FROM family_mark
                WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'product') AS pending,
            (SELECT count(DISTINCT i.family_id) FROM run_item AS i
                WHERE i.merchant_id = $1 AND i.status = 'withheld' AND i.run_id IN (
                    SELECT run_id FROM feed_run WHERE merchant_id = $1 AND feed_id = $2
                        AND state IN ('running', 'withheld', 'planned', 'awaiting_confirmation')
                )) AS withheld
        """,
        merchant_id,
        feed_id,
    )
    return dict(row) if row is not None else {}
