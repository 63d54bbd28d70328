"""How much of AliExpress's limits is used up, as metrics."""

from datetime import timedelta

from aliexpress.store import PostgresBuckets
from aliexpress.wire import BEIJING
from common import clock
from common.postgres.pool import Pool
from common.telemetry.names import BANS, QUOTA_USED
from common.telemetry.setup import Gauge

LIMITS_MEASURED_EVERY = timedelta(seconds=10)

_bans = Gauge(BANS)
_used = Gauge(QUOTA_USED)


async def measure_limits(pool: Pool) -> bool:
    """Set the gauges by the service's buckets: a row for each seller and method."""
    now = clock.now()
    use = await PostgresBuckets(pool).count_use(now, now.astimezone(BEIJING).date())
    _bans.set(use.app_bans, {"scope": "app"})
    _bans.set(use.seller_bans, {"scope": "seller"})
    _used.set(use.calls_today)
    return False
