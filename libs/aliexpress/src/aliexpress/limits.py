"""Keeping within AliExpress's limits: per app, per seller and per method.

Each (scope, operation) is one bucket: a GCRA over the wall clock, so that a stopped business clock
does not stop the traffic, a ban until a moment of the business clock, and for the whole app a count
per day in Beijing. Buckets live in a `BucketStore`, the service's Postgres in production, so that
they hold over its replicas. Permits are taken from it in blocks of a fifth of a second and
forgotten after a second, so that a ban met by one replica is seen by all within that second.

After a refusal a bucket runs at half its rate, and recovers by halves each minute.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Protocol

import msgspec

from aliexpress.errors import LimitReached, LimitScope
from aliexpress.wire import BEIJING, until_midnight_in_beijing
from common import clock
from common.telemetry.names import LIMITER_WAIT
from common.telemetry.setup import histogram

_waits = histogram(LIMITER_WAIT)

APP = "app"
EVERY_OPERATION = "*"

BLOCK = timedelta(milliseconds=200)
PERMIT_LIFETIME = timedelta(seconds=1)
LOOK_AGAIN = timedelta(milliseconds=100)  # while a ban runs: the business clock may jump
RECOVERY = timedelta(minutes=1)  # in which half of a slow-down is gone
MAX_SLOWDOWN = 16.0


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls per second, of which `burst` may come at once."""

    per_second: float
    burst: int = 1


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a service allows itself. The key `*` of a mapping holds for all unnamed operations.

    Settings change them by `limits_from`.

    `app_calls_per_day` is this service's share of the app's daily quota (None: not counted);
    `max_wait` how long a call may wait for its turn before it fails as `LimitReached`.
    """

    per_app: dict[str, Rate] = {}
    per_seller: dict[str, Rate] = {}
    app_calls_per_day: int | None = None
    max_wait: timedelta = timedelta(seconds=10)

    def rate(self, bucket: "Bucket") -> Rate | None:
        """The rate of a bucket, None where there is none."""
        rates = self.per_app if bucket.scope == APP else self.per_seller
        if bucket.operation == EVERY_OPERATION:
            return None
        return rates.get(bucket.operation) or rates.get(EVERY_OPERATION)


_SCHEMA_RATE = Rate(per_second=200, burst=20)
_SCHEMA_RATE_OF_SELLER = Rate(per_second=25, burst=5)

DEFAULT_LIMITS = Limits(
    per_app={
        "aliexpress.solution.product.info.get": Rate(per_second=80, burst=8),
        "aliexpress.solution.product.schema.get": _SCHEMA_RATE,
        "aliexpress.solution.schema.product.instance.post": _SCHEMA_RATE,
        "aliexpress.solution.schema.product.full.update": _SCHEMA_RATE,
    },
    per_seller={EVERY_OPERATION: _SCHEMA_RATE_OF_SELLER},
)
"""The documented rates. Where none is documented, a seller's methods keep the known 25 a second."""


def limits_from(settings: Mapping[str, object]) -> Limits:
    """`DEFAULT_LIMITS` with what `settings` change; durations are ISO 8601.

    Such as {"per_seller": {"*": {"per_second": 50, "burst": 10}}, "app_calls_per_day": 5000,
    "max_wait": "PT5S"}. Raises `ValueError` that names what is wrong.
    """
    given = msgspec.convert(settings, Limits)
    return msgspec.structs.replace(
        given,
        per_app=DEFAULT_LIMITS.per_app | given.per_app,
        per_seller=DEFAULT_LIMITS.per_seller | given.per_seller,
    )


class Bucket(msgspec.Struct, frozen=True):
    """Which bucket: `scope` is a seller id or `app`, `operation` a method or `*`."""

    scope: str
    operation: str


class PermitRequest(msgspec.Struct, frozen=True):
    """A request for `count` permits at `at` (epoch seconds), `cost` seconds together.

    Nothing is taken where the first of them lies more than `horizon` seconds ahead, or the calls
    of `today` would exceed `quota`: who is refused must not push others back.
    """

    at: float
    count: int
    today: date
    cost: float = 0.0
    horizon: float = 0.0
    quota: int | None = None


