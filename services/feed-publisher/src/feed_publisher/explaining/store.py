"""What is known of one SKU of a feed, for saying why it is as it is. Reads only."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from common.postgres.pool import Connection
from common.postgres.unit_of_work import one_snapshot
from feed_publisher.desired.states import Kind
from feed_publisher.desired.store import count_wanted
from feed_publisher.drift.differences import Difference
from feed_publisher.listings.change import Action, Change
from feed_publisher.planning.find_shortfall import SIDES_OF
from feed_publisher.sending.store import CallState

_change = msgspec.json.Decoder(Change)
_drift = msgspec.json.Decoder(list[Difference])

_ITEM = """
    SELECT i.run_id, r.kind, i.item_no, i.action, i.status, i.desired_revision, i.sku_codes,
        i.marketplace_product_id, i.code, i.message, i.attempts, i.decided_at, i.change,
        c.call_id, c.operation, c.state AS call_state, c.marketplace_job_id, c.intended_at,
        c.submitted_at, c.ended_at
    FROM feed_run AS r
    JOIN run_item AS i ON (i.merchant_id, i.run_id) = (r.merchant_id, r.run_id)
    LEFT JOIN remote_call AS c ON (c.merchant_id, c.call_id) = (i.merchant_id, i.call_id)
    WHERE r.merchant_id = $1 AND r.feed_id = $2 AND i.family_id = $3 AND $4 = ANY(i.sku_codes)
