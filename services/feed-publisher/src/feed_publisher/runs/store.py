"""Rows of runs."""

from datetime import datetime, timedelta
from functools import cache
from uuid import uuid4

import asyncpg
import sqlalchemy as sa

from common import clock
from common.errors import NotFound
from common.postgres import core
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work
from feed_publisher import tables
from feed_publisher.desired.feeds.store import lock_feed
from feed_publisher.desired.states import Kind
from feed_publisher.desired.tables import shop
from feed_publisher.runs.run import CONFIRMABLE, FAST_LANE, Run, State
from feed_publisher.tables import word, words

RUNNING = WorkKind()
"""Runs that can go on."""

_run = tables.feed_run
_shop = shop


def _of_row(row: asyncpg.Record) -> Run:
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
    """Queue a run; one of its kind that is queued already serves both, a dry run another dry run.
    None without such a feed."""
    run_id: str | None = await connection.fetchval(
        """
        WITH asked AS (
            INSERT INTO feed_run (merchant_id, run_id, feed_id, shop_id, kind, cause, is_dry_run,
                state, asked_at, next_turn_at)
            SELECT merchant_id, $3, feed_id, shop_id, $4, $5, $6, 'queued', $7, $8
            FROM feed WHERE merchant_id = $1 AND feed_id = $2
            ON CONFLICT (merchant_id, feed_id, kind, is_dry_run) WHERE state = 'queued' DO NOTHING
            RETURNING run_id
        )
        SELECT run_id FROM asked
        UNION ALL
        SELECT run_id FROM feed_run
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = $4 AND state = 'queued'
            AND is_dry_run = $6
        LIMIT 1
        """,
        merchant_id,
        feed_id,
        uuid4().hex,
        kind,
        cause,
        is_dry_run,
        clock.now(),
        clock.wall_now(),
    )
    made_work(connection, RUNNING)
    return run_id


async def begin_fast_lane_run(
    connection: Connection, run: Run, *, items: int, plan_hash: str
) -> None:
    """Store a run whose plan is made, to be driven like any other. It supersedes no plan."""
    await connection.execute(
        """
        INSERT INTO feed_run (merchant_id, run_id, feed_id, shop_id, kind, cause, is_dry_run, state,
            asked_at, planned_at, started_at, planned_items, plan_hash, next_turn_at)
        VALUES ($1, $2, $3, $4, $5, $6, false, $7, $8, $8, $8, $9, $10, $11)
        """,
        run.merchant_id,
        run.run_id,
        run.feed_id,
        run.shop_id,
        run.kind,
        run.cause,
        run.state,
        run.asked_at,
        items,
        plan_hash,
        clock.wall_now(),
    )
    made_work(connection, RUNNING)


async def forget_fast_lane_runs(
    connection: Connection, *, ended_before: datetime, limit: int
) -> list[tuple[str, str]]:
    """Delete the oldest fast-lane runs that ended before then; their (merchant, run) pairs."""
    rows = await connection.fetch(
        """
        DELETE FROM feed_run WHERE (merchant_id, run_id) IN (
            SELECT merchant_id, run_id FROM feed_run
            WHERE cause = 'fast_lane' AND finished_at < $1
            ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING merchant_id, run_id
        """,
        ended_before,
        limit,
    )
    return [(row["merchant_id"], row["run_id"]) for row in rows]


async def find_queued(
    connection: Connection, merchant_id: str, feed_id: str, kind: Kind, *, is_dry_run: bool
) -> str | None:
    """The run of the kind that waits to begin, if any."""
    run_id: str | None = await connection.fetchval(
        """
        SELECT run_id FROM feed_run
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = $3 AND state = 'queued'
            AND is_dry_run = $4
        """,
        merchant_id,
        feed_id,
        kind,
        is_dry_run,
    )
    return run_id


