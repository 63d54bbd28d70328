"""What the control API is asked; a field that is not known is refused."""

from datetime import datetime

import msgspec

from sandbox.products.service import Standing


class ClockMove(msgspec.Struct, forbid_unknown_fields=True):
    """Stop the clock or let it run, set it, move it on; in this order."""

    set: datetime | None = None
    advance_seconds: float | None = None
    is_frozen: bool | None = None


class OrderLine(msgspec.Struct, forbid_unknown_fields=True):
    """One line of an explicit order."""

    sku_code: str
    quantity: int = 1


class OrdersAsked(msgspec.Struct, forbid_unknown_fields=True):
    """Orders to place; `status` moves them on at once, `journey` may be `mixed`."""

    seller_id: str
    seed: int = 1
    count: int = 1
    lines: list[OrderLine] = []
    status: str | None = None
    journey: str = "plain"


class StatusAsked(msgspec.Struct, forbid_unknown_fields=True):
    """A status to put something into."""

    status: str
    reason: str = ""


class CodeAsked(msgspec.Struct, forbid_unknown_fields=True):
    """An authorisation code without the pages."""

    seller_id: str
    redirect_uri: str


class SellerAsked(msgspec.Struct, forbid_unknown_fields=True):
    """A seller, and its standing with the platform where that is asked."""

    seller_id: str
    standing: Standing = "active"


class ProductsAsked(msgspec.Struct, forbid_unknown_fields=True):
    """Products the seller made by hand: `count` of them, or one per SKU code."""

    seller_id: str
    count: int = 0
    sku_codes: list[str] = []


class BanAsked(msgspec.Struct, forbid_unknown_fields=True):
    """A ban of operations that match a pattern."""

    seconds: float
    operation: str = "*"
