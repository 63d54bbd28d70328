"""All merchants' shops at a glance. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from console.answers.overview import FeedGlance, MethodUse, OrderGlance, ShopGlance


@dataclass(frozen=True)
class ShopRow:
    """A shop with its feeds and orders; None for orders: not known, or none to ship."""

    shop: ShopGlance
    feeds: list[FeedGlance]
    orders: OrderGlance | None


def shop_rows(
    shops: Sequence[ShopGlance], feeds: Sequence[FeedGlance], orders: Sequence[OrderGlance]
) -> list[ShopRow]:
    """What belongs to a shop in one row, in the shops' order."""
    to_ship = {(each.merchant_id, each.shop_id): each for each in orders}
    return [
        ShopRow(
            shop,
            [feed for feed in feeds if _place(feed) == _place(shop)],
            to_ship.get(_place(shop)),
        )
        for shop in shops
    ]


def _place(item: ShopGlance | FeedGlance) -> tuple[str, str]:
    return item.merchant_id, item.shop_id


def busiest(use: Sequence[MethodUse], *, most: int = 15) -> list[MethodUse]:
    """The bans first, then what was called most."""
    return sorted(use, key=lambda each: (each.banned_until is None, -each.calls_today))[:most]
