"""How many orders are not yet shipped, by status and the hours left, as a metric."""

from datetime import timedelta

from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.telemetry.names import ORDERS_OPEN
from common.telemetry.setup import Gauge
from order_importer.deadlines import store

EDGES = {"late": 0, "<6": 6, "<24": 24, "<72": 72}
"""Hours left, the nearest first; what is beyond all is `more`, what has no deadline `none`."""

_open = Gauge(ORDERS_OPEN)


async def measure_open(pool: Pool) -> bool:
    """Set the gauge, with 0 for every number of hours that no waiting order has."""
    now = clock.now()
    edges = [now + timedelta(hours=hours) for hours in EDGES.values()]
    async with reading(pool) as connection:
        counted = await store.count_open(connection, edges)
    readings = {_labels("waiting_shipment", left): 0.0 for left in (*EDGES, "more")}
    for status, passed, orders in counted:
        readings[_labels(status, _hours_left(passed))] = float(orders)
    _open.replace(readings)
    return False


def _hours_left(edges_ahead: int) -> str:
    """The bucket of a deadline that lies before so many of the edges; -1 for no deadline."""
    if edges_ahead < 0:
        return "none"
    return "more" if edges_ahead == 0 else list(EDGES)[len(EDGES) - edges_ahead]


def _labels(status: str, hours_left: str) -> tuple[tuple[str, str], ...]:
    return ("hours_left", hours_left), ("status", status)