class BucketState(msgspec.Struct, frozen=True):
    """A bucket after a request for permits, of which `granted` were given.

    `arrival_at` is the theoretical arrival time after the last of them, `slowed_at` the last
    refusal; both in epoch seconds of the wall clock.
    """

    arrival_at: float = 0.0
    granted: int = 0
    banned_until: datetime | None = None
    slowdown: float = 1.0
    slowed_at: float = 0.0


class Ban(msgspec.Struct, frozen=True):
    """A ban that runs, for showing."""

    scope: str
    operation: str
    until: datetime


class BucketStore(Protocol):
    """Where buckets are kept. Each method is atomic."""

    async def take(self, bucket: Bucket, request: PermitRequest) -> BucketState:
        """Take permits, all or none: move the arrival time on by their cost and count them."""

    async def ban(self, bucket: Bucket, *, until: datetime, at: float) -> BucketState:
        """Ban until then (a longer ban stays), and double the slow-down that is left `at` now."""

    async def list_bans(self, at: datetime) -> list[Ban]:
        """The bans that run, the longest first."""


class Limiter(Protocol):
    """Asked before each call, and informed of each refusal."""

    async def acquire(self, seller_id: str | None, operation: str) -> None:
        """Wait for the call's turn. Raises `LimitReached` when it would take too long."""

    async def refused(self, seller_id: str | None, operation: str, limit: LimitReached) -> None:
        """AliExpress refused the call: make no call for as long as it asked."""


