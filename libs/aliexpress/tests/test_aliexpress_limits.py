"""Limits: the arithmetic, one process, and several over one Postgres."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliexpress import shop
from aliexpress.errors import LimitReached
from aliexpress.limits import (
    Bucket,
    BucketLimiter,
    BucketState,
    BucketStore,
    Limits,
    PermitRequest,
    Rate,
    block_size,
    buckets_of,
    limits_from,
    permit_times,
    remaining_slowdown,
)
from aliexpress.memory_limits import MemoryBuckets
from aliexpress.operation import AccessToken
from aliexpress.store import LIMITS_SCHEMA, PostgresBuckets

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SELLER = "2200100001"
METHOD = "aliexpress.solution.merchant.profile.get"
BUCKET = Bucket(SELLER, METHOD)

NewDatabase = Callable[..., Awaitable[str]]


class Clock:
    """A business clock the test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


def limit(seconds: float, scope: Any = "seller-operation") -> LimitReached:
    return LimitReached(METHOD, "no", ban=timedelta(seconds=seconds), scope=scope)


async def prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(LIMITS_SCHEMA)
    finally:
        await connection.close()


@pytest.fixture
async def pool(database: NewDatabase) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    pool = await asyncpg.create_pool(await database(prepare), min_size=1, max_size=4)
    yield pool
    await pool.close()


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> BucketStore:
    if request.param == "memory":
        return MemoryBuckets()
    return PostgresBuckets(request.getfixturevalue("pool"))


# Arithmetic --------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 2), min_size=1, max_size=12),
    st.integers(1, 5),
    st.integers(1, 6),
    st.sampled_from([0.01, 0.04, 1.0]),
)
def test_no_stretch_of_time_sees_more_than_its_rate_and_one_burst(
    gaps: list[float], burst: int, block: int, interval: float
) -> None:
    at, arrival, used = 1_000_000.0, 0.0, []
    for gap in gaps:
        at += gap
        arrival = max(arrival, at) + block * interval
        used += [max(at, turn) for turn in permit_times(arrival, block, interval, burst)]
    for start in range(len(used)):
        for end in range(start, len(used)):
            allowed = (used[end] - used[start]) / interval + burst
            assert end - start + 1 <= allowed + 1e-3


def test_a_fresh_bucket_lets_a_burst_go_at_once() -> None:
    turns = permit_times(arrival_at=100.0 + 3 * 0.5, count=3, interval=0.5, burst=2)
    assert turns == [99.5, 100.0, 100.5]


def test_a_slow_down_halves_each_minute() -> None:
    state = BucketState(slowdown=4.0, slowed_at=1000.0)
    assert remaining_slowdown(state, 1000.0) == 4.0
    assert remaining_slowdown(state, 1060.0) == 2.0
    assert remaining_slowdown(state, 1300.0) == 1.0
    assert remaining_slowdown(state, 10.0) == 4.0
    assert remaining_slowdown(BucketState(), 1000.0) == 1.0


def test_a_block_is_a_fifth_of_a_second() -> None:
    assert [block_size(Rate(rate)) for rate in (0.1, 1, 25, 200)] == [1, 1, 5, 40]
    assert block_size(None) == 1


def test_a_call_passes_seller_method_and_app() -> None:
    assert buckets_of(SELLER, METHOD) == [BUCKET, Bucket("app", METHOD), Bucket("app", "*")]
    assert buckets_of(None, "/auth/token/create") == [
        Bucket("app", "/auth/token/create"),
        Bucket("app", "*"),
    ]


def test_settings_change_the_documented_rates() -> None:
    limits = limits_from(
        {
            "per_seller": {"*": {"per_second": 50, "burst": 10}},
            "app_calls_per_day": 5000,
            "max_wait": "PT5S",
        }
    )
    assert limits.rate(BUCKET) == Rate(50, 10)
    documented = Bucket("app", "aliexpress.solution.product.info.get")
    assert limits.rate(documented) == Rate(80, 8)
    assert limits.rate(Bucket("app", "*")) is None
    assert (limits.app_calls_per_day, limits.max_wait) == (5000, timedelta(seconds=5))
    with pytest.raises(ValueError, match="per_minute"):
        limits_from({"per_app": {"*": {"per_second": 1, "per_minute": 1}}})


# Stores ------------------------------------------------------------------------------------------


TODAY, TOMORROW = date(2026, 11, 24), date(2026, 11, 25)


async def test_taking_moves_the_arrival_time(store: BucketStore) -> None:
    first = await store.take(BUCKET, PermitRequest(100.0, 4, TODAY, cost=2.0, horizon=9))
    second = await store.take(BUCKET, PermitRequest(101.0, 4, TODAY, cost=2.0, horizon=9))
    third = await store.take(BUCKET, PermitRequest(200.0, 1, TODAY, cost=1.0, horizon=9))
    assert [state.arrival_at for state in (first, second, third)] == [102.0, 104.0, 201.0]
    assert [state.granted for state in (first, second, third)] == [4, 4, 1]


