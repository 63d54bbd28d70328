"""Rows of items and calls while a plan is applied."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import uuid4

import asyncpg
import msgspec

from common import clock
from common.postgres.pool import Connection
from feed_publisher.listings.change import Action, Change
from feed_publisher.listings.outcomes import Sent
from feed_publisher.runs.store import Run

CallState = Literal["intended", "unknown", "following", "stuck", "done", "withdrawn"]
"""intended: about to be made, or made by a process that died; unknown: its answer was lost;
following: a feed job that runs; stuck: a job past its deadline; withdrawn: nothing was done."""

_encoder = msgspec.json.Encoder()
_change = msgspec.json.Decoder(Change)
_sent = msgspec.json.Decoder(Sent)


@dataclass(frozen=True)
class RunItem:
    """An item of a plan as it is sent."""

    item_no: int
    family_id: str
    action: Action
    desired_revision: int
    marketplace_product_id: str | None
    sku_codes: list[str]
    change: Change
    sent: Sent
    attempts: int
    traceparent: str | None


@dataclass(frozen=True)
class Call:
    """A writing call: its intent, and how far it is."""

    call_id: str
    operation: Action
    state: CallState
    marketplace_job_id: str | None
    looks: int
    intended_at: datetime
    submitted_at: datetime | None


_ITEM_COLUMNS = """i.item_no, i.family_id, i.action, i.desired_revision, i.marketplace_product_id,
    i.sku_codes, i.change, i.sent, i.attempts, i.traceparent"""


def _item(row: asyncpg.Record) -> RunItem:
    told = dict(row)
    sent = told.pop("sent")
    return RunItem(
        change=_change.decode(told.pop("change")),
        sent=_sent.decode(sent) if sent is not None else Sent(),
        **told,
    )


async def orphan_intents(connection: Connection, run: Run) -> None:
    """Calls whose process died between intent and outcome: nobody knows what they did."""
    await connection.execute(
        """
        UPDATE remote_call SET state = 'unknown'
        WHERE merchant_id = $1 AND run_id = $2 AND state = 'intended'
        """,
        run.merchant_id,
        run.run_id,
    )


async def list_calls(connection: Connection, run: Run, states: Sequence[CallState]) -> list[Call]:
    """The run's calls in these states, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT call_id, operation, state, marketplace_job_id, looks, intended_at, submitted_at
        FROM remote_call WHERE merchant_id = $1 AND run_id = $2 AND state = ANY($3::text[])
        ORDER BY intended_at
        """,
        run.merchant_id,
        run.run_id,
        list(states),
    )
    return [Call(**dict(row)) for row in rows]


async def list_stuck(connection: Connection, run: Run) -> list[tuple[str, Call]]:
    """Stuck jobs of the feed's earlier runs: (run id, call)."""
    rows = await connection.fetch(
        """
        SELECT run_id, call_id, operation, state, marketplace_job_id, looks, intended_at,
            submitted_at
        FROM remote_call WHERE merchant_id = $1 AND feed_id = $2 AND state = 'stuck'
        ORDER BY intended_at
        """,
        run.merchant_id,
        run.feed_id,
    )
    return [
        (row["run_id"], Call(**{k: v for k, v in row.items() if k != "run_id"})) for row in rows
    ]


async def list_sendable(
    connection: Connection, run: Run, action: Action, *, limit: int
) -> list[RunItem]:
    """Pending items of an action in their order; products being audited wait."""
    rows = await connection.fetch(
        f"""
        SELECT {_ITEM_COLUMNS} FROM run_item AS i
        LEFT JOIN listing AS l USING (merchant_id, feed_id, family_id)
        WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.status = 'pending' AND i.action = $3
            AND (i.action IN ('create', 'delete') OR l.status IS DISTINCT FROM 'auditing')
        ORDER BY i.item_no LIMIT $4
        """,  # noqa: S608 - a constant list of columns
        run.merchant_id,
        run.run_id,
        action,
        limit,
    )
    return [_item(row) for row in rows]


