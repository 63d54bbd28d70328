"""What the view of a feed counts. Reads only."""

from common.postgres.counters import load_counters
from common.postgres.pool import Connection
from common.postgres.unit_of_work import one_snapshot

UNSETTLED = 20_001
"""Of how many families with something unsettled the counts are corrected one by one."""

_UNSETTLED = """
    SELECT family_id FROM held_change WHERE merchant_id = $1 AND feed_id = $2
    UNION ALL
    SELECT family_id FROM family_mark
    WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'product'
    UNION ALL
    SELECT family_id FROM run_item WHERE merchant_id = $1 AND feed_id = $2
        AND status IN ('sending', 'in_job') AND action IN ('create', 'update', 'delete')
    UNION ALL
    SELECT family_id FROM run_item WHERE merchant_id = $1 AND status = 'pending'
        AND run_id = ANY(ARRAY(
            SELECT run_id FROM feed_run WHERE merchant_id = $1 AND feed_id = $2
                AND kind = 'product' AND state = 'running'))
    UNION ALL
    SELECT family_id FROM shortfall
    WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'product'
    UNION ALL
    SELECT family_id FROM listing
    WHERE merchant_id = $1 AND feed_id = $2 AND reported_status = 'rejected'
"""
"""The families of which more is known than whether they are wanted and online."""


async def count_feed(connection: Connection, merchant_id: str, feed_id: str) -> dict[str, int]:
    """How many families are desired, and how many of those are where: each is exactly one of live,
    pending, rejected, withheld. Besides, how many removals wait, and how many of these are held.

    pending: marked for the next product run, in one now, or not online yet; rejected: something of
    it was refused, by AliExpress or by a rule, and nothing newer is pending. Of most families it
    says all whether they are wanted and online, which counters know; the unsettled others are
    looked at, and where they are very many, all are.
    """
    async with one_snapshot(connection):
        return await _count_feed(connection, merchant_id, feed_id)


async def _count_feed(connection: Connection, merchant_id: str, feed_id: str) -> dict[str, int]:
    unsettled = await connection.fetch(
        f"SELECT DISTINCT family_id FROM (SELECT family_id FROM ({_UNSETTLED}) AS u LIMIT $3) AS f",  # noqa: S608 - constant text
        merchant_id,
        feed_id,
        UNSETTLED,
    )
    if len(unsettled) >= UNSETTLED // 2:
        counts = await _count_places(connection, merchant_id, feed_id, None)
        return {name: number for name, number in counts.items() if "/" not in name}
    families = [row["family_id"] for row in unsettled]
    counts = await _count_places(connection, merchant_id, feed_id, families)
    settled = await load_counters(connection, merchant_id, feed_id, "placed")
    live, pending, removals = (
        settled.get(place, 0) - counts.pop(place)
        for place in ("present/online", "present/offline", "absent/online")
    )
    return counts | {
        "desired": counts["desired"] + live + pending,
        "live": counts["live"] + live,
        "pending": counts["pending"] + pending,
        "removals": counts["removals"] + removals,
    }


async def _count_places(
    connection: Connection, merchant_id: str, feed_id: str, families: list[str] | None
) -> dict[str, int]:
    """The counts of these families, or of all, and as what counters have them.

    What is known of them is grouped, not joined: a join of sets this large depends on statistics
    that lag.
    """
    among = "" if families is None else "AND family_id = ANY($3::text[])"
    row = await connection.fetchrow(
        f"""
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
                FROM desired_product WHERE merchant_id = $1 AND feed_id = $2 {among}
                UNION ALL
                SELECT family_id, NULL, NULL, desired_revision, false, false, false
                FROM held_change WHERE merchant_id = $1 AND feed_id = $2 {among}
                UNION ALL
                SELECT family_id, NULL, NULL, NULL, true, false, false
                FROM family_mark WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'product'
                    {among}
                UNION ALL
                SELECT family_id, NULL, NULL, NULL, true, false, false
                FROM run_item WHERE merchant_id = $1 AND feed_id = $2
                    AND status IN ('sending', 'in_job')
                    AND action IN ('create', 'update', 'delete') {among}
                UNION ALL
                SELECT family_id, NULL, NULL, NULL, true, false, false
                FROM run_item WHERE merchant_id = $1 AND status = 'pending' AND run_id = ANY(ARRAY(
                    SELECT run_id FROM feed_run
                    WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'product'
                        AND state = 'running')) {among}
                UNION ALL
                SELECT family_id, NULL, NULL, NULL, false, true, false
                FROM shortfall WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'product'
                    {among}
                UNION ALL
                SELECT family_id, NULL, NULL, NULL, false, reported_status = 'rejected',
                    marketplace_product_id IS NOT NULL
                FROM listing WHERE merchant_id = $1 AND feed_id = $2 {among}
            ) AS fact GROUP BY family_id HAVING max(presence) IS NOT NULL
        )
        SELECT count(*) FILTER (WHERE presence = 'present') AS desired,
            count(*) FILTER (WHERE presence = 'present' AND place = 'live') AS live,
            count(*) FILTER (WHERE presence = 'present' AND place = 'rejected') AS rejected,
            count(*) FILTER (WHERE presence = 'present' AND place = 'pending') AS pending,
            count(*) FILTER (WHERE presence = 'present' AND place = 'withheld') AS withheld,
            count(*) FILTER (WHERE presence = 'absent' AND is_online) AS removals,
            count(*) FILTER (WHERE presence = 'absent' AND is_online AND place = 'withheld')
                AS removals_withheld,
            count(*) FILTER (WHERE presence = 'present' AND is_online) AS "present/online",
            count(*) FILTER (WHERE presence = 'present' AND is_online IS NOT TRUE)
                AS "present/offline",
            count(*) FILTER (WHERE presence = 'absent' AND is_online) AS "absent/online"
        FROM placed
        """,  # noqa: S608 - constant text
        merchant_id,
        feed_id,
        *([] if families is None else [families]),
    )
    return dict(row) if row is not None else {}