async def test_who_is_refused_pushes_nobody_back(store: BucketStore) -> None:
    await store.take(BUCKET, PermitRequest(100.0, 1, TODAY, cost=50.0, horizon=9))
    for at in (101.0, 110.0, 140.0):
        refused = await store.take(BUCKET, PermitRequest(at, 1, TODAY, cost=50.0, horizon=9))
        assert (refused.granted, refused.arrival_at) == (0, 150.0)
    granted = await store.take(BUCKET, PermitRequest(141.0, 1, TODAY, cost=50.0, horizon=9))
    assert (granted.granted, granted.arrival_at) == (1, 200.0)


async def test_a_days_quota_is_never_exceeded(store: BucketStore) -> None:
    days = [TODAY] * 4 + [TOMORROW] * 2
    given = [
        (await store.take(BUCKET, PermitRequest(at, 2, day, quota=5))).granted
        for at, day in enumerate(days, start=100)
    ]
    assert given == [2, 2, 0, 0, 2, 2]


async def test_a_longer_ban_stays_and_slow_downs_double_up_to_a_bound(store: BucketStore) -> None:
    long, short = NOW + timedelta(hours=1), NOW + timedelta(seconds=5)
    await store.ban(BUCKET, until=long, at=1000.0)
    state = await store.ban(BUCKET, until=short, at=1000.0)
    assert state.banned_until == long
    assert state.slowdown == 4.0
    later = await store.ban(BUCKET, until=short, at=1060.0)
    assert later.slowdown == 4.0  # half of four, doubled
    for _ in range(6):
        state = await store.ban(BUCKET, until=short, at=1060.0)
    assert state.slowdown == 16.0
    bans = await store.list_bans(NOW)
    assert [(ban.scope, ban.operation, ban.until) for ban in bans] == [(SELLER, METHOD, long)]
    assert await store.list_bans(long) == []


# The limiter -------------------------------------------------------------------------------------


def limiter(store: BucketStore, clock: Clock, **limits: Any) -> BucketLimiter:
    given: dict[str, Any] = {"per_app": {}, "per_seller": {}, "max_wait": timedelta(seconds=2)}
    return BucketLimiter(store, Limits(**(given | limits)), now=clock.now)


async def test_replicas_together_keep_the_rate(pool: Any) -> None:
    rate = {"*": Rate(per_second=50, burst=5)}
    replicas = [limiter(PostgresBuckets(pool), Clock(), per_seller=rate) for _ in range(3)]
    started = time.monotonic()
    went: list[float] = []

    async def call(replica: BucketLimiter) -> None:
        await replica.acquire(SELLER, METHOD)
        went.append(time.monotonic() - started)

    async with asyncio.timeout(30):
        await asyncio.gather(*(call(replicas[number % 3]) for number in range(45)))
    # 45 calls at 50 a second, 5 of them at once, last 0.8 s; a busy machine only makes it longer.
    assert max(went) >= 0.79


async def test_a_sellers_calls_that_wait_take_nothing_of_what_others_share(
    store: BucketStore,
) -> None:
    limits = limiter(
        store,
        Clock(),
        per_app={METHOD: Rate(per_second=80, burst=8)},
        per_seller={"*": Rate(per_second=25, burst=5)},
        max_wait=timedelta(seconds=30),
    )
    async with asyncio.TaskGroup() as group:
        busy = [group.create_task(limits.acquire(SELLER, METHOD)) for _ in range(200)]
        await asyncio.sleep(0)  # all of them have asked
        started = time.monotonic()
        await limits.acquire("another seller", METHOD)
        assert time.monotonic() - started < 0.8
        for task in busy:
            task.cancel()


async def test_a_stopped_business_clock_does_not_stop_the_traffic(store: BucketStore) -> None:
    limits = limiter(store, Clock(), per_seller={"*": Rate(per_second=100, burst=1)})
    async with asyncio.timeout(20):
        for _ in range(30):
            await limits.acquire(SELLER, METHOD)


async def test_too_long_a_wait_is_refused_and_says_how_long(store: BucketStore) -> None:
    slow = {METHOD: Rate(per_second=0.01)}
    limits = limiter(store, Clock(), per_seller=slow)
    await limits.acquire(SELLER, METHOD)
    for _ in range(5):
        with pytest.raises(LimitReached) as refused:
            await limits.acquire(SELLER, METHOD)
    assert timedelta(seconds=90) < refused.value.ban <= timedelta(seconds=100)
    await limits.acquire("another seller", METHOD)