async def count_queued(connection: Connection, merchant_id: str) -> int:
    """How many runs of the merchant wait to begin."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM feed_run WHERE merchant_id = $1 AND state = 'queued'", merchant_id
    )
    return count


async def list_runnable(connection: Connection, job: str, *, limit: int) -> list[Run]:
    """Runs whose turn has come, a merchant's first before any other's second; among those, the one
    that waits longest for its turn first.

    Runs of a shop that is not eligible or not connected wait (M1.1, M1.3); so does a queued one
    while its feed has another of its kind in progress, and one that the job is to pass over. A dry
    run makes no call and does not wait.
    """
    rows = await core.fetch(
        connection,
        _select_runnable(),
        job=job,
        now=clock.now(),
        wall_now=clock.wall_now(),
        at_most=limit,
    )
    return [_of_row(row) for row in rows]


@cache
def _select_runnable() -> sa.Select[tuple[object, ...]]:
    """Built once: every job that drives runs asks this at each of its turns, twice a second."""
    now = sa.bindparam("now", type_=sa.DateTime(timezone=True))
    place = (
        sa.func.row_number()
        .over(partition_by=_run.c.merchant_id, order_by=(_run.c.next_turn_at, _run.c.asked_at))
        .label("place")
    )
    waiting = (
        sa.select(_run, place)
        .outerjoin(
            _shop,
            sa.and_(_shop.c.merchant_id == _run.c.merchant_id, _shop.c.shop_id == _run.c.shop_id),
        )
        .where(
            _run.c.state.in_(words("queued", "planning", "running")),
            _run.c.next_turn_at <= sa.bindparam("wall_now"),
            ~sa.func.is_held(
                sa.bindparam("job", type_=sa.String), _run.c.merchant_id, _run.c.run_id, now
            ),
            sa.or_(_run.c.is_dry_run, _may_be_called(now)),
            sa.or_(_run.c.state != word("queued"), _run.c.is_dry_run, ~_has_other_in_progress()),
        )
        .subquery()
    )
    return (
        sa.select(*(waiting.c[column.name] for column in _run.c))
        .order_by(waiting.c.place, waiting.c.next_turn_at, waiting.c.asked_at)
        .limit(sa.bindparam("at_most", type_=sa.Integer))
    )


def _may_be_called(now: sa.ColumnElement[datetime]) -> sa.ColumnElement[bool]:
    return sa.and_(
        _shop.c.is_eligible,
        _shop.c.connection == word("connected"),
        sa.or_(_shop.c.expires_at.is_(None), _shop.c.expires_at > now),
    )


def _has_other_in_progress() -> sa.Exists:
    other = _run.alias("other")
    return sa.exists().where(
        other.c.merchant_id == _run.c.merchant_id,
        other.c.feed_id == _run.c.feed_id,
        other.c.kind == _run.c.kind,
        other.c.state.in_(words("planning", "running")),
        ~other.c.is_dry_run,
    )


async def load_run(
    connection: Connection, merchant_id: str, run_id: str, *, locked: bool = False
) -> Run:
    """The run. Raises `NotFound`."""
    query = sa.select(_run).where(_run.c.merchant_id == merchant_id, _run.c.run_id == run_id)
    row = await core.fetch_one(connection, query.with_for_update() if locked else query)
    if row is None:
        raise NotFound("run")
    return _of_row(row)


async def list_runs(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
    with_fast_lane: bool = False,
) -> list[Run]:
    """The feed's runs, the newest first; those of the fast lane only where they are asked for."""
    query = sa.select(_run).where(_run.c.merchant_id == merchant_id, _run.c.feed_id == feed_id)
    if not with_fast_lane:
        query = query.where(_run.c.cause != word(FAST_LANE))
    if before is not None:
        place = (_run.c.asked_at, _run.c.run_id)
        last = (sa.literal(value, column.type) for value, column in zip(before, place, strict=True))
        query = query.where(sa.tuple_(*place) < sa.tuple_(*last))
    query = query.order_by(_run.c.asked_at.desc(), _run.c.run_id.desc()).limit(limit)
    return [_of_row(row) for row in await core.fetch(connection, query)]


async def begin_planning(connection: Connection, run: Run) -> bool:
    """Move a queued run on; False while another of its kind is in progress."""
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


async def end_turn(connection: Connection, run: Run, *, waits: timedelta) -> None:
    """The run has had its turn; the next one comes after this wait, and after others waiting."""
    await connection.execute(
        "UPDATE feed_run SET next_turn_at = $3 WHERE merchant_id = $1 AND run_id = $2",
        run.merchant_id,
        run.run_id,
        clock.wall_now() + waits,
    )
    made_work(connection, RUNNING, due_after=waits)


async def advance_plan(
    connection: Connection, run: Run, *, through: str, items: int, digest: str
) -> None:
    """The plan is made as far as this family, with so many items of this hash."""
    await connection.execute(
        """
        UPDATE feed_run SET planned_through = $3, planned_items = $4, planned_digest = $5
        WHERE merchant_id = $1 AND run_id = $2
        """,
        run.merchant_id,
        run.run_id,
        through,
        items,
        digest,
    )


async def save_unplanned(connection: Connection, run: Run, *, missing: int, unchanged: int) -> None:
    """How many products are wanted and not in the run's plan, and how many need nothing."""
    await connection.execute(
        """
        UPDATE feed_run SET missing = $3, unchanged = $4 WHERE merchant_id = $1 AND run_id = $2
        """,
        run.merchant_id,
        run.run_id,
        missing,
        unchanged,
    )


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
    """The newest plan of the run's feed and kind, None when that is the run's own. A plan of the
    fast lane replaces none."""
    if run.planned_at is None:
        return None
    query = (
        sa.select(_run)
        .where(
            _run.c.merchant_id == run.merchant_id,
            _run.c.feed_id == run.feed_id,
            _run.c.kind == run.kind,
            _run.c.planned_at > run.planned_at,
            _run.c.state.not_in(words("queued", "planning")),
            _run.c.cause != word(FAST_LANE),
        )
        .order_by(_run.c.planned_at.desc())
        .limit(1)
    )
    row = await core.fetch_one(connection, query)
    return None if row is None else _of_row(row)


async def begin_confirmed(connection: Connection, run: Run) -> None:
    """Let a confirmed plan run."""
    await connection.execute(
        """
        UPDATE feed_run SET state = 'running', is_dry_run = false, confirmed_at = $3,
            finished_at = NULL, next_turn_at = '-infinity'
        WHERE merchant_id = $1 AND run_id = $2
        """,
        run.merchant_id,
        run.run_id,
        clock.now(),
    )
    made_work(connection, RUNNING)


async def find_active_cause(
    connection: Connection, merchant_id: str, feed_id: str, kind: Kind
) -> str | None:
    """The cause of the run of that kind that is in progress, if any is."""
    cause: str | None = await connection.fetchval(
        """
        SELECT cause FROM feed_run
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = $3 AND NOT is_dry_run
            AND state IN ('planning', 'running') LIMIT 1
        """,
        merchant_id,
        feed_id,
        kind,
    )
    return cause


async def end_run(
    connection: Connection, run: Run, state: State, *, accepted: int = 0, refused: int = 0
) -> None:
    """The run is over, with so many items accepted and refused. Who waits for it may begin."""
    await connection.execute(
        """
        UPDATE feed_run SET state = $3, finished_at = $4, accepted = $5, refused = $6
        WHERE merchant_id = $1 AND run_id = $2
        """,
        run.merchant_id,
        run.run_id,
        state,
        clock.now(),
        accepted,
        refused,
    )
    made_work(connection, RUNNING)


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
