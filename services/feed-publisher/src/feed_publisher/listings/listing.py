"""A product on AliExpress: what was accepted of it and what was refused."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Literal

import msgspec

from common.contracts.product import CountryPrice
from feed_publisher.desired.marks import Unsure

Side = Literal["content", "price", "stock", "offers"]
"""What can be refused apart from the rest; `offers`: a price or stock the catalogue has wrong."""

ListingStatus = Literal["none", "auditing", "live", "deleted"]
"""none: never online; auditing: accepted, takes no update until AliExpress's audit ends."""


class AcceptedSku(msgspec.Struct, frozen=True, omit_defaults=True):
    """The offer of a SKU as last accepted; a value that is not known for certain is None.

    `inventory` is also None where the channel leaves the shop's stock alone. An unsure value was
    accepted and may have been changed at AliExpress since (orders, the seller centre): the next
    offer run sends what is desired, be it the same (M7.7).
    """

    price: str | None = None
    discount_price: str | None = None
    inventory: int | None = None
    country_prices: tuple[CountryPrice, ...] = ()
    is_price_unsure: bool = False
    is_stock_unsure: bool = False


class Refused(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a side was refused: AliExpress's own code and message, or one of ours.

    `wanted` is the hash of what was refused: the same is not sent again (M7.2), unless
    `is_transient` says that the fault was not in the data.
    """

    code: str
    message: str
    wanted: str = ""
    is_transient: bool = False


class AcceptedState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was accepted: the content's hash (None: not known) and the offer of each SKU.

    `configuration_version` is the feed's that the content stems from, 0 while it is not known;
    `title` (in the main language) and `category_id` are kept to show what a change replaces.
    """

    content_hash: str | None = None
    main_locale: str | None = None
    configuration_version: int = 0
    title: str | None = None
    category_id: str | None = None
    skus: dict[str, AcceptedSku] = msgspec.field(default_factory=dict)
    refused: dict[str, Refused] = msgspec.field(default_factory=dict)


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A family's listing. `create_intent_at` is set while a creation's outcome is not known;
    `written_at` is when a change of ours was last accepted."""

    feed_id: str
    family_id: str
    shop_id: str
    status: ListingStatus = "none"
    marketplace_product_id: str | None = None
    live_since: datetime | None = None
    deleted_at: datetime | None = None
    create_intent_at: datetime | None = None
    written_at: datetime | None = None
    accepted: AcceptedState = AcceptedState()
    reported_revision: int = 0
    reported_status: str | None = None

    @property
    def is_online(self) -> bool:
        """Whether AliExpress holds a product for it."""
        return self.marketplace_product_id is not None

    def with_accepted(self, **changes: object) -> "Listing":
        """The listing with parts of `accepted` replaced."""
        return msgspec.structs.replace(
            self, accepted=msgspec.structs.replace(self.accepted, **changes)
        )

    def with_unsure(self, unsure: Unsure) -> "Listing":
        """The listing with these accepted values unsure; itself when none of them is accepted."""
        skus = {
            code: msgspec.structs.replace(
                sku,
                is_stock_unsure=sku.is_stock_unsure or code in unsure.stock,
                is_price_unsure=sku.is_price_unsure or code in unsure.prices,
            )
            for code, sku in self.accepted.skus.items()
        }
        content_hash = None if unsure.content else self.accepted.content_hash
        if (skus, content_hash) == (self.accepted.skus, self.accepted.content_hash):
            return self
        return self.with_accepted(skus=skus, content_hash=content_hash)

    def refusing(self, side: Side, refused: Refused | None) -> "Listing":
        """The listing with a side refused, or its refusal taken back."""
        others = {name: other for name, other in self.accepted.refused.items() if name != side}
        return self.with_accepted(refused=others | ({side: refused} if refused else {}))

    def refuses(self, side: Side, wanted: str) -> bool:
        """Whether exactly this was refused for good."""
        refused = self.accepted.refused.get(side)
        return refused is not None and refused.wanted == wanted and not refused.is_transient


def is_same_amount(one: str | None, other: str | None) -> bool:
    """Whether two amounts are equal, however they are written."""
    if one is None or other is None:
        return one is other
    return Decimal(one) == Decimal(other)


def has_same_prices(one: AcceptedSku, other: AcceptedSku) -> bool:
    """Whether price, discount and country prices agree."""
    return (
        is_same_amount(one.price, other.price)
        and is_same_amount(one.discount_price, other.discount_price)
        and _countries(one.country_prices) == _countries(other.country_prices)
    )


def _countries(prices: Iterable[CountryPrice]) -> set[tuple[str, Decimal, Decimal | None]]:
    return {
        (
            price.country,
            Decimal(price.price),
            None if price.discount_price is None else Decimal(price.discount_price),
        )
        for price in prices
    }


def digest(*parts: object) -> str:
    """A hash of what is wanted, for telling it from what was refused."""
    return sha256(msgspec.json.encode(parts)).hexdigest()[:32]
