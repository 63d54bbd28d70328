"""Rows a plan is made of: marks, listings, items, removals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from common.postgres.pool import Connection
from feed_publisher.desired.store import Kind
from feed_publisher.planning.guards import FamilyKey
from feed_publisher.planning.plan import Planned

_encoder = msgspec.json.Encoder()


async def list_marked(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    kind: Kind,
    *,
    after: str,
    limit: int,
) -> dict[str, list[int]]:
    """Marked families in key order, each with the ids of its marks."""
    rows = await connection.fetch(
        """
        SELECT family_id, array_agg(id) AS mark_ids FROM family_mark
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = $3 AND family_id > $4
        GROUP BY family_id ORDER BY family_id LIMIT $5
        """,
        merchant_id,
        feed_id,
        kind,
        after,
        limit,
    )
    return {row["family_id"]: row["mark_ids"] for row in rows}


async def forget_marks(connection: Connection, mark_ids: Sequence[int]) -> None:
    """Delete the marks that were read before the data was: any other speaks of newer data."""
    await connection.execute("DELETE FROM family_mark WHERE id = ANY($1)", list(mark_ids))


async def list_busy(
    connection: Connection, merchant_id: str, feed_id: str, kind: Kind, family_ids: Sequence[str]
) -> set[str]:
    """Families of which an item of this kind is still under way: their marks wait."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT family_id FROM run_item
        WHERE merchant_id = $1 AND feed_id = $2 AND family_id = ANY($3::text[])
            AND status IN ('sending', 'in_job')
            AND (action IN ('price', 'stock')) = ($4 = 'offer')
        """,
        merchant_id,
        feed_id,
        list(family_ids),
        kind,
    )
    return {row["family_id"] for row in rows}


@dataclass(frozen=True)
class NewItem:
    """A planned item as it is stored."""

    item_no: int
    planned: Planned
    status: str
    code: str | None
    message: str | None
    traceparent: str | None
    decided_at: datetime | None


async def add_items(
    connection: Connection,
    merchant_id: str,
    run_id: str,
    feed_id: str,
    items: Iterable[NewItem],
) -> None:
    """Store a plan's items."""
    await connection.copy_records_to_table(
        "run_item",
        columns=[
            "merchant_id", "run_id", "item_no", "feed_id", "family_id", "action", "status",
            "is_removal", "desired_revision", "marketplace_product_id", "sku_codes", "change",
            "code", "message", "traceparent", "decided_at",
        ],
        records=[
            (
                merchant_id, run_id, item.item_no, feed_id, item.planned.family_id,
                item.planned.action, item.status, item.planned.is_removal,
                item.planned.desired_revision, item.planned.marketplace_product_id,
                list(item.planned.sku_codes), _encoder.encode(item.planned.change),
                item.code, item.message, item.traceparent, item.decided_at,
            )
            for item in items
        ],
    )  # fmt: skip


async def forget_items(connection: Connection, merchant_id: str, run_id: str) -> None:
    """Drop a plan that was not finished."""
    await connection.execute(
        "DELETE FROM run_item WHERE merchant_id = $1 AND run_id = $2", merchant_id, run_id
    )


async def withhold_items(
    connection: Connection,
    merchant_id: str,
    run_id: str,
    family_ids: Sequence[str],
    *,
    code: str,
    message: str,
) -> None:
    """Hold the removals of these families back until someone confirms them."""
    await connection.execute(
        """
        UPDATE run_item SET status = 'withheld', code = $4, message = $5
        WHERE merchant_id = $1 AND run_id = $2 AND is_removal AND status = 'pending'
            AND family_id = ANY($3::text[])
        """,
        merchant_id,
        run_id,
        list(family_ids),
        code,
        message,
    )


async def list_removals(
    connection: Connection, merchant_id: str, shop_id: str, since: datetime
) -> set[FamilyKey]:
    """The families deleted or zeroed since then without a confirmation."""
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
