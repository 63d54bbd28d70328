"""Rows of writing calls, and of the shop's products that are not ours. The only writer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import uuid4

from common import clock
from common.postgres.pool import Connection
from feed_publisher.listings.change import Action
from feed_publisher.runs.run import Run

CallState = Literal["intended", "unknown", "following", "stuck", "done", "withdrawn"]
"""intended: about to be made, or made by a process that died; unknown: its answer was lost;
following: a feed job that runs; stuck: a job past its deadline, its id unknown where the answer to
its submission was lost; withdrawn: nothing was done."""


@dataclass(frozen=True)
class Call:
    """A writing call: its intent, and how far it is."""

    call_id: str
    operation: Action
    state: CallState
    marketplace_job_id: str | None
    settle_attempts: int
    intended_at: datetime
    submitted_at: datetime | None


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


async def forget_calls(connection: Connection, runs: Sequence[tuple[str, str]]) -> None:
    """Delete the calls of these (merchant, run) pairs."""
    await connection.execute(
        """
        DELETE FROM remote_call USING unnest($1::text[], $2::text[]) AS r (merchant_id, run_id)
        WHERE remote_call.merchant_id = r.merchant_id AND remote_call.run_id = r.run_id
        """,
        [merchant_id for merchant_id, _ in runs],
        [run_id for _, run_id in runs],
    )


async def list_calls(connection: Connection, run: Run, states: Sequence[CallState]) -> list[Call]:
    """The run's calls in these states, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT call_id, operation, state, marketplace_job_id, looks AS settle_attempts,
            intended_at, submitted_at
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
        SELECT run_id, call_id, operation, state, marketplace_job_id, looks AS settle_attempts,
            intended_at, submitted_at
        FROM remote_call WHERE merchant_id = $1 AND feed_id = $2 AND state = 'stuck'
        ORDER BY intended_at
        """,
        run.merchant_id,
        run.feed_id,
    )
    return [
        (row["run_id"], Call(**{k: v for k, v in row.items() if k != "run_id"})) for row in rows
    ]


async def intend_call(connection: Connection, run: Run, operation: Action) -> str | None:
    """Write down that a call is about to be made; its id.

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
    return call_id


async def move_call(
    connection: Connection,
    merchant_id: str,
    call_id: str,
    state: CallState,
    *,
    marketplace_job_id: str | None = None,
) -> None:
    """Bring a call into another state."""
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
        clock.now(),
    )


async def count_settle_attempt(connection: Connection, merchant_id: str, call_id: str) -> None:
    """One more attempt to learn what became of a call, without a result."""
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
