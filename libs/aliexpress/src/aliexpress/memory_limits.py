"""Buckets of one process, for tools, and for tests of what does not concern limits."""

from datetime import date, datetime

import msgspec

from aliexpress.limits import MAX_SLOWDOWN, Ban, Bucket, BucketState, remaining_slowdown


class MemoryBuckets:
    """`BucketStore` in memory."""

    def __init__(self) -> None:
        self._states: dict[Bucket, BucketState] = {}
        self._days: dict[Bucket, date] = {}

    async def take(
        self, bucket: Bucket, *, at: float, cost: float, count: int, today: date
    ) -> BucketState:
        """See `BucketStore`."""
        state = self._states.get(bucket, BucketState())
        used = state.used_today if self._days.get(bucket) == today else 0
        self._days[bucket] = today
        taken = msgspec.structs.replace(
            state, arrival_at=max(state.arrival_at, at) + cost, used_today=used + count
        )
        self._states[bucket] = taken
        return taken

    async def ban(self, bucket: Bucket, *, until: datetime, at: datetime) -> BucketState:
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
