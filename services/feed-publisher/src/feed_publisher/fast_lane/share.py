"""The fast lane's share of AliExpress's limits, so that ordinary runs always find theirs."""

from aliexpress.client import Client
from aliexpress.limits import APP, EVERY_OPERATION, Bucket, BucketLimiter, limits_from
from aliexpress.shares import BucketsBeside, SharedLimiter, share_of
from aliexpress.store import PostgresBuckets
from aliexpress.wire import BEIJING
from common import clock
from common.postgres.pool import Pool
from common.telemetry.names import FAST_LANE_CALLS
from common.telemetry.setup import counter
from feed_publisher.settings import PublisherSettings

PREFIX = "fast-lane"

_calls = counter(FAST_LANE_CALLS)


class LaneShare:
    """What of the limits fast-lane runs may use, together over all replicas."""

    def __init__(self, pool: Pool, settings: PublisherSettings) -> None:
        self._store = PostgresBuckets(pool)
        self._beside = BucketsBeside(self._store, PREFIX)
        self._limits = share_of(limits_from(settings.limits), settings.fast_lane_share)
        self._limiter = BucketLimiter(self._beside, self._limits, is_measured=False)

    def client(self, client: Client) -> Client:
        """The same client for calls of the fast lane."""
        return client.limited_by(
            lambda whole: SharedLimiter(
                self._limiter,
                whole,
                on_passed=lambda operation: _calls.add(1, {"operation": operation}),
            )
        )

    async def is_used_up(self) -> bool:
        """Whether no call of today's is left."""
        quota = self._limits.app_calls_per_day
        if quota is None:
            return False
        today = clock.now().astimezone(BEIJING).date()
        bucket = self._beside.of(Bucket(APP, EVERY_OPERATION))
        return await self._store.count_calls(bucket, today) >= quota
