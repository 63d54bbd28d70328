"""A failing row is backed off, set aside, and released. An outage is no row's failure."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from structlog.testing import capture_logs

from common import clock
from common.errors import Outage
from common.failpoints import FailpointError
from common.postgres.leases import LeaseLost
from common.postgres.pool import Connection
from common.postgres.schedules import Daily, Every, Schedule, run_due, set_schedule
from common.postgres.set_aside import (
    MOST_FAILURES,
    FailedRow,
    RowKey,
    each_apart,
    list_failed_rows,
    release,
)
from common.postgres.unit_of_work import reading, unit_of_work

from .backbone_harness import Harness

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROWS = [RowKey("m", f"row-{n}") for n in range(23)]
POISON = ROWS[7]


async def failed(harness: Harness) -> list[FailedRow]:
    async with reading(harness.pool) as connection:
        return await list_failed_rows(connection, merchant_id=None)


async def is_held(harness: Harness, row: RowKey, at: datetime) -> bool:
    return bool(await harness.pool.fetchval("SELECT is_held('job', $1, $2, $3)", *row, at))


class Job:
    """Does each row once in a transaction of its set, and fails on the poisoned ones."""

    def __init__(self, harness: Harness, error: BaseException) -> None:
        self._harness = harness
        self._error = error
        self.poisoned = {POISON}

    async def work(self, rows: Sequence[RowKey]) -> None:
        async with unit_of_work(self._harness.pool) as connection:
            for row in rows:
                await connection.execute("INSERT INTO seen VALUES ($1, 1, 1)", row.subject)
                if row in self.poisoned:
                    raise self._error

    async def run(self, rows: Sequence[RowKey]) -> None:
        await each_apart(self._harness.pool, "job", rows, self.work, key=lambda row: row)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"),
        KeyError("missing"),
        MemoryError(),
        RecursionError(),
        ZeroDivisionError(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "\x00\ud800"),
        asyncpg.DataError("out of range"),
        asyncpg.ProgramLimitExceededError("index row size 8192 exceeds maximum"),
        asyncpg.CheckViolationError("no"),
    ],
)
async def test_a_row_that_fails_is_held_alone_and_its_neighbours_are_done(
    harness: Harness, error: Exception
) -> None:
    await Job(harness, error).run(ROWS)

    done = {row["product_id"] for row in await harness.pool.fetch("SELECT product_id FROM seen")}
    assert done == {row.subject for row in ROWS} - {POISON.subject}
    [row] = await failed(harness)
    assert (row.job, row.merchant_id, row.subject) == ("job", *POISON)
    assert row.reason.startswith(type(error).__name__)
    assert row.failures == 1
    assert row.retry_at is not None


@pytest.mark.parametrize(
    "error",
    [
        Outage("away"),
        ConnectionResetError(),
        ssl.SSLCertVerificationError("expired"),  # a ValueError, too
        TimeoutError(),
        asyncpg.DeadlockDetectedError("again"),
        asyncpg.UndefinedTableError("no migration"),
        LeaseLost("lease"),
        FailpointError("point"),
    ],
)
async def test_what_is_around_the_row_is_raised_and_held_against_nobody(
    harness: Harness, error: Exception
) -> None:
    with pytest.raises(type(error)):
        await Job(harness, error).run(ROWS)

    assert await failed(harness) == []


async def test_pauses_grow_until_the_row_is_set_aside_and_a_release_lets_it_go_on(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(harness, ValueError())
    now = NOON
    pauses = []
    for _ in range(MOST_FAILURES - 1):
        monkeypatch.setattr(clock, "now", lambda at=now: at)
        await job.run([POISON])
        [row] = await failed(harness)
        assert row.retry_at is not None
        assert await is_held(harness, POISON, row.retry_at - timedelta(seconds=1))
        assert not await is_held(harness, POISON, row.retry_at)
        pauses.append(row.retry_at - now)
        now = row.retry_at
    await job.run([POISON])

    assert pauses == [timedelta(seconds=10 * 4**n) for n in range(MOST_FAILURES - 1)]
    [row] = await failed(harness)
    assert (row.failures, row.retry_at) == (MOST_FAILURES, None)
    assert await is_held(harness, POISON, now + timedelta(days=3650))

    async with unit_of_work(harness.pool) as connection:
        assert await release(connection, "other", merchant_id=None, subject=None) == 0
        assert await release(connection, "job", merchant_id="m", subject=POISON.subject) == 1
    assert not await is_held(harness, POISON, now)


async def test_a_success_forgets_earlier_failures(harness: Harness) -> None:
    job = Job(harness, ValueError())
    await job.run([POISON])
    job.poisoned.clear()
    await job.run(ROWS)

    assert await failed(harness) == []


async def test_a_schedule_in_a_zone_that_does_not_exist_keeps_no_other_waiting(
    harness: Harness,
) -> None:
    done: list[str] = []

    async def act(_: Connection, due: Schedule) -> None:
        done.append(due.subject)

    async with unit_of_work(harness.pool) as connection:
        for n in range(12):
            rhythm = Daily(NOON.time()) if n == 0 else Every(timedelta(hours=1))
            due_at = NOON + timedelta(minutes=n)
            await set_schedule(connection, "offer", "m", f"f{n}", rhythm, first_due_at=due_at)
        await connection.execute("UPDATE schedule SET zone = 'Mars/Base' WHERE subject = 'f0'")

    while await run_due(harness.pool, "offer", act):
        pass

    assert sorted(set(done)) == sorted(f"f{n}" for n in range(1, 12))
    [row] = await failed(harness)
    assert (row.job, row.subject) == ("schedule:offer", "f0")


async def test_what_is_logged_of_a_failure_holds_nothing_of_the_row(harness: Harness) -> None:
    job = Job(harness, ValueError("cannot store Jane Doe, 12 Main Street"))
    with capture_logs() as logged:
        await job.run([POISON])
    [line] = logged
    assert line["event"] == "job.row_failed"
    assert "Jane" not in str(line)
    assert "exc_info" not in line
    assert line["reason"].startswith("ValueError in work")
    assert "in work" in line["stack"]
    [row] = await failed(harness)
    assert row.reason == line["reason"]
