"""The shop a proposal is for: whether it is there, and whether its categories are known."""

from catalog_service.proposals.draft import Categories
from catalog_service.shops.store import load_usable_shops
from common.errors import Refusal
from common.nearest import MOST_COMPARED, nearest_names
from common.postgres.pool import Connection

MOST_NAMED = 5


async def check_shop(connection: Connection, merchant_id: str, shop_id: str) -> Categories:
    """How it stands with the shop's categories while its tree is not here.

    Raises `Refusal` for a shop that is none of the merchant's; a merchant without shops may have a
    proposal before the first is connected.
    """
    shops = await load_usable_shops(connection, merchant_id, shop_id, limit=MOST_COMPARED)
    if shop_id in shops:
        return "awaited" if shops[shop_id] else "unconnected"
    if not shops:
        return "unconnected"
    nearest = nearest_names(shop_id, list(shops)) or sorted(shops)[:MOST_NAMED]
    raise Refusal(
        f"the merchant has no shop {shop_id}",
        status=409,
        slug="shop-unknown",
        field="shop",
        rule="M1.1",
        remedy=f"Name one that is there: {', '.join(nearest)}. Or connect it first (`channel shops"
        f" connect {shop_id}`); a shop connected a moment ago is known here within seconds.",
    )
