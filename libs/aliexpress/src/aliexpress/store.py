"""The rate buckets in the service's own Postgres: one row each, one statement per step."""

from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from aliexpress.limits import (
    APP,
    EVERY_OPERATION,
    MAX_SLOWDOWN,
    RECOVERY,
    Ban,
    Bucket,
    BucketState,
    PermitRequest,
)

LIMITS_SCHEMA = """
CREATE TABLE rate_bucket (
    scope text NOT NULL,
    operation text NOT NULL,
    arrival_at double precision NOT NULL DEFAULT 0,
    quota_day date,
    used_today integer NOT NULL DEFAULT 0,
    granted integer NOT NULL DEFAULT 0,
    banned_until timestamptz,
    slowdown double precision NOT NULL DEFAULT 1,
    slowed_at double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, operation)
);
COMMENT ON TABLE rate_bucket IS
    'Limits of AliExpress calls: scope is a seller id or app, operation a method or *';
"""
"""The table each service's first migration creates."""

_TAKE = """
INSERT INTO rate_bucket AS bucket (scope, operation, arrival_at, quota_day, used_today, granted)
VALUES ($1, $2, $3::double precision + $4::double precision, $5, $6, $6)
ON CONFLICT (scope, operation) DO UPDATE SET
    (arrival_at, quota_day, used_today, granted) = (
        SELECT
            CASE WHEN is_open THEN greatest(bucket.arrival_at, $3) + $4 ELSE bucket.arrival_at END,
            $5::date,
            used + CASE WHEN is_open THEN $6 ELSE 0 END,
            CASE WHEN is_open THEN $6 ELSE 0 END
        FROM (
            SELECT used, bucket.arrival_at <= $3 + $7::double precision
                AND ($8::integer IS NULL OR used + $6 <= $8) AS is_open
            FROM (
                SELECT CASE WHEN bucket.quota_day = $5 THEN bucket.used_today ELSE 0 END AS used
            ) AS today
        ) AS seen
    )
RETURNING arrival_at, granted, banned_until, slowdown, slowed_at
"""

_BAN = """
INSERT INTO rate_bucket AS bucket (scope, operation, banned_until, slowdown, slowed_at)
VALUES ($1, $2, $3, 2, $4::double precision)
ON CONFLICT (scope, operation) DO UPDATE SET
    banned_until = greatest(bucket.banned_until, $3),
    slowdown = least($5::double precision, 2 * greatest(1, bucket.slowdown * power(
        0.5, least(64, greatest(0, ($4 - bucket.slowed_at) / $6::double precision))
    ))),
    slowed_at = $4
RETURNING arrival_at, granted, banned_until, slowdown, slowed_at
"""

_LIST_BANS = """
SELECT scope, operation, banned_until FROM rate_bucket
WHERE banned_until > $1 ORDER BY banned_until DESC
"""

_LIST_USE = """
SELECT scope, operation, CASE WHEN quota_day = $2 THEN used_today ELSE 0 END AS calls_today,
    CASE WHEN banned_until > $1 THEN banned_until END AS banned_until
FROM rate_bucket
WHERE (scope, operation) > ($3, $4) AND (banned_until > $1 OR quota_day = $2)
    AND ($5::text IS NULL OR scope = $5)
ORDER BY scope, operation LIMIT $6
"""

_COUNT_USE = """
SELECT count(*) FILTER (WHERE banned_until > $1 AND scope = $3) AS app_bans,
    count(*) FILTER (WHERE banned_until > $1 AND scope <> $3) AS seller_bans,
    coalesce(max(used_today) FILTER (
        WHERE scope = $3 AND operation = $4 AND quota_day = $2
    ), 0) AS used
FROM rate_bucket
"""


@dataclass(frozen=True)
class BucketUse:
    """How much of AliExpress's limits is used up now; `calls_today` is 0 where none are counted."""

    app_bans: int
    seller_bans: int
    calls_today: int


@dataclass(frozen=True)
class MethodUse:
    """What was called of a method today, in Beijing's day, and the ban that runs. `scope` is a
    seller's id or `app`, `operation` a method or `*`."""

    scope: str
    operation: str
    calls_today: int
    banned_until: datetime | None


class PostgresBuckets:
    """`BucketStore` in the table `rate_bucket`, shared by all replicas of a service."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def take(self, bucket: Bucket, request: PermitRequest) -> BucketState:
        """See `BucketStore`."""
        row = await self._pool.fetchrow(
            _TAKE,
            bucket.scope,
            bucket.operation,
            request.at,
            request.cost,
            request.today,
            request.count,
            request.horizon,
            request.quota,
        )
        return _state(row)

    async def ban(self, bucket: Bucket, *, until: datetime, at: float) -> BucketState:
        """See `BucketStore`."""
        row = await self._pool.fetchrow(
            _BAN,
            bucket.scope,
            bucket.operation,
            until,
            at,
            MAX_SLOWDOWN,
            RECOVERY.total_seconds(),
        )
        return _state(row)

    async def list_bans(self, at: datetime) -> list[Ban]:
        """See `BucketStore`."""
        rows = await self._pool.fetch(_LIST_BANS, at)
        return [Ban(row["scope"], row["operation"], row["banned_until"]) for row in rows]

    async def count_calls(self, bucket: Bucket, today: date) -> int:
        """The calls counted in a bucket today."""
        used: int | None = await self._pool.fetchval(
            """
            SELECT used_today FROM rate_bucket
            WHERE scope = $1 AND operation = $2 AND quota_day = $3
            """,
            bucket.scope,
            bucket.operation,
            today,
        )
        return used or 0

    async def list_use(
        self,
        at: datetime,
        today: date,
        *,
        after: tuple[str, str],
        limit: int,
        scope: str | None = None,
    ) -> list[MethodUse]:
        """What was called today or is banned, by scope and operation; of one scope if it is
        named."""
        rows = await self._pool.fetch(_LIST_USE, at, today, *after, scope, limit)
        return [MethodUse(**row) for row in rows]

    async def count_use(self, at: datetime, today: date) -> BucketUse:
        """The bans that run, and the calls counted for the app today."""
        row = await self._pool.fetchrow(_COUNT_USE, at, today, APP, EVERY_OPERATION)
        if row is None:
            raise RuntimeError("an aggregate returned no row")
        return BucketUse(row["app_bans"], row["seller_bans"], row["used"])


def _state(row: asyncpg.Record | None) -> BucketState:
    if row is None:
        raise RuntimeError("an upsert returned no row")
    return BucketState(**dict(row))
