"""What the view of a feed counts. Reads only."""

from common.postgres.pool import Connection


async def count_feed(connection: Connection, merchant_id: str, feed_id: str) -> dict[str, int]:
    """How many families are desired, and how many of those are where: each is exactly one of live,
    pending, rejected, withheld. Besides, how many removals wait, and how many of these are held.

    pending: marked for the next product run, in one now, or not online yet; rejected: something of
    it was refused, by AliExpress or by a rule, and nothing newer is pending. What is known of the
    families is grouped, not joined: a join of sets this large depends on statistics that lag.
    """
    row = await connection.fetchrow(
        """
        WITH placed AS (
            SELECT max(presence) AS presence, bool_or(is_online) AS is_online, CASE
                WHEN max(held) = max(desired) THEN 'withheld'
                WHEN bool_or(is_busy) THEN 'pending'
                WHEN bool_or(is_refused) THEN 'rejected'
                WHEN bool_or(is_online) THEN 'live'
                ELSE 'pending' END AS place
            FROM (
                SELECT family_id, presence, revision AS desired, NULL::bigint AS held,
                    false AS is_busy, false AS is_refused, false AS is_online
                FROM desired_product WHERE merchant_id = $1 AND feed_id = $2
                UNION ALL
                SELECT family_id, NULL, NULL, desired_revision, false, false, false
                FROM held_change WHERE merchant_id = $1 AND feed_id = $2
                UNION ALL
                SELECT family_id, NULL, NULL, NULL, true, false, false
                FROM family_mark WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'product'
                UNION ALL
                SELECT family_id, NULL, NULL, NULL, true, false, false
                FROM run_item WHERE merchant_id = $1 AND feed_id = $2
                    AND status IN ('sending', 'in_job')
                    AND action IN ('create', 'update', 'delete')
                UNION ALL
                SELECT family_id, NULL, NULL, NULL, true, false, false
                FROM run_item WHERE merchant_id = $1 AND status = 'pending' AND run_id = ANY(ARRAY(
                    SELECT run_id FROM feed_run
                    WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'product'
                        AND state = 'running'))
                UNION ALL
                SELECT family_id, NULL, NULL, NULL, false, true, false
                FROM shortfall WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'product'
                UNION ALL
                SELECT family_id, NULL, NULL, NULL, false, reported_status = 'rejected',
                    marketplace_product_id IS NOT NULL
                FROM listing WHERE merchant_id = $1 AND feed_id = $2
            ) AS fact GROUP BY family_id HAVING max(presence) IS NOT NULL
        )
        SELECT count(*) FILTER (WHERE presence = 'present') AS desired,
            count(*) FILTER (WHERE presence = 'present' AND place = 'live') AS live,
            count(*) FILTER (WHERE presence = 'present' AND place = 'rejected') AS rejected,
            count(*) FILTER (WHERE presence = 'present' AND place = 'pending') AS pending,
            count(*) FILTER (WHERE presence = 'present' AND place = 'withheld') AS withheld,
            count(*) FILTER (WHERE presence = 'absent' AND is_online) AS removals,
            count(*) FILTER (WHERE presence = 'absent' AND is_online AND place = 'withheld')
                AS removals_withheld
        FROM placed
        """,
        merchant_id,
        feed_id,
    )
    return dict(row) if row is not None else {}
