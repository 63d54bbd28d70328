import asyncio
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.postgres.leases import (
    LeaseLost,
    check_lease,
    claim_lease,
    extend_lease,
    hold_lease,
    reclaim_leases,
    release_lease,
)
from common.postgres.pool import open_pool
from common.postgres.schedules import (
    Daily,
    Every,
    claim_due,
    hasten_schedule,
    list_schedules,
    next_due,
    pause_schedule,
    set_schedule,
)
from common.postgres.unit_of_work import unit_of_work
from stack.testing import eventually, proxy_to

from .backbone_harness import Harness

SHORT = timedelta(milliseconds=300)
FIRST_CLAIMS = 100


async def test_one_holder_at_a_time_and_the_fence_rises(harness: Harness) -> None:
    async with harness.pool.acquire() as connection:
        first = await claim_lease(connection, "run", "a", lasts=timedelta(0))
        assert first is not None
        second = await claim_lease(connection, "run", "b")
        assert second is not None
        assert second.fence > first.fence
        assert await claim_lease(connection, "run", "c") is None
        with pytest.raises(LeaseLost):
            await extend_lease(connection, first)
        with pytest.raises(LeaseLost):
            await check_lease(connection, first)
        await check_lease(connection, second)
        await release_lease(connection, second)
        third = await claim_lease(connection, "run", "c")
        assert third is not None
        assert third.fence > second.fence


async def test_of_many_first_claims_at_once_one_holds(harness: Harness) -> None:
    async def claim(name: str, holder: str) -> bool:
        async with harness.pool.acquire() as connection:
            return await claim_lease(connection, name, holder) is not None

    for number in range(FIRST_CLAIMS):
        name = f"run/{number}"
        claims = await asyncio.gather(*(claim(name, f"replica-{n}") for n in range(8)))
        assert claims.count(True) == 1


async def test_a_heartbeat_does_not_wait_for_the_work_it_speaks_for(harness: Harness) -> None:
    lasts = timedelta(seconds=2)
    async with hold_lease(harness.pool, "run", "a", lasts=lasts) as lease:
        assert lease is not None
        async with unit_of_work(harness.pool) as connection:
            await check_lease(connection, lease)
            ends: set[datetime] = set()

            async def has_been_extended() -> bool:
                async with harness.pool.acquire() as other:
                    ends.add(await other.fetchval("SELECT expires_at FROM lease"))
                    assert await claim_lease(other, "run", "b", lasts=lasts) is None
                return len(ends) > 3

            await eventually(has_been_extended)


async def test_a_lease_is_taken_over_after_the_transaction_that_holds_it(harness: Harness) -> None:
    async with harness.pool.acquire() as other:
        first = await claim_lease(other, "run", "a", lasts=timedelta(0))
        assert first is not None
        async with unit_of_work(harness.pool) as connection:
            await check_lease(connection, first)
            taking = asyncio.create_task(claim_lease(other, "run", "b"))

            async def is_waiting() -> bool:
                waiting: bool = await connection.fetchval(
                    "SELECT exists (SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND datname = current_database())"
                )
                return waiting

            await eventually(is_waiting)
            assert not taking.done()
        second = await taking
        assert second is not None
        assert second.fence > first.fence


async def test_a_heartbeat_keeps_a_lease_longer_than_it_lasts(harness: Harness) -> None:
    lasts = timedelta(seconds=2)  # a busy machine may hold a heartbeat up for a good while
    async with hold_lease(harness.pool, "run", "a", lasts=lasts) as lease:
        assert lease is not None
        async with harness.pool.acquire() as connection:
            first_end = await connection.fetchval("SELECT expires_at FROM lease")

            async def is_past_its_first_end() -> bool:
                assert await claim_lease(connection, "run", "b", lasts=lasts) is None
                return bool(await connection.fetchval("SELECT clock_timestamp() > $1", first_end))

            await eventually(is_past_its_first_end)


async def test_work_whose_lease_was_taken_is_stopped(harness: Harness) -> None:
    async def work() -> None:
        async with hold_lease(harness.pool, "run", "a", lasts=SHORT) as lease:
            assert lease is not None
            await harness.pool.execute("UPDATE lease SET fence = fence + 1, holder = 'b'")
            await asyncio.Event().wait()

    with pytest.raises(LeaseLost):
        await work()


async def test_work_whose_heartbeat_ends_unasked_is_stopped(harness: Harness) -> None:
    async def work() -> None:
        async with hold_lease(harness.pool, "run", "a") as lease:
            assert lease is not None
            for task in asyncio.all_tasks():
                if task.get_name() == "heartbeat of run":
                    task.cancel()
            await asyncio.wait_for(asyncio.Event().wait(), 10)

    with pytest.raises(LeaseLost):
        await work()


async def test_a_lease_is_given_back_as_soon_as_the_database_is_there_again(
    harness: Harness,
) -> None:
    async with proxy_to(harness.url) as proxy:
        passage = proxy.port
        pool = await open_pool(proxy.reroute(harness.url), max_size=2)

        async def work() -> None:
            async with hold_lease(pool, "run", "a") as lease:
                assert lease is not None
                await proxy.stop()

        working = asyncio.create_task(work())
        async with harness.pool.acquire() as connection:

            async def is_taken() -> bool:
                return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM lease)"))

            await eventually(is_taken)
            assert not (await asyncio.wait([working], timeout=0.5))[0]
            assert await claim_lease(connection, "run", "b") is None
            await proxy.start(passage)
            await asyncio.wait_for(working, 10)
            assert await claim_lease(connection, "run", "b") is not None
        await pool.close()