class _Lane:
    """What this process holds of one bucket."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.state = BucketState()
        self.permits: deque[float] = deque()
        self.taken_at = float("-inf")
        self.taken_on = date.min
        self.next_at = 0.0

    def is_stale(self, today: date) -> bool:
        """Whether it must be looked up again before it decides."""
        age = time.time() - self.taken_at
        return age > PERMIT_LIFETIME.total_seconds() or today != self.taken_on


class BucketLimiter:
    """`Limiter` over the buckets of a store; waits that are not `is_measured` are no metric."""

    def __init__(
        self,
        store: BucketStore,
        limits: Limits = DEFAULT_LIMITS,
        *,
        now: Callable[[], datetime] = clock.now,
        is_measured: bool = True,
    ) -> None:
        self._store = store
        self._limits = limits
        self._now = now
        self._is_measured = is_measured
        self._lanes: dict[Bucket, _Lane] = {}

    async def acquire(self, seller_id: str | None, operation: str) -> None:
        """See `Limiter`."""
        began = time.monotonic()
        outcome = "refused"
        try:
            for bucket in buckets_of(seller_id, operation):
                await self._pass(bucket, operation)
            outcome = "passed"
        finally:
            if self._is_measured:
                _waits.record(time.monotonic() - began, {"outcome": outcome})

    async def refused(self, seller_id: str | None, operation: str, limit: LimitReached) -> None:
        """See `Limiter`."""
        bucket = banned_bucket(seller_id, operation, limit.scope)
        until = self._now() + limit.ban
        lane = self._lane(bucket)
        lane.state = await self._store.ban(bucket, until=until, at=time.time())
        lane.permits.clear()

    async def list_bans(self) -> list[Ban]:
        """The bans that run now."""
        return await self._store.list_bans(self._now())

    def _lane(self, bucket: Bucket) -> _Lane:
        return self._lanes.setdefault(bucket, _Lane())

    async def _pass(self, bucket: Bucket, operation: str) -> None:
        lane, rate = self._lane(bucket), self._limits.rate(bucket)
        started = time.monotonic()
        while True:
            async with lane.lock:
                wait = await self._next_turn(lane, bucket, rate)
            waited = timedelta(seconds=time.monotonic() - started)
            if wait.until_allowed + waited > self._limits.max_wait:
                raise LimitReached(
                    operation,
                    f"{wait.reason}; the wait would be {wait.until_allowed}",
                    ban=wait.until_allowed,
                    scope=scope_of(bucket),
                    code="limit-kept",
                )
            if wait.is_ban:
                await asyncio.sleep(min(wait.until_allowed, LOOK_AGAIN).total_seconds())
                continue
            if wait.until_allowed > timedelta():
                await asyncio.sleep(wait.until_allowed.total_seconds())
            if self._ban_left(lane) == timedelta():
                return

    async def _next_turn(self, lane: _Lane, bucket: Bucket, rate: Rate | None) -> "_Wait":
        """How long until a call may be made; takes a permit where there is one in time."""
        quota = self._limits.app_calls_per_day if bucket.operation == EVERY_OPERATION else None
        needs_permit = rate is not None or quota is not None
        today = self._now().astimezone(BEIJING).date()
        if lane.is_stale(today) or (needs_permit and not lane.permits):
            await self._refill(lane, bucket, rate, quota, today)
        if (banned := self._ban_left(lane)) > timedelta():
            return _Wait(banned, "banned by AliExpress", is_ban=True)
        if not needs_permit:
            return _Wait(timedelta(), "free")
        if lane.permits:
            return _Wait(_from_now(lane.permits.popleft()), "the rate is used up")
        if quota is not None:
            left = until_midnight_in_beijing(self._now())
            return _Wait(left, f"the day's {quota} calls are used up", is_ban=True)
        return _Wait(_from_now(lane.next_at), "the rate is used up")

    async def _refill(
        self, lane: _Lane, bucket: Bucket, rate: Rate | None, quota: int | None, today: date
    ) -> None:
        count = block_size(rate)
        at = time.time()
        interval = remaining_slowdown(lane.state, at) / rate.per_second if rate else 0.0
        burst = rate.burst if rate else 1
        ahead = (burst - 1) * interval
        request = PermitRequest(
            at=at,
            count=count,
            today=today,
            cost=count * interval,
            horizon=self._limits.max_wait.total_seconds() + ahead,
            quota=quota,
        )
        lane.state = await self._store.take(bucket, request)
        lane.next_at = lane.state.arrival_at - ahead
        lane.permits = deque(
            permit_times(lane.state.arrival_at, lane.state.granted, interval, burst)
        )
        lane.taken_at, lane.taken_on = at, today

    def _ban_left(self, lane: _Lane) -> timedelta:
        until = lane.state.banned_until
        return max(timedelta(), until - self._now()) if until else timedelta()


class _Wait(msgspec.Struct, frozen=True):
    until_allowed: timedelta
    reason: str
    is_ban: bool = False


def _from_now(moment: float) -> timedelta:
    return timedelta(seconds=max(0.0, moment - time.time()))


def buckets_of(seller_id: str | None, operation: str) -> list[Bucket]:
    """The buckets a call passes, the narrowest first: a call that its seller's limit holds back
    takes nothing meanwhile of what all sellers share (X22)."""
    shared = [Bucket(APP, operation), Bucket(APP, EVERY_OPERATION)]
    return [Bucket(seller_id, operation), *shared] if seller_id else shared


def banned_bucket(seller_id: str | None, operation: str, scope: LimitScope) -> Bucket:
    """The bucket a refusal of that scope closes."""
    if scope == "app":
        return Bucket(APP, EVERY_OPERATION)
    if scope == "app-operation" or seller_id is None:
        return Bucket(APP, operation)
    return Bucket(seller_id, operation)


def scope_of(bucket: Bucket) -> LimitScope:
    """The scope a bucket stands for."""
    if bucket.scope != APP:
        return "seller-operation"
    return "app" if bucket.operation == EVERY_OPERATION else "app-operation"


def block_size(rate: Rate | None) -> int:
    """How many permits are taken at once: what the rate allows in a fifth of a second."""
    return max(1, int(rate.per_second * BLOCK.total_seconds())) if rate else 1


def remaining_slowdown(state: BucketState, at: float) -> float:
    """The factor by which a bucket is slowed `at` a time: 1 when it never was or has recovered."""
    halvings = max(0.0, (at - state.slowed_at) / RECOVERY.total_seconds())
    return max(1.0, state.slowdown * math.pow(0.5, min(halvings, 64)))


def permit_times(arrival_at: float, count: int, interval: float, burst: int) -> list[float]:
    """When each of the last `count` permits may be used (epoch seconds), the first one first.

    GCRA: a call conforms when the arrival time before it is at most `burst - 1` intervals ahead.
    """
    first = arrival_at - count * interval - (burst - 1) * interval
    return [first + index * interval for index in range(count)]
