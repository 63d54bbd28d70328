"""Publish all orders again, as an operator asks, at their present revision: nothing changed."""

from common.messaging.outbox import add_events
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from order_importer.orders import store
from order_importer.orders.events import SOURCE, published_again

ROWS = 200


async def republish(pool: Pool, merchant_id: str | None = None) -> int:
    """Emit `order.updated` of every order, or of one merchant's; how many."""
    after, count = ("", "", ""), 0
    while True:
        async with unit_of_work(pool) as connection:
            orders = await store.list_orders_after(
                connection, merchant_id=merchant_id, after=after, limit=ROWS
            )
            await add_events(
                connection, [published_again(order) for order in orders], source=SOURCE
            )
        count += len(orders)
        if len(orders) < ROWS:
            return count
        last = orders[-1]
        after = (last.merchant_id, last.shop_id, last.order.order_id)
