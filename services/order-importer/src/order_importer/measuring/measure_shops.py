"""How far order imports are behind, and how long parcels wait, as metrics."""

from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.telemetry.names import (
    ORDER_IMPORTS_LATE,
    ORDERS_COVERED_AGE,
    PARCELS_AGE,
    PARCELS_OPEN,
)
from common.telemetry.setup import Gauge
from order_importer.measuring import store

SHOWN_SHOPS = 500
"""Series of shops, those furthest behind."""
STATES = ("pending", "sent")

_covered_age = Gauge(ORDERS_COVERED_AGE)
_late = Gauge(ORDER_IMPORTS_LATE)
_open = Gauge(PARCELS_OPEN)
_age = Gauge(PARCELS_AGE)


async def measure_shops(pool: Pool) -> bool:
    """Set the gauges, with 0 for every state that no parcel is in."""
    async with reading(pool) as connection:
        shops = await store.list_furthest_behind(connection, limit=SHOWN_SHOPS)
        late = await store.count_late_imports(connection)
        parcels = {of.state: of for of in await store.count_open_parcels(connection)}
    now = clock.now()
    _covered_age.replace(
        {
            (("merchant", merchant), ("shop", shop)): clock.seconds_between(covered_until, now)
            for merchant, shop, covered_until in shops
        }
    )
    _late.set(late)
    for state in STATES:
        of = parcels.get(state)
        _open.set(of.parcels if of else 0, {"state": state})
        _age.set(clock.seconds_between(of.oldest if of else None, now), {"state": state})
    return False
