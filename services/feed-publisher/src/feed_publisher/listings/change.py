"""What an item changes of a listing: content with all offers, prices, or stock. Pure."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from common.contracts.product import Content
from feed_publisher.listings.listing import AcceptedSku, Side

Action = Literal["create", "update", "delete", "price", "stock"]

SIDE_OF: Mapping[Action, Side] = {
    "create": "content",
    "update": "content",
    "delete": "content",
    "price": "price",
    "stock": "stock",
}


class StockChange(msgspec.Struct, frozen=True):
    """A SKU's stock, as accepted and as it will be."""

    sku_code: str
    before: int | None
    after: int


class PriceChange(msgspec.Struct, frozen=True):
    """A SKU's price and its discount, which always go together."""

    sku_code: str
    before: AcceptedSku
    after: AcceptedSku


class ContentBefore(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an update replaces, as far as it is known; the offers as they were accepted."""

    title: str | None = None
    category_id: str | None = None
    offers: dict[str, AcceptedSku] = msgspec.field(default_factory=dict)


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an item sends. Content and all offers, or the SKUs whose price or stock changes.

    `countries` holds every SKU's offer where a price call must carry the whole country
    configuration; `drops_countries` says that an update takes ours away. `wanted` is a hash of it,
    to know it by when it was refused. `configuration_version` is the one the content stems from.
    """

    wanted: str = ""
    content: Content | None = None
    content_hash: str | None = None
    offers: dict[str, AcceptedSku] = msgspec.field(default_factory=dict)
    prices: tuple[PriceChange, ...] = ()
    countries: dict[str, AcceptedSku] = msgspec.field(default_factory=dict)
    stock: tuple[StockChange, ...] = ()
    drops_countries: bool = False
    configuration_version: int = 0
    before: ContentBefore | None = None


def main_title(content: Content | None) -> str | None:
    """The title in the content's main language."""
    if content is None:
        return None
    titles = {title.locale: title.text for title in content.titles}
    return titles.get(content.main_locale)