async def list_planned(
    connection: Connection, run: Run, action: Action, *, after: int, limit: int
) -> list[RunItem]:
    """Pending items of an action by number, whatever they wait for."""
    rows = await connection.fetch(
        f"""
        SELECT {_ITEM_COLUMNS} FROM run_item AS i
        WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.status = 'pending' AND i.action = $3
            AND i.item_no > $4
        ORDER BY i.item_no LIMIT $5
        """,  # noqa: S608 - a constant list of columns
        run.merchant_id,
        run.run_id,
        action,
        after,
        limit,
    )
    return [_item(row) for row in rows]


async def list_call_items(connection: Connection, merchant_id: str, call_id: str) -> list[RunItem]:
    """The items of a call that are not decided yet."""
    rows = await connection.fetch(
        f"""
        SELECT {_ITEM_COLUMNS} FROM run_item AS i
        WHERE i.merchant_id = $1 AND i.call_id = $2 AND i.status IN ('sending', 'in_job')
        ORDER BY i.item_no
        """,  # noqa: S608 - a constant list of columns
        merchant_id,
        call_id,
    )
    return [_item(row) for row in rows]


async def count_open(connection: Connection, run: Run) -> tuple[int, int]:
    """How many items are pending, and how many are under way."""
    row = await connection.fetchrow(
        """
        SELECT count(*) FILTER (WHERE status = 'pending') AS pending,
            count(*) FILTER (WHERE status IN ('sending', 'in_job')) AS under_way
        FROM run_item WHERE merchant_id = $1 AND run_id = $2
        """,
        run.merchant_id,
        run.run_id,
    )
    return (0, 0) if row is None else (row["pending"], row["under_way"])


async def intend_call(
    connection: Connection,
    run: Run,
    operation: Action,
    items: Sequence[RunItem],
    sent: Mapping[int, Sent],
) -> str | None:
    """Write down that these items are about to be sent; the call's id.

    None while the shop has another job of that type in flight.
    """
    call_id: str | None = await connection.fetchval(
        """
        INSERT INTO remote_call (merchant_id, call_id, run_id, feed_id, shop_id, operation, state,
            intended_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'intended', $7)
        ON CONFLICT (merchant_id, shop_id, operation)
            WHERE operation IN ('create', 'update')
                AND state IN ('intended', 'unknown', 'following')
            DO NOTHING
        RETURNING call_id
        """,
        run.merchant_id,
        uuid4().hex,
        run.run_id,
        run.feed_id,
        run.shop_id,
        operation,
        clock.now(),
    )
    if call_id is None:
        return None
    await connection.execute(
        """
        UPDATE run_item AS i SET status = 'sending', call_id = $3, attempts = attempts + 1,
            sent = coalesce(s.sent, i.sent)
        FROM unnest($4::integer[], $5::bytea[]) AS s (item_no, sent)
        WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.item_no = s.item_no
        """,
        run.merchant_id,
        run.run_id,
        call_id,
        [item.item_no for item in items],
        [_encoder.encode(sent[i.item_no]) if i.item_no in sent else None for i in items],
    )
    return call_id


async def move_call(
    connection: Connection,
    merchant_id: str,
    call_id: str,
    state: CallState,
    *,
    marketplace_job_id: str | None = None,
) -> None:
    """Bring a call into another state; a job's items are in the job from then on."""
    now = clock.now()
    await connection.execute(
        """
        UPDATE remote_call SET state = $3,
            marketplace_job_id = coalesce($4, marketplace_job_id),
            submitted_at = CASE WHEN $3 = 'following' THEN $5::timestamptz ELSE submitted_at END,
            ended_at = CASE WHEN $3 IN ('done', 'withdrawn') THEN $5::timestamptz END
        WHERE merchant_id = $1 AND call_id = $2
        """,
        merchant_id,
        call_id,
        state,
        marketplace_job_id,
        now,
    )
    if state == "following":
        await connection.execute(
            """
            UPDATE run_item SET status = 'in_job'
            WHERE merchant_id = $1 AND call_id = $2 AND status = 'sending'
            """,
            merchant_id,
            call_id,
        )


async def count_look(connection: Connection, merchant_id: str, call_id: str) -> None:
    """One more fruitless look for what became of a call."""
    await connection.execute(
        "UPDATE remote_call SET looks = looks + 1 WHERE merchant_id = $1 AND call_id = $2",
        merchant_id,
        call_id,
    )


