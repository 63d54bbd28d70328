"""Give a shop's access token to a service of ours."""

from dataclasses import dataclass
from datetime import datetime

from auth_service.sealing.token_vault import TokenVault
from auth_service.shops import store
from common import clock
from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading


class ShopNotUsable(Refusal):
    """The shop has no token to call AliExpress with, or its merchant may not (M1.1, M1.3)."""

    def __init__(self, shop: store.Shop, why: str) -> None:
        super().__init__(
            f"the shop {shop.shop_id} is {why}",
            status=409,
            slug="shop-not-usable",
            rule="M1.3" if shop.is_eligible else "M1.1",
            remedy="Connect the shop." if shop.is_eligible else "Ask the operator to admit it.",
        )


@dataclass(frozen=True)
class IssuedToken:
    """A token in the clear, for a service's memory only."""

    access_token: str
    seller_id: str
    generation: int
    expires_at: datetime

    def __repr__(self) -> str:
        return f"IssuedToken(seller_id={self.seller_id!r}, generation={self.generation})"


async def issue_token(pool: Pool, vault: TokenVault, merchant_id: str, shop_id: str) -> IssuedToken:
    """The shop's usable token. Raises `NotFound` and `ShopNotUsable`."""
    async with reading(pool) as connection:
        shop, sealed = await store.find_sealed(connection, merchant_id, shop_id)
    if not shop.is_eligible:
        raise ShopNotUsable(shop, "not eligible")
    if shop.connection != "connected" or sealed is None:
        raise ShopNotUsable(shop, shop.connection)
    grant = shop.grant
    if grant.expires_at <= clock.now():
        raise ShopNotUsable(shop, "lapsed")
    token = vault.open(sealed, shop.owner)
    return IssuedToken(token, grant.seller_id, shop.generation, grant.expires_at)
