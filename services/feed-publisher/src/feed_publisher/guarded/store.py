"""Rows of changes that the guard let through, and of those it holds; what of a plan is new beside
them. The only writer."""

from collections.abc import Sequence
from datetime import datetime

from common import clock
from common.postgres.pool import Connection
from feed_publisher.runs.items.extent import Extent, Guard
from feed_publisher.runs.items.item import GuardedItem
from feed_publisher.runs.run import Run

_PASSED = """
    INSERT INTO guarded_change (merchant_id, shop_id, feed_id, family_id, guard, desired_revision,
        passed_at, is_confirmed, sku_codes, is_whole)
    SELECT $1, $3, $4, i.family_id, k.guard, i.desired_revision, $5::timestamptz, $6::boolean,
        coalesce(array_agg(DISTINCT s.sku) FILTER (
            WHERE k.guard = 'removal' AND s.sku IS NOT NULL), '{}'),
        bool_or(k.guard = 'configuration' OR i.removes_product)
    FROM items AS i
    LEFT JOIN LATERAL unnest(i.removed_skus) AS s (sku) ON true
    JOIN (VALUES ('removal'), ('configuration')) AS k (guard)
        ON k.guard = 'removal' AND i.is_removal OR k.guard = 'configuration' AND i.is_reconfiguring
    GROUP BY i.family_id, k.guard, i.desired_revision
    ON CONFLICT (merchant_id, shop_id, feed_id, family_id, guard, desired_revision) DO UPDATE SET
        passed_at = excluded.passed_at,
        is_confirmed = guarded_change.is_confirmed OR excluded.is_confirmed,
        is_whole = guarded_change.is_whole OR excluded.is_whole,
        sku_codes = ARRAY(
            SELECT DISTINCT unnest(guarded_change.sku_codes || excluded.sku_codes))
"""


async def record_confirmed(
    connection: Connection, run: Run, *, after: int, limit: int
) -> int | None:
    """A person lets go the next of what the run's plan changes, by item number: it is held no
    longer, and counts for nothing. What the catalogue has overtaken stays held.

    The number of the last one, None when there was none. Called while the plan's items still wait.
    """
    last: int | None = await connection.fetchval(
        f"""
        WITH items AS (
            SELECT * FROM run_item
            WHERE merchant_id = $1 AND run_id = $2 AND (is_removal OR is_reconfiguring)
                AND status IN ('withheld', 'pending') AND item_no > $8
            ORDER BY item_no LIMIT $9
        ), released AS (
            DELETE FROM held_change
            WHERE merchant_id = $1 AND feed_id = $4 AND kind = $7 AND family_id = ANY(ARRAY(
                SELECT i.family_id FROM items AS i
                WHERE i.desired_revision = (
                    SELECT d.revision FROM desired_product AS d
                    WHERE d.merchant_id = $1 AND d.feed_id = $4 AND d.family_id = i.family_id)))
        ), recorded AS ({_PASSED})
        SELECT max(item_no) FROM items
        """,  # noqa: S608 - constant text
        run.merchant_id,
        run.run_id,
        run.shop_id,
        run.feed_id,
        clock.now(),
        True,
        run.kind,
        after,
        limit,
    )
    return last


async def record_passed(
    connection: Connection, run: Run, *, after: int, limit: int, at: datetime
) -> int | None:
    """Remember the next changes of a plan that are let through unconfirmed, by item number.

    The number of the last one, None when there was none.
    """
    last: int | None = await connection.fetchval(
        f"""
        WITH items AS (
            SELECT * FROM run_item
            WHERE merchant_id = $1 AND run_id = $2 AND (is_removal OR is_reconfiguring)
                AND status = 'pending' AND item_no > $7
            ORDER BY item_no LIMIT $8
        ), recorded AS ({_PASSED})
        SELECT max(item_no) FROM items
        """,  # noqa: S608 - constant text
        run.merchant_id,
        run.run_id,
        run.shop_id,
        run.feed_id,
        at,
        False,
        after,
        limit,
    )
    return last


async def count_passed(
    connection: Connection, run: Run, guard: Guard, *, since: datetime
) -> Extent:
    """How many products and SKUs of the shop were touched since then without a confirmation."""
    row = await connection.fetchrow(
        """
        SELECT count(DISTINCT (feed_id, family_id)) FILTER (WHERE is_whole) AS products,
            count(DISTINCT (feed_id, family_id, s.sku)) FILTER (WHERE s.sku IS NOT NULL) AS skus
        FROM guarded_change LEFT JOIN LATERAL unnest(sku_codes) AS s (sku) ON true
        WHERE merchant_id = $1 AND shop_id = $2 AND guard = $3 AND passed_at > $4
            AND NOT is_confirmed
        """,
        run.merchant_id,
        run.shop_id,
        guard,
        since,
    )
    return Extent(0, 0) if row is None else Extent(row["products"], row["skus"])


async def hold_withheld(
    connection: Connection, run: Run, guard: Guard, families: Sequence[str], *, at: datetime
) -> None:
    """Hold what the run's plan withholds of these families, however many plans follow."""
    await connection.execute(
        """
        INSERT INTO held_change (merchant_id, feed_id, kind, family_id, guard, desired_revision,
            sku_codes, held_at)
        SELECT $1, $3, $4, i.family_id, $5, max(i.desired_revision),
            coalesce(array_agg(DISTINCT s.sku) FILTER (WHERE s.sku IS NOT NULL), '{}'), $7
        FROM run_item AS i LEFT JOIN LATERAL unnest(i.removed_skus) AS s (sku) ON true
        WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.status = 'withheld'
            AND i.family_id = ANY($6::text[])
        GROUP BY i.family_id
        ON CONFLICT (merchant_id, feed_id, kind, family_id, guard) DO UPDATE SET
            desired_revision = excluded.desired_revision, sku_codes = excluded.sku_codes
        """,
        run.merchant_id,
        run.run_id,
        run.feed_id,
        run.kind,
        guard,
        list(families),
        at,
    )


