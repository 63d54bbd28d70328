"""Shops, feeds and products as other services last published them. Pure."""

from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Literal

from common.contracts.product import ProductNormalized
from common.contracts.shop import Connection as ShopConnection

Kind = Literal["product", "offer"]
"""product: creations, content, deletions, daily; offer: prices and stock, hourly (M7.1)."""


@dataclass(frozen=True)
class Shop:
    """A shop as auth-service last published it."""

    merchant_id: str
    shop_id: str
    is_eligible: bool
    connection: ShopConnection
    generation: int
    seller_id: str | None
    expires_at: datetime | None

    def why_unusable(self, now: datetime) -> str | None:
        """Why AliExpress may not be called for it (M1.1, M1.3), or None when it may."""
        if not self.is_eligible:
            return "the merchant is not eligible to use this channel"
        if self.connection != "connected":
            return f"the shop is {self.connection}"
        if self.expires_at is not None and self.expires_at <= now:
            return "the shop's token has lapsed"
        return None


@dataclass(frozen=True)
class Feed:
    """A feed as catalog-service last published it, and when its first product run was confirmed."""

    merchant_id: str
    feed_id: str
    shop_id: str
    catalogue_id: str
    main_locale: str
    configuration_version: int
    lifecycle: Literal["active", "removed"]
    confirmed_at: datetime | None
    uses_fast_lane: bool | None = None
    """None: as the setting says; likewise below."""
    product_run_at: time | None = None
    """When its product run is due each day, in `product_run_zone`."""
    product_run_zone: str | None = None
    offer_run_minutes: int | None = None
    guard_share: Decimal | None = None
    """The share of its products that may be taken away, or changed by a new configuration, in 24
    hours without a confirmation (M7.4)."""


@dataclass(frozen=True)
class Desired:
    """What should be on AliExpress for one family, and the trace of its event."""

    state: ProductNormalized
    traceparent: str | None
