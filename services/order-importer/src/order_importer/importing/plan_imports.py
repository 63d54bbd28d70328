"""Ask for the imports that are due by schedule; a shop that may not be called waits (M1.3)."""

from datetime import datetime, timedelta

from common import clock
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import unit_of_work
from order_importer.imports.schedule import Kind, claim_due_shops
from order_importer.imports.store import Cause, request_import
from order_importer.shops.store import load_shop

NIGHTLY_DEPTH = timedelta(days=10)
"""How far back the nightly reading looks, for what a list left out or showed late."""


async def plan_imports(pool: Pool) -> bool:
    """Turn due schedules into imports. Whether there were any."""
    now = clock.now()
    async with unit_of_work(pool) as connection:
        deep = await _plan(connection, "order-reread", "nightly", reads_from=now - NIGHTLY_DEPTH)
        usual = await _plan(connection, "order-import", "schedule", reads_from=None)
    return deep or usual


async def _plan(
    connection: Connection, kind: Kind, cause: Cause, *, reads_from: datetime | None
) -> bool:
    claimed = await claim_due_shops(connection, kind)
    for merchant_id, shop_id in claimed:
        if (await load_shop(connection, merchant_id, shop_id)).is_usable:
            await request_import(
                connection, merchant_id, shop_id, cause, at=clock.now(), reads_from=reads_from
            )
    return bool(claimed)