async def test_a_ban_is_honoured_to_its_second_by_all_replicas(store: BucketStore) -> None:
    clock = Clock()
    met, other = limiter(store, clock), limiter(store, clock)
    await met.refused(SELLER, METHOD, limit(37))
    for replica in (met, other):
        with pytest.raises(LimitReached) as refused:
            await replica.acquire(SELLER, METHOD)
        assert refused.value.ban == timedelta(seconds=37)
        assert refused.value.scope == "seller-operation"
        await replica.acquire("another seller", METHOD)
        await replica.acquire(SELLER, "another method")
    [ban] = await other.list_bans()
    assert ban.until == NOW + timedelta(seconds=37)
    clock.at = NOW + timedelta(seconds=36.9)
    with pytest.raises(LimitReached):
        await limiter(store, clock, max_wait=timedelta()).acquire(SELLER, METHOD)
    clock.at = NOW + timedelta(seconds=37)
    await met.acquire(SELLER, METHOD)
    await other.acquire(SELLER, METHOD)
    assert await other.list_bans() == []


async def test_a_ban_reaches_a_busy_replica_within_about_a_second(store: BucketStore) -> None:
    clock = Clock()
    met, busy = limiter(store, clock), limiter(store, clock)
    await busy.acquire(SELLER, METHOD)
    await met.refused(SELLER, METHOD, limit(37))
    started = time.monotonic()

    async def keep_calling() -> None:
        while True:
            await busy.acquire(SELLER, METHOD)
            await asyncio.to_thread(int)  # lets the time-out come through

    with pytest.raises(LimitReached):
        async with asyncio.timeout(10):
            await keep_calling()
    assert time.monotonic() - started < 3


async def test_a_short_ban_is_waited_for_on_the_business_clock(store: BucketStore) -> None:
    clock = Clock()
    limits = limiter(store, clock)
    await limits.refused(SELLER, METHOD, limit(1))
    waiting = asyncio.ensure_future(limits.acquire(SELLER, METHOD))
    done, _ = await asyncio.wait({waiting}, timeout=0.3)
    assert not done
    clock.at = NOW + timedelta(seconds=1)
    async with asyncio.timeout(5):
        await waiting


@pytest.mark.parametrize(
    ("scope", "closed"),
    [
        ("app", {(SELLER, METHOD), ("s2", METHOD), (SELLER, "m2")}),
        ("app-operation", {(SELLER, METHOD), ("s2", METHOD)}),
        ("seller-operation", {(SELLER, METHOD)}),
    ],
)
async def test_a_ban_closes_what_it_is_for(scope: str, closed: set[tuple[str, str]]) -> None:
    limits = limiter(MemoryBuckets(), Clock())
    await limits.refused(SELLER, METHOD, limit(60, scope))
    refused = set()
    for seller, method in {(SELLER, METHOD), ("s2", METHOD), (SELLER, "m2")}:
        try:
            await limits.acquire(seller, method)
        except LimitReached:
            refused.add((seller, method))
    assert refused == closed


async def test_the_days_quota_ends_at_midnight_in_beijing(store: BucketStore) -> None:
    clock = Clock()
    replicas = [limiter(store, clock, app_calls_per_day=3) for _ in range(2)]
    for replica in (*replicas, replicas[0]):
        await replica.acquire(SELLER, METHOD)
    with pytest.raises(LimitReached) as refused:
        await replicas[1].acquire("s2", "m2")
    assert refused.value.scope == "app"
    assert refused.value.ban == timedelta(hours=4)
    clock.at = NOW + timedelta(hours=4)
    await replicas[1].acquire("s2", "m2")


async def test_after_a_refusal_the_rate_is_halved(store: BucketStore) -> None:
    clock = Clock()
    limits = limiter(store, clock, per_seller={"*": Rate(per_second=20)})
    await limits.refused(SELLER, METHOD, limit(1))
    clock.at = NOW + timedelta(seconds=1)
    started = time.monotonic()
    async with asyncio.timeout(20):
        for _ in range(9):
            await limits.acquire(SELLER, METHOD)
    # 20 a second would take 0.4 s; at half the rate it is 0.8 s, less the first second's recovery.
    assert time.monotonic() - started >= 0.7


async def test_a_refused_call_informs_the_limiter(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    limits = limiter(MemoryBuckets(), Clock())
    error = {
        "code": 7,
        "msg": "App Call Limited",
        "sub_msg": "This ban will last for 37 more seconds",
    }
    client = answering({"error_response": error}, limiter=limits)
    with pytest.raises(LimitReached):
        await shop.load_merchant_profile(client, token)
    client.recorded.fields = {}
    with pytest.raises(LimitReached) as refused:
        await shop.load_merchant_profile(client, token)
    assert refused.value.ban == timedelta(seconds=37)
    assert client.recorded.fields == {}  # the second call was not sent