async def list_known_jobs(
    connection: Connection, merchant_id: str, job_ids: Sequence[str]
) -> set[str]:
    """Which of these jobs belong to calls of ours already."""
    rows = await connection.fetch(
        """
        SELECT marketplace_job_id FROM remote_call
        WHERE merchant_id = $1 AND marketplace_job_id = ANY($2::text[])
        """,
        merchant_id,
        list(job_ids),
    )
    return {row["marketplace_job_id"] for row in rows}


@dataclass(frozen=True)
class Decision:
    """What an item's row says from now on."""

    item_no: int
    status: Literal["accepted", "rejected", "superseded", "pending", "deferred"]
    code: str | None = None
    message: str | None = None
    marketplace_product_id: str | None = None
    refunds: int = 0
    """Attempts that do not count, because nothing was done."""


async def decide_items(
    connection: Connection, run_id: str, merchant_id: str, decisions: Sequence[Decision]
) -> None:
    """Write decisions; an item back to pending leaves its call."""
    await connection.execute(
        """
        UPDATE run_item AS i SET status = d.status, code = d.code, message = d.message,
            marketplace_product_id = coalesce(d.product_id, i.marketplace_product_id),
            decided_at = CASE WHEN d.status = 'pending' THEN NULL ELSE $8::timestamptz END,
            call_id = CASE WHEN d.status = 'pending' THEN NULL ELSE i.call_id END,
            attempts = i.attempts - d.refunds
        FROM unnest($3::integer[], $4::text[], $5::text[], $6::text[], $7::text[], $9::integer[])
            AS d (item_no, status, code, message, product_id, refunds)
        WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.item_no = d.item_no
        """,
        merchant_id,
        run_id,
        [d.item_no for d in decisions],
        [d.status for d in decisions],
        [d.code for d in decisions],
        [d.message for d in decisions],
        [d.marketplace_product_id for d in decisions],
        clock.now(),
        [d.refunds for d in decisions],
    )


async def defer_pending(connection: Connection, run: Run) -> list[str]:
    """Leave the items that are still pending to the next run; their families."""
    rows = await connection.fetch(
        """
        UPDATE run_item SET status = 'deferred', decided_at = $3
        WHERE merchant_id = $1 AND run_id = $2 AND status = 'pending'
        RETURNING family_id
        """,
        run.merchant_id,
        run.run_id,
        clock.now(),
    )
    return sorted({row["family_id"] for row in rows})


async def has_audited(connection: Connection, run: Run) -> bool:
    """Whether pending items wait for audits."""
    found = await connection.fetchval(
        """
        SELECT 1 FROM run_item AS i JOIN listing AS l USING (merchant_id, feed_id, family_id)
        WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.status = 'pending'
            AND i.action NOT IN ('create', 'delete') AND l.status = 'auditing' LIMIT 1
        """,
        run.merchant_id,
        run.run_id,
    )
    return found is not None


async def load_foreign(
    connection: Connection, merchant_id: str, shop_id: str
) -> dict[str, tuple[datetime | None, list[str]]]:
    """What was last read of products that are not ours: when changed, SKU codes."""
    rows = await connection.fetch(
        """
        SELECT marketplace_product_id, modified_at, sku_codes FROM shop_product
        WHERE merchant_id = $1 AND shop_id = $2
        """,
        merchant_id,
        shop_id,
    )
    return {r["marketplace_product_id"]: (r["modified_at"], r["sku_codes"]) for r in rows}


async def save_foreign(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    read: Mapping[str, tuple[datetime | None, list[str]]],
    *,
    present: Collection[str],
) -> None:
    """Keep what was read; forget products that are no longer `present`."""
    await connection.execute(
        """
        DELETE FROM shop_product
        WHERE merchant_id = $1 AND shop_id = $2 AND marketplace_product_id <> ALL($3::text[])
        """,
        merchant_id,
        shop_id,
        list(present),
    )
    await connection.executemany(
        """
        INSERT INTO shop_product (merchant_id, shop_id, marketplace_product_id, modified_at,
            sku_codes)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (merchant_id, shop_id, marketplace_product_id) DO UPDATE
            SET modified_at = excluded.modified_at, sku_codes = excluded.sku_codes
        """,
        [(merchant_id, shop_id, key, *value) for key, value in sorted(read.items())],
    )
