"""Publish each step towards a token's end once; at the end the connection lapses (M1.3, M9.1)."""

from collections.abc import Sequence
from datetime import datetime

from auth_service.shops import store
from auth_service.shops.expiry_steps import progress
from auth_service.shops.publish_state import SOURCE, publish_states
from auth_service.shops.refresh import store as refresh_store
from auth_service.shops.report_troubles import report_step
from common import clock
from common.contracts.token import TokenExpired, TokenExpiring
from common.failpoints import reach
from common.messaging.outbox import add_events
from common.postgres.pool import Connection, Pool
from common.postgres.set_aside import RowKey, each_apart
from common.postgres.unit_of_work import reading, unit_of_work

JOB = "expiry"
ROWS = 100


async def watch_tokens(pool: Pool) -> bool:
    """Take the shops whose next step is due. Whether there were any."""
    now = clock.now()
    async with reading(pool) as connection:
        due = await store.list_due(connection, JOB, now, limit=ROWS)

    async def take_steps(shops: Sequence[RowKey]) -> None:
        async with unit_of_work(pool) as connection:
            for shop in await store.lock_due(connection, shops, now):
                await _take_step(connection, shop, now)
                reach("expiry.before-commit")

    await each_apart(pool, JOB, due, take_steps, key=lambda shop: shop)
    return bool(due)


async def _take_step(connection: Connection, shop: store.Shop, now: datetime) -> None:
    grant = shop.grant
    reached = progress(grant.expires_at, now, shop.announced_step)
    if reached.step == "expired":
        lapsed = await store.end_connection(connection, shop.merchant_id, shop.shop_id, "lapsed")
        await refresh_store.forget_refresh(connection, shop.merchant_id, shop.shop_id)
        await publish_states(connection, [lapsed])
        expired = TokenExpired(
            merchant_id=shop.merchant_id,
            shop_id=shop.shop_id,
            seller_id=grant.seller_id,
            generation=shop.generation,
            expires_at=grant.expires_at,
        )
        await add_events(connection, [expired], source=SOURCE)
    elif reached.step is not None:
        expiring = TokenExpiring(
            merchant_id=shop.merchant_id,
            shop_id=shop.shop_id,
            seller_id=grant.seller_id,
            generation=shop.generation,
            expires_at=grant.expires_at,
            step=reached.step,
            seconds_left=int((grant.expires_at - now).total_seconds()),
        )
        await add_events(connection, [expiring], source=SOURCE)
    if reached.step is not None:
        await report_step(connection, shop, reached.step, shop.announced_step, now)
    await store.mark_step(
        connection,
        shop.merchant_id,
        shop.shop_id,
        step=reached.step or shop.announced_step,
        next_at=reached.next_at,
    )
