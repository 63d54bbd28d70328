"""Ask for the imports that are due by schedule; a shop that may not be called waits (M1.3)."""

from datetime import timedelta

from common import clock
from common.postgres.pool import Connection, Pool
from order_importer.imports.store import request_import
from order_importer.shops.plan_due import plan_due_shops
from order_importer.shops.store import Shop

NIGHTLY_DEPTH = timedelta(days=10)
"""How far back the nightly reading looks, for what a list left out or showed late."""


async def plan_imports(pool: Pool) -> bool:
    """Turn due schedules into imports. Whether there were any."""
    deep = await plan_due_shops(pool, "order-reread", _request_deep)
    usual = await plan_due_shops(pool, "order-import", _request_usual)
    return deep or usual


async def _request_deep(connection: Connection, shop: Shop) -> None:
    now = clock.now()
    await request_import(
        connection,
        shop.merchant_id,
        shop.shop_id,
        "nightly",
        at=now,
        reads_from=now - NIGHTLY_DEPTH,
    )


async def _request_usual(connection: Connection, shop: Shop) -> None:
    await request_import(
        connection, shop.merchant_id, shop.shop_id, "schedule", at=clock.now(), reads_from=None
    )
