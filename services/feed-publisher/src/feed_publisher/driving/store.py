"""What the view of a feed counts. Reads only."""

from common.postgres.counters import load_counters
from common.postgres.pool import Connection
from common.postgres.unit_of_work import one_snapshot

UNSETTLED = 20_000
"""How many notes on families the counts are corrected by; where there are more, all is counted."""

_NOTES = """
    SELECT family_id, desired_revision AS held, false AS is_busy, false AS is_refused
    FROM held_change WHERE merchant_id = $1 AND feed_id = $2
    UNION ALL
    SELECT family_id, NULL, true, false
    FROM family_mark WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'product'
    UNION ALL
    SELECT family_id, NULL, true, false
    FROM run_item WHERE merchant_id = $1 AND feed_id = $2
        AND status IN ('sending', 'in_job') AND action IN ('create', 'update', 'delete')
    UNION ALL
    SELECT family_id, NULL, true, false
    FROM run_item WHERE merchant_id = $1 AND status = 'pending' AND run_id = ANY(ARRAY(
        SELECT run_id FROM feed_run
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'product' AND state = 'running'))
    UNION ALL
    SELECT family_id, NULL, false, true
    FROM shortfall WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'product'
    UNION ALL
    SELECT family_id, NULL, false, true
    FROM listing WHERE merchant_id = $1 AND feed_id = $2 AND reported_status = 'rejected'
"""
"""What is known of families beside whether they are wanted and online."""
_PLACE = """
    CASE WHEN held = desired THEN 'withheld' WHEN is_busy THEN 'pending'
        WHEN is_refused THEN 'rejected' WHEN is_online THEN 'live' ELSE 'pending' END AS place
"""
_COUNTS = """
    count(*) FILTER (WHERE presence = 'present') AS desired,
    count(*) FILTER (WHERE presence = 'present' AND place = 'live') AS live,
    count(*) FILTER (WHERE presence = 'present' AND place = 'rejected') AS rejected,
    count(*) FILTER (WHERE presence = 'present' AND place = 'pending') AS pending,
    count(*) FILTER (WHERE presence = 'present' AND place = 'withheld') AS withheld,
    count(*) FILTER (WHERE presence = 'absent' AND is_online) AS removals,
    count(*) FILTER (WHERE presence = 'absent' AND is_online AND place = 'withheld')
        AS removals_withheld,
    count(*) FILTER (WHERE is_online) AS online
"""


async def count_feed(connection: Connection, merchant_id: str, feed_id: str) -> dict[str, int]:
    """How many families are desired, and how many of those are where: each is exactly one of live,
    pending, rejected, withheld. Besides, how many removals wait, how many of these are held, and
    how many families are online at AliExpress now, whatever waits for them.

    pending: marked for the next product run, in one now, or not online yet; rejected: something of
    it was refused, by AliExpress or by a rule, and nothing newer is pending. Of most families it
    says all whether they are wanted and online, which counters know; the unsettled others are
    looked at, and where they are very many, all are.
    """
    async with one_snapshot(connection):
        return await _count_feed(connection, merchant_id, feed_id)


async def _count_feed(connection: Connection, merchant_id: str, feed_id: str) -> dict[str, int]:
    row = await connection.fetchrow(
        f"""
        WITH note AS MATERIALIZED (SELECT * FROM ({_NOTES}) AS note LIMIT $3 + 1),
        noted AS MATERIALIZED (
            SELECT family_id, max(held) AS held, bool_or(is_busy) AS is_busy,
                bool_or(is_refused) AS is_refused
            FROM note WHERE (SELECT count(*) FROM note) <= $3 GROUP BY family_id
        ), family AS (
            SELECT presence, revision AS desired, held, is_busy, is_refused,
                marketplace_product_id IS NOT NULL AS is_online
            FROM noted CROSS JOIN LATERAL (
                SELECT presence, revision FROM desired_product AS d
                WHERE merchant_id = $1 AND feed_id = $2 AND d.family_id = noted.family_id LIMIT 1
            ) AS d LEFT JOIN LATERAL (
                SELECT marketplace_product_id FROM listing AS l
                WHERE merchant_id = $1 AND feed_id = $2 AND l.family_id = noted.family_id LIMIT 1
            ) AS l ON true
        ), placed AS (SELECT presence, is_online, {_PLACE} FROM family)
        SELECT {_COUNTS},
            count(*) FILTER (WHERE presence = 'present' AND is_online) AS "present/online",
            count(*) FILTER (WHERE presence = 'present' AND NOT is_online) AS "present/offline",
            count(*) FILTER (WHERE presence = 'absent' AND is_online) AS "absent/online",
            (SELECT count(*) FROM note) AS notes
        FROM placed
        """,  # noqa: S608 - constant text
        merchant_id,
        feed_id,
        UNSETTLED,
    )
    assert row is not None  # noqa: S101 - an aggregate always gives a row
    counts = dict(row)
    if counts.pop("notes") > UNSETTLED:
        return await _count_all(connection, merchant_id, feed_id)
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
        "online": counts["online"] + live + removals,
    }


async def _count_all(connection: Connection, merchant_id: str, feed_id: str) -> dict[str, int]:
    """The counts, family by family. What is known of them is grouped, not joined: a join of sets
    this large depends on statistics that lag."""
    row = await connection.fetchrow(
        f"""
        WITH family AS (
            SELECT max(presence) AS presence, max(desired) AS desired, max(held) AS held,
                bool_or(is_busy) AS is_busy, bool_or(is_refused) AS is_refused,
                bool_or(is_online) AS is_online
            FROM (
                SELECT family_id, presence, revision AS desired, NULL::bigint AS held,
                    false AS is_busy, false AS is_refused, false AS is_online
                FROM desired_product WHERE merchant_id = $1 AND feed_id = $2
                UNION ALL
                SELECT family_id, NULL, NULL, held, is_busy, is_refused, false
                FROM ({_NOTES}) AS note
                UNION ALL
                SELECT family_id, NULL, NULL, NULL, false, false,
                    marketplace_product_id IS NOT NULL
                FROM listing WHERE merchant_id = $1 AND feed_id = $2
            ) AS fact GROUP BY family_id HAVING max(presence) IS NOT NULL
        ), placed AS (SELECT presence, is_online, {_PLACE} FROM family)
        SELECT {_COUNTS} FROM placed
        """,  # noqa: S608 - constant text
        merchant_id,
        feed_id,
    )
    return dict(row) if row is not None else {}
