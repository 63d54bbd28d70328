"""What was published of deadlines: the rows of `deadline_notice`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from common.postgres.pool import Connection
from order_importer.deadlines.thresholds import FARTHEST, Notice
from order_importer.orders.keys import OrderKey
from order_importer.orders.store import StoredOrder, with_parcels


@dataclass(frozen=True)
class NewNotice:
    """A deadline that was looked at: what is published of it by now, and when to look again."""

    key: OrderKey
    due_at: datetime
    notice: Notice
    next_at: datetime | None


async def list_candidates(
    connection: Connection, job: str, now: datetime, *, limit: int
) -> list[OrderKey]:
    """Waiting orders whose deadline may have to be published: one has come near of which nothing
    was, the next threshold's moment has come, or the deadline has moved. Merchants take turns, each
    with its nearest deadlines first."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id, order_id
        FROM marketplace_order o LEFT JOIN deadline_notice n USING (merchant_id, shop_id, order_id)
        WHERE o.content IS NOT NULL AND o.status = 'waiting_shipment' AND o.due_at <= $1
            AND (n.order_id IS NULL OR n.next_at <= $2 OR n.due_at <> o.due_at)
            AND NOT is_held($4, o.merchant_id, o.shop_id || '/' || o.order_id, $2)
        ORDER BY row_number() OVER (PARTITION BY merchant_id ORDER BY o.due_at, shop_id, order_id),
            o.due_at, merchant_id
        LIMIT $3
        """,
        now + FARTHEST,
        now,
        limit,
        job,
    )
    return [tuple(row) for row in rows]


async def load_notices(
    connection: Connection, keys: Collection[OrderKey]
) -> dict[OrderKey, Notice]:
    """What was last published of the deadlines of these orders, whose rows are locked."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id, order_id, threshold, notified_at FROM deadline_notice
        WHERE (merchant_id, shop_id, order_id) IN (
            SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        )
        """,
        *_columns(keys),
    )
    return {
        (row["merchant_id"], row["shop_id"], row["order_id"]): Notice(
            row["threshold"], row["notified_at"]
        )
        for row in rows
    }


async def save_notices(connection: Connection, notices: Sequence[NewNotice]) -> None:
    """Write these, in key order."""
    notices = sorted(notices, key=lambda one: one.key)
    await connection.execute(
        """
        INSERT INTO deadline_notice
            (merchant_id, shop_id, order_id, due_at, threshold, notified_at, next_at)
        SELECT * FROM unnest(
            $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::timestamptz[],
            $7::timestamptz[]
        )
        ON CONFLICT (merchant_id, shop_id, order_id) DO UPDATE SET due_at = excluded.due_at,
            threshold = excluded.threshold, notified_at = excluded.notified_at,
            next_at = excluded.next_at
        """,
        *_columns([one.key for one in notices]),
        [one.due_at for one in notices],
        [one.notice.threshold for one in notices],
        [one.notice.notified_at for one in notices],
        [one.next_at for one in notices],
    )


async def count_open(
    connection: Connection, edges: Sequence[datetime]
) -> list[tuple[str, int, int]]:
    """Orders not yet shipped by status and deadline: how many lie before how many of the edges
    (rising times), 0 for those beyond all; -1 for those without a deadline."""
    rows = await connection.fetch(
        """
        SELECT status, CASE WHEN due_at IS NULL THEN -1
            ELSE (SELECT count(*) FROM unnest($1::timestamptz[]) AS edge WHERE due_at <= edge)
            END AS passed, count(*) AS orders
        FROM marketplace_order
        WHERE content IS NOT NULL AND status IN ('new', 'waiting_shipment', 'other')
        GROUP BY 1, 2
        """,
        list(edges),
    )
    return [(row["status"], row["passed"], row["orders"]) for row in rows]


async def list_without_marketplace_deadline(
    connection: Connection, merchant_id: str, shop_id: str
) -> list[StoredOrder]:
    """The shop's orders that wait for shipment without a deadline of AliExpress's, locked."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id, order_id, revision, content, ship_before, due_at
        FROM marketplace_order
        WHERE merchant_id = $1 AND shop_id = $2 AND due_at IS NOT NULL AND ship_before IS NULL
            AND content IS NOT NULL
        ORDER BY order_id FOR UPDATE
        """,
        merchant_id,
        shop_id,
    )
    return await with_parcels(connection, rows)


def _columns(keys: Collection[OrderKey]) -> list[list[str]]:
    return [[key[part] for key in keys] for part in range(3)]
