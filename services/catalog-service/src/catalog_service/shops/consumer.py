"""`shop.state`: which shops there are, and whether they can be used."""

from collections.abc import Callable, Sequence

from catalog_service.shops.store import keep_shops
from common.contracts.shop import ShopState
from common.messaging.newest import newest
from common.messaging.records import Delivery, NotApplied
from common.postgres.pool import Connection

ForgetToken = Callable[[str, str], None]


class ShopStates:
    """Keeps how the shops are; forgets the cached token of one that was renewed."""

    def __init__(self, forget_token: ForgetToken) -> None:
        self._forget_token = forget_token

    async def on_shop_state(
        self, connection: Connection, deliveries: Sequence[Delivery[ShopState]]
    ) -> Sequence[NotApplied]:
        """Keep the highest revision of each shop."""
        states = newest(
            (delivery.event for delivery in deliveries), ShopState.key, lambda state: state.revision
        )
        for merchant_id, shop_id in await keep_shops(connection, states):
            self._forget_token(merchant_id, shop_id)
        return []
