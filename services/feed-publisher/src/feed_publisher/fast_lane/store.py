"""Which feeds have something in the fast lane, and what of it may go now. Reads only."""

from collections.abc import Sequence

from common import clock
from common.postgres.pool import Connection
from common.postgres.set_aside import RowKey
from feed_publisher.desired.marks import ZEROING, Marks
from feed_publisher.runs.run import Run

WAITING_COUNTED_TO = 20_000
"""More marks are not looked through for how many products are to lose stock."""

_MAY_GO = """
    f.lifecycle = 'active' AND f.confirmed_at IS NOT NULL
    AND coalesce(f.uses_fast_lane, $1)
    AND shop.is_eligible AND shop.connection = 'connected'
    AND (shop.expires_at IS NULL OR shop.expires_at > $2)
    AND EXISTS (
        SELECT FROM schedule AS s
        WHERE s.kind = 'offer-feed' AND s.merchant_id = f.merchant_id AND s.subject = f.feed_id
            AND NOT s.is_paused)
    AND NOT EXISTS (
        SELECT FROM feed_run AS r
        WHERE r.merchant_id = f.merchant_id AND r.feed_id = f.feed_id AND r.kind = 'offer'
            AND r.state IN ('queued', 'planning', 'running') AND NOT r.is_dry_run)
"""
"""An active, confirmed feed `f` that is not paused and uses the fast lane (by default: `$1`), whose
shop may be called now (`$2`), while no offer run waits or is in progress."""

_WITH_MARKS = """
    WITH RECURSIVE marked AS (
        (SELECT merchant_id, feed_id FROM family_mark WHERE lane IS NOT NULL
            ORDER BY merchant_id, feed_id LIMIT 1)
        UNION ALL
        SELECT next.merchant_id, next.feed_id FROM marked CROSS JOIN LATERAL (
            SELECT merchant_id, feed_id FROM family_mark AS m
            WHERE lane IS NOT NULL
                AND (m.merchant_id, m.feed_id) > (marked.merchant_id, marked.feed_id)
            ORDER BY merchant_id, feed_id LIMIT 1
        ) AS next
    )
"""
"""The feeds with marks in the fast lane: one look at its index for each, however many marks."""


async def list_due_feeds(
    connection: Connection, job: str, *, is_default: bool, limit: int
) -> list[RowKey]:
    """Feeds of which a fast-lane run may begin now, whoever waits longest first."""
    rows = await connection.fetch(
        f"""
        {_WITH_MARKS}
        SELECT f.merchant_id, f.feed_id
        FROM marked JOIN feed AS f USING (merchant_id, feed_id)
        JOIN shop ON (shop.merchant_id, shop.shop_id) = (f.merchant_id, f.shop_id)
        WHERE f.fast_lane_due_at <= $3 AND {_MAY_GO}
            AND NOT is_held($4, f.merchant_id, f.feed_id, $2)
        ORDER BY f.fast_lane_due_at LIMIT $5
        """,  # noqa: S608 - constant text
        is_default,
        clock.now(),
        clock.wall_now(),
        job,
        limit,
    )
    return [RowKey(*row) for row in rows]


async def may_begin(
    connection: Connection, merchant_id: str, feed_id: str, *, is_default: bool
) -> bool:
    """Whether a fast-lane run of the feed may begin, as things are now."""
    found = await connection.fetchval(
        f"""
        SELECT 1 FROM feed AS f
        JOIN shop ON (shop.merchant_id, shop.shop_id) = (f.merchant_id, f.shop_id)
        WHERE f.merchant_id = $3 AND f.feed_id = $4 AND {_MAY_GO}
        """,  # noqa: S608 - constant text
        is_default,
        clock.now(),
        merchant_id,
        feed_id,
    )
    return found is not None


async def list_lane_marks(
    connection: Connection, merchant_id: str, feed_id: str, *, limit: int
) -> dict[str, Marks]:
    """The next families in the fast lane, each with its marks for offer runs: what may fall to zero
    first, then the oldest.

    Marks by which something is unsure are not among them. They wait for the ordinary run, and till
    then the merchant's systems may send the stock that an order has left.
    """
    rows = await connection.fetch(
        """
        WITH next AS MATERIALIZED (
            SELECT family_id, min(lane) AS place, min(id) AS first FROM (
                SELECT family_id, lane, id FROM family_mark
                WHERE merchant_id = $1 AND feed_id = $2 AND lane IS NOT NULL
                ORDER BY lane, id LIMIT $3
            ) AS mark GROUP BY family_id
        )
        SELECT m.family_id, array_agg(m.id) AS ids
        FROM next JOIN family_mark AS m
            ON m.merchant_id = $1 AND m.feed_id = $2 AND m.kind = 'offer'
                AND m.family_id = next.family_id
        WHERE m.unsure_stock = '{}' AND m.unsure_prices = '{}' AND NOT m.is_content_unsure
        GROUP BY m.family_id, next.place, next.first ORDER BY next.place, next.first
        """,
        merchant_id,
        feed_id,
        limit,
    )
    return {row["family_id"]: Marks(row["ids"]) for row in rows}


async def list_blocked(connection: Connection, run: Run, families: Sequence[str]) -> set[str]:
    """Those of the families that the guard holds, or whose content is being sent, with the offers
    the shop had before: once that has its outcome, they are in the fast lane again."""
    rows = await connection.fetch(
        """
        SELECT family_id FROM held_change
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'offer' AND family_id = ANY($3::text[])
        UNION ALL
        SELECT family_id FROM run_item
        WHERE merchant_id = $1 AND feed_id = $2 AND family_id = ANY($3::text[])
            AND status IN ('sending', 'in_job') AND action IN ('create', 'update', 'delete')
        """,
        run.merchant_id,
        run.feed_id,
        list(families),
    )
    return {row["family_id"] for row in rows}


async def count_waiting_zeroings(connection: Connection, run: Run, besides: Sequence[str]) -> int:
    """How many products of the feed may fall to zero besides these families, as far as they are in
    the fast lane, or held by the guard."""
    counted: int = await connection.fetchval(
        """
        SELECT (
            SELECT count(DISTINCT family_id) FROM (
                SELECT family_id FROM family_mark
                WHERE merchant_id = $1 AND feed_id = $2 AND lane = $4 LIMIT $5
            ) AS marked WHERE family_id <> ALL($3::text[])
        ) + (
            SELECT count(*) FROM (
                SELECT FROM held_change
                WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'offer' AND guard = 'removal'
                LIMIT $5
            ) AS held
        )
        """,
        run.merchant_id,
        run.feed_id,
        list(besides),
        ZEROING,
        WAITING_COUNTED_TO,
    )
    return counted


async def leaves_zeroings(connection: Connection, merchant_id: str, feed_id: str) -> bool:
    """Whether zeroings of the feed wait for its next ordinary run."""
    left: bool = await connection.fetchval(
        "SELECT leaves_zeroings FROM feed WHERE merchant_id = $1 AND feed_id = $2",
        merchant_id,
        feed_id,
    )
    return left
