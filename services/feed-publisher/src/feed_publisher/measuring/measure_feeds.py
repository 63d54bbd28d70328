"""Runs that wait, changes withheld and jobs that are stuck, as metrics."""

from itertools import product

from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.telemetry.names import CALLS_STUCK, RUNS_AGE, RUNS_OPEN, WITHHELD
from common.telemetry.setup import Gauge, Labels
from feed_publisher.measuring import store

KINDS = ("product", "offer", "fast-lane", "dry-run")
STATES = ("queued", "planning", "running")
GUARDS = ("removal", "configuration")
COUNTED_TO = 10_000

_open = Gauge(RUNS_OPEN)
_age = Gauge(RUNS_AGE)
_withheld = Gauge(WITHHELD)
_stuck = Gauge(CALLS_STUCK)


async def measure_feeds(pool: Pool) -> bool:
    """Set the gauges, with 0 for every kind and state that no run is in."""
    async with reading(pool) as connection:
        runs = await store.count_open_runs(connection)
        held = await store.count_held(connection, limit=COUNTED_TO)
        stuck = await store.count_stuck_calls(connection)
    now = clock.now()
    counts = {_labels(kind, state): 0.0 for kind, state in product(KINDS, STATES)}
    ages = dict(counts)
    for of in runs:
        counts[_labels(of.kind, of.state)] = of.runs
        ages[_labels(of.kind, of.state)] = clock.seconds_between(of.oldest, now)
    _open.replace(counts)
    _age.replace(ages)
    _withheld.replace({(("guard", guard),): float(held.get(guard, 0)) for guard in GUARDS})
    _stuck.set(stuck)
    return False


def _labels(kind: str, state: str) -> Labels:
    return ("kind", kind), ("state", state)
