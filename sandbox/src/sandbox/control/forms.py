"""What the control API is asked; a field that is not known is refused."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from sandbox.orders import lifecycle
from sandbox.orders.order import Passport, Pickup, Settlement
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


class LinesCancelled(msgspec.Struct, forbid_unknown_fields=True):
    """Lines a buyer takes out of an order, by SKU code."""

    sku_codes: list[str]
    reason: str = lifecycle.CANCELLED


class LineRefunded(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a line's price given back; `amount` is a decimal text."""

    sku_code: str
    amount: Decimal
    reason: str = "partial_refund"


class LineDiscounted(msgspec.Struct, forbid_unknown_fields=True):
    """What a promotion takes off a line; `amount` is a decimal text, `owner` pays for it."""

    sku_code: str
    amount: Decimal
    owner: Literal["PLATFORM", "SELLER"]
    kind: str = "coupon"
    promotion_id: str = "1"


class DeliveryChosen(msgspec.Struct, forbid_unknown_fields=True):
    """How an order is delivered and settled; what is not sent stays."""

    pickup: Pickup | None = None
    passport: Passport | None = None
    settlement: Settlement | None = None


class AddressChanged(msgspec.Struct, forbid_unknown_fields=True):
    """What a buyer changes of an order's address; what is not sent stays."""

    name: str | None = None
    phone_country: str | None = None
    mobile: str | None = None
    country: str | None = None
    country_name: str | None = None
    province: str | None = None
    city: str | None = None
    street: str | None = None
    address2: str | None = None
    zip: str | None = None


class ParcelMade(msgspec.Struct, forbid_unknown_fields=True):
    """A parcel the seller declares by hand in the seller centre."""

    service_name: str
    logistics_no: str
    send_type: Literal["all", "part"] = "all"
    tracking_website: str = ""


class ParcelWithdrawn(msgspec.Struct, forbid_unknown_fields=True):
    """A parcel the seller takes back in the seller centre."""

    logistics_no: str


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
    has_variants: bool = False
    """Whether each SKU has attributes that distinguish it."""
    preparation_days: int = 3
    """How long the seller may take to ship an order of it."""


class BanAsked(msgspec.Struct, forbid_unknown_fields=True):
    """A ban of operations that match a pattern."""

    seconds: float
    operation: str = "*"


class MailsRefused(msgspec.Struct, forbid_unknown_fields=True):
    """How many of the next mails are refused, and with which SMTP code."""

    code: int = 451
    count: int = 1
