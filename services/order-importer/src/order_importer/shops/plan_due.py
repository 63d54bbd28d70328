"""Plan what is due of shops by schedule; a shop that may not be called waits (M1.3)."""

from collections.abc import Awaitable, Callable

from common.postgres.pool import Connection, Pool
from common.postgres.schedules import Schedule, run_due
from order_importer.imports.schedule import Kind
from order_importer.shops.store import Shop, load_shop


async def plan_due_shops(
    pool: Pool, kind: Kind, plan: Callable[[Connection, Shop], Awaitable[object]]
) -> bool:
    """Plan this for each shop of which it is due and that may be called (M1.3); whether any was
    due. One that fails does so alone."""

    async def act(connection: Connection, due: Schedule) -> None:
        shop = await load_shop(connection, due.merchant_id, due.subject)
        if shop.is_usable:
            await plan(connection, shop)

    return await run_due(pool, kind, act)
