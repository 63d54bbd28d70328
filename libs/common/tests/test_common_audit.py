"""Who changed what: written with the change, seen by its merchant, and forgotten in time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from common import clock
from common.postgres.acting import acting_for
from common.postgres.audit import (
    Actor,
    AuditFilter,
    AuditRow,
    acting_as,
    list_rows,
    prune,
    record,
)
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import reading, unit_of_work
from stack.testing import NewDatabase

from .backbone_harness import prepare


@pytest.fixture
async def pool(database: NewDatabase) -> AsyncIterator[Pool]:
    opened = await open_pool(await database(prepare))
    yield opened
    await opened.close()


ANA = Actor("person:1", "ana@shop.example", "10.0.0.1")
EVERYTHING = AuditFilter()


async def rows(pool: Pool, wanted: AuditFilter = EVERYTHING) -> list[AuditRow]:
    async with reading(pool) as connection:
        return await list_rows(connection, wanted, after=None, limit=200)


async def test_a_row_stands_or_falls_with_its_change(pool: Pool) -> None:
    with acting_for("m"), acting_as(ANA):
        async with unit_of_work(pool) as connection:
            await record(connection, "feed.removed", "summer", {"version": 3})
        with pytest.raises(RuntimeError):
            await _record_and_fail(pool)
    [row] = await rows(pool)
    assert (row.merchant_id, row.action, row.subject) == ("m", "feed.removed", "summer")
    assert (row.actor, row.actor_email, row.address) == ("person:1", "ana@shop.example", "10.0.0.1")
    assert row.details == '{"version": 3}'


async def _record_and_fail(pool: Pool) -> None:
    async with unit_of_work(pool) as connection:
        await record(connection, "feed.removed", "winter")
        raise RuntimeError


async def test_jobs_act_as_the_channel_and_for_whom_they_say(pool: Pool) -> None:
    async with unit_of_work(pool) as connection:
        await record(connection, "a.b", "x" * 5_000, {"long": "y" * 5_000}, merchant_id="m")
        await record(connection, "c.d", "y")
    installation, of_merchant = await rows(pool)
    assert (of_merchant.actor, of_merchant.merchant_id) == ("channel", "m")
    assert (len(of_merchant.subject), of_merchant.details) == (1_000, "{}")
    assert installation.merchant_id is None


async def test_rows_are_filtered_and_paged_newest_first(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 11, 27, tzinfo=UTC)
    async with unit_of_work(pool) as connection:
        for number in range(6):
            at = now + timedelta(hours=number // 2)  # two at a time
            monkeypatch.setattr(clock, "_frozen_at", at)
            with acting_as(ANA if number % 2 else Actor("shop.client")):
                action = "feed.paused" if number < 3 else "feedback.given"
                await record(connection, action, str(number), merchant_id=f"m{number % 3}")

    async def subjects(**wanted: object) -> str:
        found = await rows(pool, AuditFilter(**wanted))  # type: ignore[arg-type]
        return "".join(row.subject for row in found)

    assert await subjects() == "543210"
    assert await subjects(merchant_id="m1") == "41"
    assert await subjects(action="feed.") == "210"
    assert await subjects(action="feed.paused") == "210"
    assert await subjects(action="feed") == ""
    assert await subjects(actor="ana@shop.example") == await subjects(actor="person:1") == "531"
    assert await subjects(since=now + timedelta(hours=1)) == "5432"
    assert await subjects(until=now + timedelta(hours=1)) == "10"
    seen, after = "", None
    while True:
        async with reading(pool) as connection:
            page = await list_rows(connection, EVERYTHING, after=after, limit=2)
        if not page:
            break
        seen += "".join(row.subject for row in page)
        after = (page[-1].at, page[-1].id)
    assert seen == "543210"


async def test_what_is_older_than_it_is_kept_is_deleted(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    async with unit_of_work(pool) as connection:
        for days in (500, 401, 399, 0):
            monkeypatch.setattr(clock, "_frozen_at", now - timedelta(days=days))
            await record(connection, "a.b", str(days))
    monkeypatch.setattr(clock, "_frozen_at", now)
    monkeypatch.setattr("common.postgres.audit.PRUNED_AT_ONCE", 1)
    assert await prune(pool, timedelta(days=400))
    assert await prune(pool, timedelta(days=400))
    assert not await prune(pool, timedelta(days=400))
    assert [row.subject for row in await rows(pool)] == ["0", "399"]
