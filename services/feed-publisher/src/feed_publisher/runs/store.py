"""Rows of runs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import uuid4

import asyncpg

from common import clock
from common.errors import NotFound
from common.postgres.pool import Connection
from feed_publisher.desired.store import Kind, lock_feed

State = Literal[
    "queued",
    "planning",
    "planned",
    "awaiting_confirmation",
    "running",
    "completed",
    "completed_with_errors",
    "withheld",
    "failed",
    "superseded",
]
"""planned: a dry run that can be read and confirmed; withheld: ended but for guarded removals;
superseded: its plan was replaced by a newer one before it was confirmed."""

ENDED: tuple[State, ...] = ("completed", "completed_with_errors", "withheld", "failed")
CONFIRMABLE: tuple[State, ...] = ("planned", "awaiting_confirmation", "withheld")
"""A plan that waits for a person."""


@dataclass(frozen=True)
class Run:
    """One run of a feed.

    `cause` says who asked: schedule, request, confirmation (of another run), sku-released, or
    overtaken (items of the run before it were superseded).
    """

    merchant_id: str
    run_id: str
    feed_id: str
    shop_id: str
    kind: Kind
    cause: str
    is_dry_run: bool
    state: State
    plan_hash: str | None
    trouble: str | None
    failures: int
    asked_at: datetime
    planned_at: datetime | None
    confirmed_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def lease_name(self) -> str:
        """What its driver holds."""
        return f"run:{self.merchant_id}/{self.run_id}"


_COLUMNS = """merchant_id, run_id, feed_id, shop_id, kind, cause, is_dry_run, state, plan_hash,
    trouble, failures, asked_at, planned_at, confirmed_at, started_at, finished_at"""


def _run(row: asyncpg.Record) -> Run:
    return Run(**dict(row))


async def ask_for_run(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    kind: Kind,
    *,
    cause: str,
    is_dry_run: bool = False,
) -> str | None:
    """Queue a run; one that is queued already serves both. None without such a feed."""
    run_id: str | None = await connection.fetchval(
        """
        WITH asked AS (
            INSERT INTO feed_run (merchant_id, run_id, feed_id, shop_id, kind, cause, is_dry_run,
                state, asked_at)
            SELECT merchant_id, $3, feed_id, shop_id, $4, $5, $6, 'queued', $7
            FROM feed WHERE merchant_id = $1 AND feed_id = $2
            ON CONFLICT (merchant_id, feed_id, kind) WHERE state = 'queued' AND NOT is_dry_run
                DO NOTHING
            RETURNING run_id
        )
        SELECT run_id FROM asked
        UNION ALL
        SELECT run_id FROM feed_run
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = $4 AND state = 'queued'
            AND NOT is_dry_run AND NOT $6
        LIMIT 1
        """,
        merchant_id,
        feed_id,
        uuid4().hex,
        kind,
        cause,
        is_dry_run,
        clock.now(),
    )
    return run_id


async def list_runnable(connection: Connection, *, limit: int) -> list[Run]:
    """Runs that can go on, the longest waiting first.

    Runs of a shop that is not eligible or not connected wait (M1.1, M1.3); so does a queued one
    while its feed has another of its kind in work. A dry run makes no call and waits for nobody.
    """
    rows = await connection.fetch(
        f"""
        SELECT {", ".join("r." + name.strip() for name in _COLUMNS.split(","))}
        FROM feed_run AS r LEFT JOIN shop AS s USING (merchant_id, shop_id)
        WHERE r.state IN ('queued', 'planning', 'running')
            AND (r.is_dry_run OR (s.is_eligible AND s.connection = 'connected'
                AND (s.expires_at IS NULL OR s.expires_at > $1)))
            AND (r.state <> 'queued' OR r.is_dry_run OR NOT EXISTS (
                SELECT 1 FROM feed_run AS other
                WHERE other.merchant_id = r.merchant_id AND other.feed_id = r.feed_id
                    AND other.kind = r.kind AND other.state IN ('planning', 'running')
                    AND NOT other.is_dry_run
            ))
        ORDER BY r.asked_at LIMIT $2
        """,  # noqa: S608 - a constant list of columns
        clock.now(),
        limit,
    )
    return [_run(row) for row in rows]


async def load_run(
    connection: Connection, merchant_id: str, run_id: str, *, locked: bool = False
) -> Run:
    """The run. Raises `NotFound`."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM feed_run WHERE merchant_id = $1 AND run_id = $2"  # noqa: S608 - a constant list of columns
        + (" FOR UPDATE" if locked else ""),
        merchant_id,
        run_id,
    )
    if row is None:
        raise NotFound("run")
    return _run(row)


