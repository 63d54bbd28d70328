"""Schedules: due rows claimed once whatever the number of replicas.

A schedule is due every so many seconds, or daily at a wall-clock time in a zone (daylight saving
included). Claiming moves `next_due_at` to the next time after now, so that any number of missed
runs is caught up by one.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import sqlalchemy as sa

from common import clock
from common.failpoints import reach
from common.postgres import core
from common.postgres.pool import Connection, Pool
from common.postgres.set_aside import RowKey, each_apart
from common.postgres.tables import schedule
from common.postgres.unit_of_work import reading, unit_of_work


@dataclass(frozen=True)
class Every:
    """Due again after this long."""

    interval: timedelta


@dataclass(frozen=True)
class Daily:
    """Due once a day at this wall-clock time in this zone.

    A time the zone skips in spring is due an hour later by the wall clock that day; a time it
    repeats in autumn is due at its first occurrence only.
    """

    at: time
    zone: str = "UTC"


Rhythm = Every | Daily


def next_due(rhythm: Rhythm, after: datetime) -> datetime:
    """The first due time later than `after` (UTC)."""
    if isinstance(rhythm, Every):
        return after + rhythm.interval
    zone = ZoneInfo(rhythm.zone)
    day = after.astimezone(zone).date()
    while True:
        due = datetime.combine(day, rhythm.at, tzinfo=zone).astimezone(UTC)
        if due > after:
            return due
        day += timedelta(days=1)


@dataclass(frozen=True)
class Schedule:
    """A row of the schedule table; `subject` names what is to run (a feed, a shop)."""

    kind: str
    merchant_id: str
    subject: str
    rhythm: Rhythm
    next_due_at: datetime
    is_paused: bool
    pause_reason: str | None


async def set_schedule(
    connection: Connection,
    kind: str,
    merchant_id: str,
    subject: str,
    rhythm: Rhythm,
    *,
    first_due_at: datetime | None = None,
) -> None:
    """Create the schedule, or give it another rhythm; a pause stays."""
    every = int(rhythm.interval.total_seconds()) if isinstance(rhythm, Every) else None
    daily = rhythm if isinstance(rhythm, Daily) else None
    await connection.execute(
        """
        INSERT INTO schedule
            (kind, merchant_id, subject, every_seconds, daily_at, zone, next_due_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (kind, merchant_id, subject) DO UPDATE
            SET every_seconds = $4, daily_at = $5, zone = $6, next_due_at = $7
            WHERE (schedule.every_seconds, schedule.daily_at, schedule.zone)
                IS DISTINCT FROM ($4, $5, $6)
        """,
        kind,
        merchant_id,
        subject,
        every,
        daily.at if daily else None,
        daily.zone if daily else None,
        first_due_at or next_due(rhythm, clock.now()),
    )


async def remove_schedule(
    connection: Connection, kind: str, merchant_id: str, subject: str
) -> None:
    """Forget the schedule; nothing happens when there is none."""
    await connection.execute(
        "DELETE FROM schedule WHERE kind = $1 AND merchant_id = $2 AND subject = $3",
        kind,
        merchant_id,
        subject,
    )


async def hasten_schedule(
    connection: Connection, kind: str, merchant_id: str, subject: str, *, due_by: datetime
) -> None:
    """Have the schedule due at that time, unless it is earlier; nothing happens without one."""
    await connection.execute(
        """
        UPDATE schedule SET next_due_at = $4
        WHERE kind = $1 AND merchant_id = $2 AND subject = $3 AND next_due_at > $4
        """,
        kind,
        merchant_id,
        subject,
        due_by,
    )


async def run_due(
    pool: Pool,
    kind: str,
    act: Callable[[Connection, Schedule], Awaitable[object]],
    *,
    limit: int = 10,
) -> bool:
    """Have this done for each schedule that is due, in the transaction that moves it to its next
    time; whether any was due. One that fails does so alone, as a row of the job `schedule:kind`.
    """
    job = f"schedule:{kind}"
    async with reading(pool) as connection:
        due = await _list_due(connection, job, kind, limit)

    async def run(keys: Sequence[RowKey]) -> None:
        async with unit_of_work(pool) as connection:
            for claimed in await claim_due(connection, kind, keys=keys):
                await act(connection, claimed)

    await each_apart(pool, job, due, run, key=lambda key: key)
    return bool(due)


_NOW = sa.bindparam("now", type_=schedule.c.next_due_at.type)
_DUE = (
    sa.select(schedule.c.merchant_id, schedule.c.subject)
    .where(
        schedule.c.kind == sa.bindparam("of_kind"),
        ~schedule.c.is_paused,
        schedule.c.next_due_at <= _NOW,
        ~sa.func.is_held(
            sa.bindparam("job", type_=sa.Text), schedule.c.merchant_id, schedule.c.subject, _NOW
        ),
    )
    .order_by(schedule.c.next_due_at)
    .limit(sa.bindparam("at_most", type_=sa.Integer))
)
"""Built once: each service asks every second."""


async def _list_due(connection: Connection, job: str, kind: str, limit: int) -> list[RowKey]:
    rows = await core.fetch(connection, _DUE, of_kind=kind, job=job, now=clock.now(), at_most=limit)
    return [RowKey(*row) for row in rows]


async def claim_due(
    connection: Connection, kind: str, *, limit: int = 10, keys: Sequence[RowKey] | None = None
) -> list[Schedule]:
    """Claim schedules that are due, moving each to its next time, in the caller's transaction;
    of these `keys` only, where they are given.

    What must run is to be written in the same transaction. Another replica's rows are skipped.
    """
    now = clock.now()
    due = (
        sa.select(schedule)
        .where(schedule.c.kind == kind, ~schedule.c.is_paused, schedule.c.next_due_at <= now)
        .order_by(schedule.c.next_due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if keys is not None:
        due = due.where(core.is_among((schedule.c.merchant_id, schedule.c.subject), keys))
    claimed = [_schedule(row) for row in await core.fetch(connection, due)]
    await connection.executemany(
        """
        UPDATE schedule SET next_due_at = $4
        WHERE kind = $1 AND merchant_id = $2 AND subject = $3
        """,
        [(s.kind, s.merchant_id, s.subject, next_due(s.rhythm, now)) for s in claimed],
    )
    if claimed:
        reach("schedule.after-claim")
    return claimed


async def pause_schedule(
    connection: Connection, kind: str, merchant_id: str, subject: str, *, reason: str | None
) -> bool:
    """Pause the schedule (`reason` given) or resume it (None). False when there is none."""
    found = await connection.fetchval(
        """
        UPDATE schedule SET is_paused = $4::text IS NOT NULL, pause_reason = $4
        WHERE kind = $1 AND merchant_id = $2 AND subject = $3 RETURNING 1
        """,
        kind,
        merchant_id,
        subject,
        reason,
    )
    return found is not None


async def list_schedules(
    connection: Connection, merchant_id: str, *, subject: str | None = None
) -> list[Schedule]:
    """The merchant's schedules, optionally of one subject."""
    found = sa.select(schedule).where(schedule.c.merchant_id == merchant_id)
    if subject is not None:
        found = found.where(schedule.c.subject == subject)
    found = found.order_by(schedule.c.subject, schedule.c.kind)
    return [_schedule(row) for row in await core.fetch(connection, found)]


def _schedule(row: asyncpg.Record) -> Schedule:
    rhythm: Rhythm = (
        Every(timedelta(seconds=row["every_seconds"]))
        if row["every_seconds"] is not None
        else Daily(row["daily_at"], row["zone"])
    )
    return Schedule(
        row["kind"],
        row["merchant_id"],
        row["subject"],
        rhythm,
        row["next_due_at"],
        row["is_paused"],
        row["pause_reason"],
    )
