"""`shop.state`: how a merchant's connected shop is; never its token."""

from datetime import datetime
from typing import ClassVar, Literal

from common.contracts.event import Event, Identifier, Revision, key_of

Connection = Literal["pending", "connected", "lapsed", "disconnected"]
"""pending: never connected; lapsed: the 30 days are over (M1.3); disconnected: the marketplace
called the token dead."""


class ShopState(Event, frozen=True, kw_only=True):
    """A shop as auth-service knows it. Calls are made only while eligible and connected."""

    topic: ClassVar[str] = "shop.state"

    shop_id: Identifier
    revision: Revision
    is_eligible: bool
    connection: Connection
    generation: int
    seller_id: str | None = None
    seller_name: str | None = None
    expires_at: datetime | None = None

    def key(self) -> str:
        """merchant/shop."""
        return key_of(self.merchant_id, self.shop_id)

    @property
    def is_usable(self) -> bool:
        """Whether the marketplace may be called for this shop (M1.1, M1.3)."""
        return self.is_eligible and self.connection == "connected"