async def list_runs(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Run]:
    """The feed's runs, the newest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM feed_run
        WHERE merchant_id = $1 AND feed_id = $2
            AND ($3::timestamptz IS NULL OR (asked_at, run_id) < ($3, $4))
        ORDER BY asked_at DESC, run_id DESC LIMIT $5
        """,  # noqa: S608 - a constant list of columns
        merchant_id,
        feed_id,
        before[0] if before else None,
        before[1] if before else "",
        limit,
    )
    return [_run(row) for row in rows]


async def begin_planning(connection: Connection, run: Run) -> bool:
    """Move a queued run on; False while another of its kind is in work."""
    await lock_feed(connection, run.merchant_id, run.feed_id)
    moved = await connection.fetchval(
        """
        UPDATE feed_run AS r SET state = 'planning', started_at = $3
        WHERE merchant_id = $1 AND run_id = $2 AND state = 'queued'
            AND (is_dry_run OR NOT EXISTS (
                SELECT 1 FROM feed_run AS other
                WHERE other.merchant_id = r.merchant_id AND other.feed_id = r.feed_id
                    AND other.kind = r.kind AND other.state IN ('planning', 'running')
                    AND NOT other.is_dry_run
            ))
        RETURNING 1
        """,
        run.merchant_id,
        run.run_id,
        clock.now(),
    )
    return moved is not None


async def seal_plan(connection: Connection, run: Run, *, plan_hash: str, state: State) -> None:
    """The plan is complete and will be applied exactly so.

    Once it can be read or runs, it supersedes the feed's other plans of its kind that wait.
    """
    if state != "planning":
        await _supersede_waiting(connection, run)
    await connection.execute(
        """
        UPDATE feed_run SET state = $3, plan_hash = $4, planned_at = $5,
            finished_at = CASE WHEN $3 = 'planned' THEN $5::timestamptz END, trouble = NULL
        WHERE merchant_id = $1 AND run_id = $2
        """,
        run.merchant_id,
        run.run_id,
        state,
        plan_hash,
        clock.now(),
    )


async def _supersede_waiting(connection: Connection, run: Run) -> None:
    await connection.execute(
        """
        UPDATE feed_run SET state = 'superseded', finished_at = coalesce(finished_at, $6)
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = $3 AND run_id <> $4
            AND state = ANY($5::text[])
        """,
        run.merchant_id,
        run.feed_id,
        run.kind,
        run.run_id,
        CONFIRMABLE,
        clock.now(),
    )


async def find_newer_plan(connection: Connection, run: Run) -> Run | None:
    """The newest plan of the run's feed and kind, None when that is the run's own."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM feed_run
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = $3
            AND planned_at > $4 AND state NOT IN ('queued', 'planning')
        ORDER BY planned_at DESC LIMIT 1
        """,  # noqa: S608 - a constant list of columns
        run.merchant_id,
        run.feed_id,
        run.kind,
        run.planned_at,
    )
    return None if row is None else _run(row)


async def begin_confirmed(connection: Connection, run: Run) -> None:
    """Let a confirmed plan run."""
    await connection.execute(
        """
        UPDATE feed_run SET state = 'running', is_dry_run = false, confirmed_at = $3,
            finished_at = NULL
        WHERE merchant_id = $1 AND run_id = $2
        """,
        run.merchant_id,
        run.run_id,
        clock.now(),
    )


async def has_active_run(
    connection: Connection, merchant_id: str, feed_id: str, kind: Kind
) -> bool:
    """Whether a run of that kind is in work."""
    found = await connection.fetchval(
        """
        SELECT 1 FROM feed_run
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = $3 AND NOT is_dry_run
            AND state IN ('planning', 'running') LIMIT 1
        """,
        merchant_id,
        feed_id,
        kind,
    )
    return found is not None


async def end_run(connection: Connection, run: Run, state: State) -> None:
    """The run is over."""
    await connection.execute(
        """
        UPDATE feed_run SET state = $3, finished_at = $4
        WHERE merchant_id = $1 AND run_id = $2
        """,
        run.merchant_id,
        run.run_id,
        state,
        clock.now(),
    )


async def note_trouble(
    connection: Connection, run: Run, trouble: str | None, *, is_failure: bool = False
) -> int:
    """Remember what holds the run up, for people; how often it failed so far is returned."""
    failures: int = await connection.fetchval(
        """
        UPDATE feed_run SET trouble = $3, failures = failures + $4
        WHERE merchant_id = $1 AND run_id = $2 RETURNING failures
        """,
        run.merchant_id,
        run.run_id,
        trouble,
        int(is_failure),
    )
    return failures
