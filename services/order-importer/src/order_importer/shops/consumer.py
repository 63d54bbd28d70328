"""`shop.state`: imports begin with the connection, pause while it is lapsed, and catch up."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from common import clock
from common.contracts.shop import ShopState
from common.messaging.newest import newest
from common.messaging.records import Delivery, NotApplied
from common.postgres.pool import Connection
from order_importer.imports.schedule import find_schedule, schedule_imports
from order_importer.imports.store import request_import
from order_importer.shops import store

ForgetToken = Callable[[str, str], None]


class ShopStates:
    """Stores the state of each shop; forgets the cached token of one that was renewed."""

    def __init__(self, forget_token: ForgetToken, *, import_every: timedelta) -> None:
        self._forget_token = forget_token
        self._import_every = import_every

    async def on_shop_state(
        self, connection: Connection, deliveries: Sequence[Delivery[ShopState]]
    ) -> Sequence[NotApplied]:
        """Store the highest revision of each shop; one that became usable is imported at once."""
        states = newest(
            (delivery.event for delivery in deliveries), ShopState.key, lambda state: state.revision
        )
        for change in await store.save_states(connection, states):
            shop = change.shop
            if change.is_renewed:
                self._forget_token(shop.merchant_id, shop.shop_id)
            if change.may_begin:
                await schedule_imports(
                    connection, shop.merchant_id, shop.shop_id, self._import_every
                )
                await self._catch_up(connection, shop)
        return []

    async def _catch_up(self, connection: Connection, shop: store.Shop) -> None:
        schedule = await find_schedule(connection, shop.merchant_id, shop.shop_id)
        if schedule is None or not schedule.is_paused:
            await request_import(
                connection, shop.merchant_id, shop.shop_id, "connected", at=clock.now()
            )
