"""`shop.state`: how shops are, for the other services; never the token."""

from collections.abc import Sequence

from auth_service.shops.store import Shop
from common.contracts.shop import ShopState
from common.messaging.outbox import add_events
from common.postgres.pool import Connection

SOURCE = "/auth-service"


def state_of(shop: Shop) -> ShopState:
    """The shop as others may know it."""
    return ShopState(
        merchant_id=shop.merchant_id,
        shop_id=shop.shop_id,
        revision=shop.revision,
        is_eligible=shop.is_eligible,
        connection=shop.connection,
        generation=shop.generation,
        seller_id=shop.seller_id,
        seller_name=shop.seller_name,
        expires_at=shop.expires_at,
    )


async def publish_states(connection: Connection, shops: Sequence[Shop]) -> None:
    """Add `shop.state` of these shops, whose rows this transaction changed in this order."""
    await add_events(connection, [state_of(shop) for shop in shops], source=SOURCE)
