"""Ask for the imports that are due by schedule; a shop that may not be called waits (M1.3)."""

from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from order_importer.imports.schedule import claim_due_shops
from order_importer.imports.store import request_import
from order_importer.shops.store import load_shop


async def plan_imports(pool: Pool) -> bool:
    """Turn due schedules into imports. Whether there were any."""
    async with unit_of_work(pool) as connection:
        claimed = await claim_due_shops(connection)
        for merchant_id, shop_id in claimed:
            shop = await load_shop(connection, merchant_id, shop_id)
            if shop.is_usable:
                await request_import(
                    connection, shop.merchant_id, shop.shop_id, "schedule", at=clock.now()
                )
    return bool(claimed)
