"""What a seller does to its products at AliExpress itself, past the channel."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from aliexpress import oauth
from aliexpress.client import Client
from aliexpress.gateway import new_gateway
from aliexpress.limits import BucketLimiter
from aliexpress.memory_limits import MemoryBuckets
from aliexpress.offers import (
    BatchOutcome,
    ProductPrices,
    ProductStock,
    SkuPrice,
    SkuStock,
    update_prices,
    update_stock,
)
from aliexpress.operation import AccessToken, AppCredentials
from aliexpress.payload import product_payload
from aliexpress.products import put_on_sale, take_off_sale, update_product
from aliexpress.transport import HttpTransport
from channel_cli.settings import PUBLISHER as PUBLISHER_ADDRESS
from channel_demo.sandbox import ShopProduct
from channel_demo.session import Session
from common.contracts.product import Content, LocalText
from feed_publisher.listings.listing import AcceptedSku
from stack.run import Stack
from stack.system import AUTH, PUBLISHER, SANDBOX
from stack.testing.marketplace import Marketplace


class _Desired(msgspec.Struct, frozen=True):
    content: Content | None = None


class _Product(msgspec.Struct, frozen=True):
    desired: _Desired | None = None


@dataclass(frozen=True)
class SellerCentre:
    """The seller, signed in. Every method raises `aliexpress.errors.CallerFault` where AliExpress
    refuses, as while it audits the product."""

    session: Session
    client: Client
    token: AccessToken

    async def set_stock(self, product: ShopProduct, code: str, inventory: int) -> None:
        """Another stock of a SKU."""
        stock = [ProductStock(product.product_id, (SkuStock(code, inventory),))]
        _require_taken(await update_stock(self.client, self.token, stock))

    async def set_price(self, product: ShopProduct, code: str, price: str) -> None:
        """Another price of a SKU; its discount is gone."""
        prices = [ProductPrices(product.product_id, (SkuPrice(code, price),))]
        _require_taken(await update_prices(self.client, self.token, prices))

    async def take_offline(self, product: ShopProduct) -> None:
        """It is not sold for now."""
        await take_off_sale(self.client, self.token, [product.product_id])

    async def put_online(self, product: ShopProduct) -> None:
        """It is sold again."""
        await put_on_sale(self.client, self.token, [product.product_id])

    async def set_title(self, product: ShopProduct, family_id: str, title: str) -> bool:
        """Another title, all else as it is; False where the channel is changing its SKUs."""
        content = await self._content(family_id)
        codes = {sku.sku_code for sku in product.skus}
        if content is None or {sku.sku_code for sku in content.skus} != codes:
            return False
        named = msgspec.structs.replace(content, titles=[LocalText(content.main_locale, title)])
        offers = {
            sku.sku_code: AcceptedSku(sku.price, sku.discount_price, inventory=sku.inventory)
            for sku in product.skus
        }
        payload = product_payload(named, offers)
        await update_product(self.client, self.token, product.product_id, payload)
        return True

    async def _content(self, family_id: str) -> Content | None:
        session = self.session
        path = f"/v1/merchants/{session.merchant}/feeds/{session.feed}/products/{family_id}"
        found = await session.channel.session.get(PUBLISHER_ADDRESS, path, _Product)
        return found.desired.content if found.desired else None


def _require_taken(outcome: BatchOutcome) -> None:
    for failure in outcome.failed:
        raise EditRefused(failure.message)


class EditRefused(Exception):
    """AliExpress did not take an edit of a batch call."""


@asynccontextmanager
async def sign_in(stack: Stack, session: Session) -> AsyncIterator[SellerCentre]:
    """The seller centre of the session's shop, with a token of its own."""
    environment = stack.environment(PUBLISHER)
    app = AppCredentials(environment["PUBLISHER_APP_KEY"], environment["PUBLISHER_APP_SECRET"])
    gateway = new_gateway(stack.url(SANDBOX))
    client = Client(app, gateway, HttpTransport(), BucketLimiter(MemoryBuckets()))
    marketplace = Marketplace(session.sandbox.http, session.sandbox.seller_id)
    redirect = f"{stack.url(AUTH.name)}/v1/oauth/callback"
    code = await marketplace.authorization_code(redirect)
    grant = await oauth.create_token(client, code, redirect_uri=redirect)
    try:
        yield SellerCentre(
            session, client, AccessToken(session.sandbox.seller_id, grant.access_token)
        )
    finally:
        await client.aclose()
