"""The job that measures a worker: its jobs, its pool, its consumers' lag, and what waits."""

from collections.abc import Sequence

from common.jobs import Job
from common.messaging.consumer import Consumer
from common.messaging.observe import observe_backlog
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.telemetry.names import (
    CONSUMER_END_AGE,
    CONSUMER_LAG,
    JOBS_FAILING,
    POOL_CONNECTIONS,
    POOL_LIMIT,
    POSITIONS_LOST,
)
from common.telemetry.setup import Gauge, Labels

_lag = Gauge(CONSUMER_LAG)
_end_age = Gauge(CONSUMER_END_AGE)
_positions_lost = Gauge(POSITIONS_LOST)
_failing = Gauge(JOBS_FAILING)
_pool_connections = Gauge(POOL_CONNECTIONS)
_pool_limit = Gauge(POOL_LIMIT)


class Measuring:
    """Reads the gauges that every worker has; what needs no database first, so that it is also
    true while the database is away."""

    def __init__(self, pool: Pool, consumers: Sequence[Consumer], jobs: Sequence[Job]) -> None:
        self._pool = pool
        self._consumers = consumers
        self._jobs = jobs

    async def run(self) -> bool:
        """Read them once; there is never more work to do at once."""
        self._measure_process()
        async with reading(self._pool) as connection:
            await observe_backlog(connection)
            lag: dict[Labels, float] = {}
            for consumer in self._consumers:
                behind = await consumer.lag.measure(connection)
                for (topic, partition), records in behind.items():
                    lag[_labels(consumer.group, topic, partition)] = records
        _lag.replace(lag)
        return False

    def _measure_process(self) -> None:
        _failing.replace({(("name", job.name),): float(job.is_failing) for job in self._jobs})
        used = self._pool.get_size() - self._pool.get_idle_size()
        _pool_connections.set(used, {"state": "used"})
        _pool_connections.set(self._pool.get_idle_size(), {"state": "idle"})
        _pool_limit.set(self._pool.get_max_size())
        for consumer in self._consumers:
            group = {"group": consumer.group}
            _end_age.set(consumer.lag.end_age, group)
            _positions_lost.set(float(consumer.failure is not None), group)


def _labels(group: str, topic: str, partition: int) -> Labels:
    return ("group", group), ("partition", str(partition)), ("topic", topic)