async def test_a_second_holder_gets_none(harness: Harness) -> None:
    async with hold_lease(harness.pool, "run", "a"), hold_lease(harness.pool, "run", "b") as lease:
        assert lease is None


async def test_a_restarted_process_has_its_leases_back_and_those_of_its_parts(
    harness: Harness,
) -> None:
    holders = ["orders-0", "orders-0/1", "orders-01", "orders-1"]
    async with harness.pool.acquire() as connection:
        for holder in holders:
            assert await claim_lease(connection, f"import of {holder}", holder)
        await reclaim_leases(connection, "orders-0")
        free = [h for h in holders if await claim_lease(connection, f"import of {h}", "me")]
    assert free == ["orders-0", "orders-0/1"]


async def test_due_rows_are_claimed_once_over_replicas_and_missed_runs_caught_up_once(
    harness: Harness,
) -> None:
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    async with unit_of_work(harness.pool) as connection:
        for n in range(10):
            await set_schedule(
                connection, "offer", "m", f"f{n}", Every(timedelta(hours=1)), first_due_at=long_ago
            )

    async def claim() -> list[str]:
        async with unit_of_work(harness.pool) as connection:
            return [schedule.subject for schedule in await claim_due(connection, "offer", limit=4)]

    claims = await asyncio.gather(*(claim() for _ in range(4)))
    claims += [await claim()]
    subjects = [subject for claimed in claims for subject in claimed]
    assert sorted(subjects) == sorted(f"f{n}" for n in range(10))
    assert await claim() == []


async def test_a_paused_schedule_is_not_due_and_a_new_rhythm_keeps_the_pause(
    harness: Harness,
) -> None:
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    rhythm = Every(timedelta(hours=1))
    async with unit_of_work(harness.pool) as connection:
        await set_schedule(connection, "offer", "m", "f", rhythm, first_due_at=long_ago)
        assert await pause_schedule(connection, "offer", "m", "f", reason="holiday")
        assert await claim_due(connection, "offer") == []
        await set_schedule(connection, "offer", "m", "f", Daily(time(2)), first_due_at=long_ago)
        [schedule] = await list_schedules(connection, "m")
        assert (schedule.is_paused, schedule.pause_reason) == (True, "holiday")
        assert await pause_schedule(connection, "offer", "m", "f", reason=None)
        assert len(await claim_due(connection, "offer")) == 1
        assert not await pause_schedule(connection, "offer", "m", "none", reason=None)


async def test_a_schedule_is_hastened_and_never_put_off(harness: Harness) -> None:
    noon = datetime(2126, 1, 1, 12, tzinfo=UTC)
    rhythm = Every(timedelta(hours=1))

    async def due_after_hastening(due_by: datetime) -> datetime:
        async with unit_of_work(harness.pool) as connection:
            for subject in ("f", "none"):
                await hasten_schedule(connection, "offer", "m", subject, due_by=due_by)
            [schedule] = await list_schedules(connection, "m")
            return schedule.next_due_at

    async with unit_of_work(harness.pool) as connection:
        await set_schedule(connection, "offer", "m", "f", rhythm, first_due_at=noon)
    earlier = noon - timedelta(minutes=5)
    assert await due_after_hastening(noon + timedelta(minutes=5)) == noon
    assert await due_after_hastening(earlier) == earlier
    assert await due_after_hastening(noon) == earlier


@pytest.mark.parametrize(
    ("at", "zone", "after", "due"),
    [
        ("02:00", "UTC", "2026-11-24T01:00+00:00", "2026-11-24T02:00+00:00"),
        ("02:00", "UTC", "2026-11-24T02:00+00:00", "2026-11-25T02:00+00:00"),
        ("02:30", "Europe/Madrid", "2026-03-28T12:00+00:00", "2026-03-29T01:30+00:00"),
        ("02:30", "Europe/Madrid", "2026-10-24T12:00+00:00", "2026-10-25T00:30+00:00"),
        ("02:30", "Europe/Madrid", "2026-10-25T00:30+00:00", "2026-10-26T01:30+00:00"),
        ("23:00", "America/Los_Angeles", "2026-11-24T08:00+00:00", "2026-11-25T07:00+00:00"),
    ],
    ids=["later today", "exactly now", "skipped hour", "repeated hour", "once only", "west"],
)
def test_a_daily_time_in_its_zone(at: str, zone: str, after: str, due: str) -> None:
    rhythm = Daily(time.fromisoformat(at), zone)
    assert next_due(rhythm, datetime.fromisoformat(after)) == datetime.fromisoformat(due)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(  # noqa: DTZ001
        lambda naive: naive.replace(tzinfo=UTC)
    ),
    st.times().map(lambda t: t.replace(microsecond=0)),
    st.sampled_from(["UTC", "Europe/Madrid", "America/Los_Angeles", "Australia/Lord_Howe"]),
)
def test_a_daily_schedule_is_due_about_once_a_day(after: datetime, at: time, zone: str) -> None:
    first = next_due(Daily(at, zone), after)
    second = next_due(Daily(at, zone), first)
    assert after < first <= after + timedelta(hours=25)
    assert timedelta(hours=22) < second - first < timedelta(hours=26)
