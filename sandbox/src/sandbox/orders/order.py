"""An order as the platform keeps it."""

from datetime import datetime
from decimal import Decimal

import msgspec

from sandbox.orders import lifecycle


class Buyer(msgspec.Struct):
    """Who ordered and where to."""

    login_id: str
    name: str
    phone_country: str
    mobile: str
    country: str
    country_name: str
    province: str
    city: str
    street: str
    zip: str
    address2: str = ""

    @property
    def first_name(self) -> str:
        """The name's first word."""
        return self.name.split(maxsplit=1)[0] if self.name.strip() else ""

    @property
    def last_name(self) -> str:
        """The name's last word."""
        return self.name.split()[-1] if self.name.strip() else ""

    @property
    def tax_number(self) -> str | None:
        """What Brazil asks of its buyers; nobody else has one."""
        return f"{self.mobile}00"[:11] if self.country == "BR" else None


class Passport(msgspec.Struct, forbid_unknown_fields=True):
    """A buyer's passport, as customs of some countries ask for it; dates as texts."""

    number: str
    first_name: str
    last_name: str
    birthday: str
    issue_authority: str
    issue_date: str
    middle_name: str = ""


class Discount(msgspec.Struct):
    """What a promotion takes off a line; `owner` pays for it, the amount is a decimal text."""

    amount: str
    owner: str
    kind: str
    promotion_id: str


class Pickup(msgspec.Struct, forbid_unknown_fields=True):
    """The pick-up point a buyer chose, by the platform's type and code."""

    type: str
    code: str


class Settlement(msgspec.Struct, forbid_unknown_fields=True):
    """The currency an order is settled in, and what one unit of the buyer's is worth in it."""

    currency: str
    rate: Decimal


class Line(msgspec.Struct):
    """A child order: one SKU; price and refund are decimal texts, the attributes JSON."""

    child_id: int
    product_id: int
    sku_code: str
    title: str
    image: str
    quantity: int
    unit_price: str
    attributes: str
    ship_days: int
    category_id: int = 0
    status: str = ""
    """A state of its own; empty while it is the order's."""
    refunded: str = "0.00"
    refund_reason: str = ""
    refunded_at: datetime | None = None
    discounts: list[Discount] = []

    @property
    def is_cancelled(self) -> bool:
        """Whether it was taken out of the order."""
        return self.status == lifecycle.FINISHED

    @property
    def amount(self) -> Decimal:
        """Price times quantity."""
        return Decimal(self.unit_price) * self.quantity

    @property
    def discount(self) -> Decimal:
        """What promotions take off it."""
        return sum((Decimal(one.amount) for one in self.discounts), Decimal())

    @property
    def price_paid(self) -> Decimal:
        """What the buyer pays for it, and can get back."""
        return self.amount - self.discount


class Parcel(msgspec.Struct):
    """One shipment as the seller declared it."""

    service_name: str
    logistics_no: str
    send_type: str
    tracking_website: str
    sent_at: datetime


class Order(msgspec.Struct):
    """An order; `number` is stable for a seed, whatever ids and times are."""

    id: int
    number: str
    seller_id: str
    buyer: Buyer
    lines: list[Line]
    currency: str
    shipping_amount: str
    strategy: str
    service_name: str
    created_at: datetime
    modified_at: datetime
    status: str = lifecycle.PLACED
    journey: str = "plain"
    returns_to: str = lifecycle.TO_SEND
    paid_at: datetime | None = None
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str = ""
    is_refunded: bool = False
    has_issue: bool = False
    issue_at: datetime | None = None
    is_stock_taken: bool = False
    is_all_sent: bool = False
    parcels: list[Parcel] = []
    due_at: datetime | None = None
    memo: str = ""
    pickup: Pickup | None = None
    passport: Passport | None = None
    settlement: Settlement | None = None

    @property
    def goods_amount(self) -> Decimal:
        """What the lines cost together."""
        return sum((line.amount for line in self.lines), Decimal())

    @property
    def pay_amount(self) -> Decimal:
        """Goods and shipping, less discounts."""
        return self.goods_amount + Decimal(self.shipping_amount) - self.discount

    @property
    def discount(self) -> Decimal:
        """What promotions take off all lines."""
        return sum((line.discount for line in self.lines), Decimal())

    @property
    def settled(self) -> tuple[Decimal, str]:
        """What the seller's account gets for it, and in which currency."""
        if self.settlement is None:
            return self.pay_amount, self.currency
        cent = Decimal("0.01")
        return (self.pay_amount * self.settlement.rate).quantize(cent), self.settlement.currency

    @property
    def refunded_amount(self) -> Decimal:
        """What the buyer got back: all of it, or what single lines gave."""
        if self.is_refunded:
            return self.pay_amount
        return sum((Decimal(line.refunded) for line in self.lines), Decimal())

    @property
    def ship_days(self) -> int:
        """Days to ship in: the longest of its lines."""
        return max(line.ship_days for line in self.lines)
