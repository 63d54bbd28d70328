"""`shop.state`: imports begin with the connection, stand still while it is lapsed, and catch up."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from common import clock
from common.contracts.shop import ShopState
from common.messaging.records import Delivery, Setback
from common.postgres.pool import Connection
from common.postgres.schedules import Every, list_schedules, set_schedule
from order_importer.importing.store import request_import
from order_importer.shops import store

IMPORT_SCHEDULE = "order-import"
"""The kind of the schedules of imports; their subject is the shop."""

ForgetToken = Callable[[str, str], None]


class ShopStates:
    """Keeps how the shops are; forgets the cached token of one that was renewed."""

    def __init__(self, forget_token: ForgetToken, *, import_every: timedelta) -> None:
        self._forget_token = forget_token
        self._import_every = import_every

    async def on_shop_state(
        self, connection: Connection, deliveries: Sequence[Delivery[ShopState]]
    ) -> Sequence[Setback]:
        """Keep the highest revision of each shop; one that became usable is imported at once."""
        newest: dict[str, ShopState] = {}
        for delivery in deliveries:
            state = delivery.event
            known = newest.get(state.key())
            if known is None or state.revision > known.revision:
                newest[state.key()] = state
        for change in await store.keep_states(connection, [newest[key] for key in sorted(newest)]):
            shop = change.shop
            if change.is_renewed:
                self._forget_token(shop.merchant_id, shop.shop_id)
            if change.may_begin:
                await set_schedule(
                    connection,
                    IMPORT_SCHEDULE,
                    shop.merchant_id,
                    shop.shop_id,
                    Every(self._import_every),
                )
                await self._catch_up(connection, shop)
        return []

    async def _catch_up(self, connection: Connection, shop: store.Shop) -> None:
        schedules = await list_schedules(connection, shop.merchant_id, subject=shop.shop_id)
        if not any(each.is_paused for each in schedules if each.kind == IMPORT_SCHEDULE):
            await request_import(
                connection, shop.merchant_id, shop.shop_id, "connected", at=clock.now()
            )