async def release_gone(
    connection: Connection,
    run: Run,
    families: Sequence[str],
    *,
    removing: Sequence[tuple[str, str]],
    reconfiguring: Sequence[str],
) -> None:
    """Hold no longer what is not wanted any more of these families, which were planned again.

    `removing` are the (family, SKU code) pairs still to be deleted or zeroed, `reconfiguring` the
    families that still get content of another configuration.
    """
    await connection.execute(
        """
        DELETE FROM held_change AS h
        WHERE h.merchant_id = $1 AND h.feed_id = $2 AND h.kind = $3 AND h.family_id = ANY($4)
            AND CASE h.guard
                WHEN 'configuration' THEN h.family_id <> ALL($5::text[])
                ELSE NOT EXISTS (
                    SELECT 1 FROM unnest($6::text[], $7::text[]) AS r (family_id, sku_code)
                    WHERE r.family_id = h.family_id
                        AND (r.sku_code = ANY(h.sku_codes) OR h.sku_codes = '{}'))
            END
        """,
        run.merchant_id,
        run.feed_id,
        run.kind,
        list(families),
        list(reconfiguring),
        [family_id for family_id, _ in removing],
        [code for _, code in removing],
    )


_KNOWN = """
    SELECT 1 FROM guarded_change AS g
    WHERE g.merchant_id = $1 AND g.shop_id = $3 AND g.feed_id = i.feed_id
        AND g.family_id = i.family_id AND g.guard = $4
        AND (g.is_confirmed AND g.desired_revision = i.desired_revision
            OR NOT g.is_confirmed AND g.passed_at > $5)
"""
"""What passed the guard `$4` since `$5`, or was confirmed, of an item's family."""

_IS_NEW = f"""(
    ($4 = 'configuration' AND i.is_reconfiguring OR $4 = 'removal' AND i.removes_product)
        AND NOT EXISTS ({_KNOWN} AND g.is_whole)
    OR $4 = 'removal' AND EXISTS (
        SELECT 1 FROM unnest(i.removed_skus) AS s (sku)
        WHERE NOT EXISTS ({_KNOWN} AND s.sku = ANY(g.sku_codes)))
)"""  # noqa: S608 - constant text
"""Items that take away, or configure otherwise, what was not touched so since `$5`, and that nobody
has confirmed."""

_IS_HELD = """EXISTS (
    SELECT 1 FROM held_change AS h
    WHERE h.merchant_id = $1 AND h.feed_id = i.feed_id AND h.kind = $6
        AND h.family_id = i.family_id AND h.guard = $4
        AND ($4 = 'configuration' AND i.is_reconfiguring
            OR $4 = 'removal' AND (i.removes_product OR i.removed_skus && h.sku_codes))
)"""
"""Items of a change that was held before and that nobody has confirmed."""


async def count_new_changes(
    connection: Connection, run: Run, guard: Guard, *, since: datetime
) -> Extent:
    """How many products and SKUs a plan newly removes, or configures otherwise: they were not
    touched so since then, and nobody has confirmed it."""
    row = await connection.fetchrow(
        f"""
        SELECT count(DISTINCT i.family_id) FILTER (
                WHERE ($4 = 'configuration' AND i.is_reconfiguring
                    OR $4 = 'removal' AND i.removes_product)
                    AND NOT EXISTS ({_KNOWN} AND g.is_whole)) AS products,
            count(DISTINCT (i.family_id, s.sku)) FILTER (
                WHERE $4 = 'removal' AND s.sku IS NOT NULL
                    AND NOT EXISTS ({_KNOWN} AND s.sku = ANY(g.sku_codes))) AS skus
        FROM run_item AS i LEFT JOIN LATERAL unnest(i.removed_skus) AS s (sku) ON true
        WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.status IN ('pending', 'withheld')
            AND (i.is_removal OR i.is_reconfiguring)
        """,  # noqa: S608 - constant text
        run.merchant_id,
        run.run_id,
        run.shop_id,
        guard,
        since,
    )
    return Extent(0, 0) if row is None else Extent(row["products"], row["skus"])


async def list_guarded_changes(
    connection: Connection,
    run: Run,
    guard: Guard,
    *,
    since: datetime,
    only_held: bool,
    after: int,
    limit: int,
) -> list[GuardedItem]:
    """The plan's next changes that the guard looks at, by item number, and whether each is new.

    With `only_held` those alone are new that were held before: they do not go because time has
    passed.
    """
    rows = await connection.fetch(
        f"""
        SELECT i.item_no, i.family_id,
            i.status = 'pending' AND ({_IS_HELD} OR NOT $7 AND {_IS_NEW}) AS is_new
        FROM run_item AS i
        WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.item_no > $8
            AND (i.is_removal OR i.is_reconfiguring)
        ORDER BY i.item_no LIMIT $9
        """,  # noqa: S608 - constant text
        run.merchant_id,
        run.run_id,
        run.shop_id,
        guard,
        since,
        run.kind,
        only_held,
        after,
        limit,
    )
    return [GuardedItem(**dict(row)) for row in rows]