"""


@dataclass(frozen=True)
class SkuItem:
    """An item of a run that concerns the SKU, and the call that sent it, if one did."""

    run_id: str
    kind: str
    item_no: int
    action: Action
    status: str
    desired_revision: int
    sku_codes: list[str]
    marketplace_product_id: str | None
    code: str | None
    message: str | None
    attempts: int
    decided_at: datetime | None
    change: Change
    call_id: str | None
    operation: str | None
    call_state: CallState | None
    marketplace_job_id: str | None
    intended_at: datetime | None
    submitted_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class LastRead:
    """When the product was last compared with the shop, what differed then, and when AliExpress
    last accepted a change of ours."""

    read_at: datetime | None
    written_at: datetime | None
    differences: list[Difference]


@dataclass(frozen=True)
class Unmarked:
    """Wanted products that a run would not look at: those that cannot be sent yet, those refused
    before, and the others."""

    waiting: int
    refused: int
    unchanged: int


@dataclass(frozen=True)
class Claim:
    """Who holds the SKU code in the shop, and since when."""

    feed_id: str
    family_id: str
    claimed_at: datetime


async def find_claim(
    connection: Connection, merchant_id: str, shop_id: str, sku_code: str
) -> Claim | None:
    """The holder of the code, if anybody holds it."""
    row = await connection.fetchrow(
        """
        SELECT feed_id, family_id, claimed_at FROM sku_claim
        WHERE merchant_id = $1 AND shop_id = $2 AND sku_code = $3
        """,
        merchant_id,
        shop_id,
        sku_code,
    )
    return None if row is None else Claim(**dict(row))


async def list_codes_beside(
    connection: Connection, merchant_id: str, shop_id: str, sku_code: str, *, limit: int
) -> list[str]:
    """Codes of the shop that sort next to this one: half of `limit` on either side."""
    rows = await connection.fetch(
        """
        (SELECT sku_code FROM sku_claim WHERE merchant_id = $1 AND shop_id = $2 AND sku_code >= $3
            ORDER BY sku_code LIMIT $4)
        UNION ALL
        (SELECT sku_code FROM sku_claim WHERE merchant_id = $1 AND shop_id = $2 AND sku_code < $3
            ORDER BY sku_code DESC LIMIT $4)
        """,
        merchant_id,
        shop_id,
        sku_code,
        limit // 2,
    )
    return [row["sku_code"] for row in rows]


async def find_open_item(
    connection: Connection, merchant_id: str, feed_id: str, family_id: str, sku_code: str
) -> SkuItem | None:
    """The item of a run that is still to be sent, is under way or is withheld; the newest."""
    row = await connection.fetchrow(
        _ITEM
        + """
            AND i.status IN ('pending', 'sending', 'in_job', 'withheld')
            AND r.state NOT IN ('planned', 'superseded')
        ORDER BY r.asked_at DESC, i.item_no DESC LIMIT 1
        """,
        merchant_id,
        feed_id,
        family_id,
        sku_code,
    )
    return None if row is None else _item_of(dict(row))


async def find_last_outcome(
    connection: Connection, merchant_id: str, feed_id: str, family_id: str, sku_code: str
) -> SkuItem | None:
    """The newest item that was decided, by AliExpress or before it was sent."""
    row = await connection.fetchrow(
        _ITEM
        + """
            AND i.decided_at IS NOT NULL AND i.status <> 'superseded'
        ORDER BY r.asked_at DESC, i.decided_at DESC, i.item_no DESC LIMIT 1
        """,
        merchant_id,
        feed_id,
        family_id,
        sku_code,
    )
    return None if row is None else _item_of(dict(row))


async def find_accepted_change(
    connection: Connection, merchant_id: str, feed_id: str, family_id: str, content_hash: str
) -> Change | None:
    """What brought the accepted content there; None where no run of the feed did."""
    change = await connection.fetchval(
        """
        SELECT i.change FROM feed_run AS r
        JOIN run_item AS i ON (i.merchant_id, i.run_id) = (r.merchant_id, r.run_id)
        WHERE r.merchant_id = $1 AND r.feed_id = $2 AND i.family_id = $3
            AND i.action IN ('create', 'update') AND i.status = 'accepted'
            AND convert_from(i.change, 'UTF8')::json ->> 'content_hash' = $4
        ORDER BY r.asked_at DESC LIMIT 1
        """,
        merchant_id,
        feed_id,
        family_id,
        content_hash,
    )
    return None if change is None else _change.decode(change)


async def count_unmarked(
    connection: Connection, merchant_id: str, feed_id: str, kind: Kind
) -> Unmarked:
    """The wanted products that a run of the kind would not look at, counted. How many are wanted is
    kept by counters; only what is noted of families is looked through."""
    async with one_snapshot(connection):
        wanted = await count_wanted(connection, merchant_id, feed_id)
        row = await connection.fetchrow(
            """
            WITH missing AS MATERIALIZED (
                SELECT family_id FROM shortfall
                WHERE merchant_id = $1 AND feed_id = $2 AND kind = $3
            ), refused AS MATERIALIZED (
                SELECT family_id FROM listing
                WHERE merchant_id = $1 AND feed_id = $2 AND reported_status = 'rejected'
                    AND convert_from(document, 'UTF8')::jsonb -> 'refused' ?| $4::text[]
                    AND family_id NOT IN (SELECT family_id FROM missing)
            ), noted AS (
                SELECT family_id, 'waiting' AS note FROM missing
                UNION ALL SELECT family_id, 'refused' FROM refused
                UNION ALL SELECT DISTINCT family_id, 'marked' FROM family_mark
                    WHERE merchant_id = $1 AND feed_id = $2 AND kind = $3
            )
            SELECT count(*) FILTER (WHERE note = 'marked') AS marked,
                count(*) FILTER (WHERE note = 'waiting' AND NOT is_marked) AS waiting,
                count(*) FILTER (WHERE note = 'refused' AND NOT is_marked) AS refused
            FROM noted CROSS JOIN LATERAL (
                SELECT EXISTS (
                    SELECT FROM family_mark AS m WHERE m.merchant_id = $1 AND m.feed_id = $2
                        AND m.kind = $3 AND m.family_id = noted.family_id) AS is_marked
                FROM desired_product AS d WHERE d.merchant_id = $1 AND d.feed_id = $2
                    AND d.family_id = noted.family_id AND d.presence = 'present' LIMIT 1
            ) AS d
            """,
            merchant_id,
            feed_id,
            kind,
            SIDES_OF[kind],
        )
    assert row is not None  # noqa: S101 - an aggregate always gives a row
    unchanged = wanted - row["marked"] - row["waiting"] - row["refused"]
    return Unmarked(row["waiting"], row["refused"], unchanged)


async def find_last_read(
    connection: Connection, merchant_id: str, feed_id: str, family_id: str
) -> LastRead:
    """What the last comparison with the shop found."""
    row = await connection.fetchrow(
        """
        SELECT nullif(read_back_at, '-infinity') AS read_at, written_at, drift FROM listing
        WHERE merchant_id = $1 AND feed_id = $2 AND family_id = $3
        """,
        merchant_id,
        feed_id,
        family_id,
    )
    if row is None:
        return LastRead(None, None, [])
    return LastRead(
        row["read_at"], row["written_at"], _drift.decode(row["drift"]) if row["drift"] else []
    )


def _item_of(columns: dict[str, object]) -> SkuItem:
    change = _change.decode(columns.pop("change"))  # type: ignore[arg-type]  # a column of bytes
    return SkuItem(change=change, **columns)  # type: ignore[arg-type]  # by the columns' names
