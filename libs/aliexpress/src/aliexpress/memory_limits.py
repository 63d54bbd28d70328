"""Buckets of one process, for tools, and for tests of what does not concern limits."""

from datetime import date, datetime

import msgspec

from aliexpress.limits import (
    MAX_SLOWDOWN,
    Ban,
    Bucket,
    BucketState,
    PermitRequest,
    remaining_slowdown,
)


class MemoryBuckets:
    """`BucketStore` in memory."""

    def __init__(self) -> None:
        self._states: dict[Bucket, BucketState] = {}
        self._used: dict[Bucket, tuple[date, int]] = {}

    async def take(self, bucket: Bucket, request: PermitRequest) -> BucketState:
        """See `BucketStore`."""
        state = self._states.get(bucket, BucketState())
        day, used = self._used.get(bucket, (request.today, 0))
        used = used if day == request.today else 0
        is_near = state.arrival_at <= request.at + request.horizon
        if is_near and (request.quota is None or used + request.count <= request.quota):
            arrival_at = max(state.arrival_at, request.at) + request.cost
            state = msgspec.structs.replace(state, arrival_at=arrival_at, granted=request.count)
            used += request.count
        else:
            state = msgspec.structs.replace(state, granted=0)
        self._states[bucket], self._used[bucket] = state, (request.today, used)
        return state

    async def ban(self, bucket: Bucket, *, until: datetime, at: float) -> BucketState:
        """See `BucketStore`."""
        state = self._states.get(bucket, BucketState())
        banned = msgspec.structs.replace(
            state,
            banned_until=max(until, state.banned_until or until),
            slowdown=min(MAX_SLOWDOWN, 2 * remaining_slowdown(state, at)),
            slowed_at=at,
        )
        self._states[bucket] = banned
        return banned

    async def list_bans(self, at: datetime) -> list[Ban]:
        """See `BucketStore`."""
        bans = [
            Ban(bucket.scope, bucket.operation, state.banned_until)
            for bucket, state in self._states.items()
            if state.banned_until is not None and state.banned_until > at
        ]
        return sorted(bans, key=lambda ban: ban.until, reverse=True)
