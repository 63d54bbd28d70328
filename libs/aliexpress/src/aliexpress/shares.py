"""A share of the limits for some of a service's calls, so that the others always find theirs.

Such calls wait for their share first and then, like any other, for the limits themselves. A share
has buckets of its own in the same store, so it holds over the service's replicas. Bans are the
whole's: no share is banned by itself.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from aliexpress.errors import LimitReached
from aliexpress.limits import (
    Ban,
    Bucket,
    BucketState,
    BucketStore,
    Limiter,
    Limits,
    PermitRequest,
    Rate,
)

WAITS_AT_MOST = timedelta(seconds=2)
"""For how long a call waits for its share: who uses one has better to do than to wait."""


def share_of(limits: Limits, share: Decimal) -> Limits:
    """The limits with this share (0 to 1) of each rate and of the day's quota. Pure."""
    factor = float(share)

    def part(rate: Rate) -> Rate:
        return Rate(per_second=rate.per_second * factor, burst=max(1, int(rate.burst * factor)))

    quota = limits.app_calls_per_day
    return msgspec.structs.replace(
        limits,
        per_app={name: part(rate) for name, rate in limits.per_app.items()},
        per_seller={name: part(rate) for name, rate in limits.per_seller.items()},
        app_calls_per_day=None if quota is None else int(quota * share),
        max_wait=min(limits.max_wait, WAITS_AT_MOST),
    )


class BucketsBeside:
    """`BucketStore`: buckets beside those of all calls, their scopes after a prefix."""

    def __init__(self, store: BucketStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    def of(self, bucket: Bucket) -> Bucket:
        """Where this bucket of the share is kept."""
        return Bucket(f"{self._prefix}/{bucket.scope}", bucket.operation)

    async def take(self, bucket: Bucket, request: PermitRequest) -> BucketState:
        """See `BucketStore`."""
        return await self._store.take(self.of(bucket), request)

    async def ban(self, bucket: Bucket, *, until: datetime, at: float) -> BucketState:
        """See `BucketStore`."""
        return await self._store.ban(self.of(bucket), until=until, at=at)

    async def list_bans(self, at: datetime) -> list[Ban]:
        """See `BucketStore`."""
        bans = await self._store.list_bans(at)
        return [ban for ban in bans if ban.scope.startswith(f"{self._prefix}/")]


class SharedLimiter:
    """`Limiter` of calls that keep to a share: they pass it first, then all that others pass.

    `on_passed` is told the operation of each call that passed both. `LimitReached` of the share has
    the code `limit-kept`, as any limit that we keep ourselves.
    """

    def __init__(self, share: Limiter, whole: Limiter, on_passed: Callable[[str], None]) -> None:
        self._share = share
        self._whole = whole
        self._on_passed = on_passed

    async def acquire(self, seller_id: str | None, operation: str) -> None:
        """See `Limiter`."""
        await self._share.acquire(seller_id, operation)
        await self._whole.acquire(seller_id, operation)
        self._on_passed(operation)

    async def refused(self, seller_id: str | None, operation: str, limit: LimitReached) -> None:
        """See `Limiter`."""
        await self._whole.refused(seller_id, operation, limit)
