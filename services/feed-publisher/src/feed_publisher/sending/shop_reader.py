"""Reads one product of a shop while somebody waits for the answer."""

from aliexpress.client import Client
from aliexpress.operation import AccessToken
from aliexpress.products import Product
from common.errors import Refusal
from common.shop_tokens import ShopNotConnected, ShopTokens
from feed_publisher.sending.look_up import find_product


class ShopReader:
    """Reads products of any merchant's shop; nothing is written there."""

    def __init__(self, client: Client, tokens: ShopTokens) -> None:
        self.client = client
        self._tokens = tokens

    async def access(self, merchant_id: str, shop_id: str) -> AccessToken:
        """What the shop is called with. Raises `Refusal` while it is not connected."""
        try:
            token = await self._tokens.token(merchant_id, shop_id)
        except ShopNotConnected:
            raise Refusal(
                "the shop is not connected",
                status=409,
                slug="shop-not-connected",
                remedy="Connect the shop, then repeat this.",
            ) from None
        return AccessToken(token.seller_id, token.value.get_secret_value())

    async def find(self, merchant_id: str, shop_id: str, product_id: str) -> Product | None:
        """The product as it stands, None when the shop has none of that id. Raises `Refusal`, and
        the failures of a read."""
        access = await self.access(merchant_id, shop_id)
        return await find_product(self.client, access, product_id)
