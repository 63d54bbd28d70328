"""Ask for the imports that are due by schedule; a shop that may not be called waits (M1.3)."""

from common import clock
from common.postgres.pool import Pool
from common.postgres.schedules import claim_due
from common.postgres.unit_of_work import unit_of_work
from order_importer.importing.store import request_import
from order_importer.shops.consumer import IMPORT_SCHEDULE
from order_importer.shops.store import load_shop


async def plan_imports(pool: Pool) -> bool:
    """Turn due schedules into imports. Whether there were any."""
    async with unit_of_work(pool) as connection:
        claimed = await claim_due(connection, IMPORT_SCHEDULE)
        for schedule in claimed:
            shop = await load_shop(connection, schedule.merchant_id, schedule.subject)
            if shop.is_usable:
                await request_import(
                    connection, shop.merchant_id, shop.shop_id, "schedule", at=clock.now()
                )
    return bool(claimed)
