"""`orders.imported`: that an import of a shop's orders ended, or is late (M8.1)."""

from datetime import datetime
from typing import ClassVar, Literal

from common.contracts.event import Event, Identifier, key_of


class OrdersImported(Event, frozen=True, kw_only=True):
    """An import ended, or has not succeeded for an hour (`late`, once; it goes on by itself).

    All orders changed until `covered_until` are imported. `found` orders were listed as changed,
    of which `received` were new and `updated` had changed; `unreadable` could not be read and are
    tried again. `problem` is why it failed or is late, with its `explanation` and `remedy`.
    """

    topic: ClassVar[str] = "orders.imported"

    shop_id: Identifier
    import_id: int
    cause: str
    outcome: Literal["done", "failed", "late"]
    found: int
    received: int
    updated: int
    unreadable: int
    covered_until: datetime | None = None
    problem: str | None = None
    explanation: str | None = None
    remedy: str | None = None

    def key(self) -> str:
        """merchant/shop."""
        return key_of(self.merchant_id, self.shop_id)
