"""What the view of a feed counts. Reads only."""

from common.postgres.pool import Connection


async def count_feed(connection: Connection, merchant_id: str, feed_id: str) -> dict[str, int]:
    """How many families are desired, and how many of those are where: each is exactly one of live,
    pending, rejected, withheld. Besides, how many removals wait, and how many of these are held.

    pending: marked for the next product run, in one now, or not online yet; rejected: something of
    it was refused, by AliExpress or by a rule, and nothing newer is pending.
    """
    row = await connection.fetchrow(
        """
        WITH busy AS (
            SELECT family_id FROM family_mark
            WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'product'
            UNION
            SELECT family_id FROM run_item WHERE merchant_id = $1 AND feed_id = $2
                AND status IN ('sending', 'in_job') AND action IN ('create', 'update', 'delete')
            UNION
            SELECT i.family_id FROM run_item AS i JOIN feed_run AS r USING (merchant_id, run_id)
            WHERE r.merchant_id = $1 AND r.feed_id = $2 AND r.kind = 'product'
                AND r.state = 'running' AND i.status = 'pending'
        ), held AS (
            SELECT DISTINCT h.family_id FROM held_change AS h
            JOIN desired_product AS d USING (merchant_id, feed_id, family_id)
            WHERE merchant_id = $1 AND feed_id = $2 AND h.desired_revision = d.revision
        ), placed AS (
            SELECT presence, CASE
                WHEN family_id IN (SELECT family_id FROM held) THEN 'withheld'
                WHEN family_id IN (SELECT family_id FROM busy) THEN 'pending'
                WHEN l.reported_status = 'rejected' OR EXISTS (
                    SELECT 1 FROM shortfall AS s
                    WHERE s.merchant_id = $1 AND s.feed_id = $2 AND s.kind = 'product'
                        AND s.family_id = d.family_id) THEN 'rejected'
                WHEN l.marketplace_product_id IS NOT NULL THEN 'live'
                ELSE 'pending' END AS place,
                l.marketplace_product_id IS NOT NULL AS is_online
            FROM desired_product AS d LEFT JOIN listing AS l
                USING (merchant_id, feed_id, family_id)
            WHERE merchant_id = $1 AND feed_id = $2
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
