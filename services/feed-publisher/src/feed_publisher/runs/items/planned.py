"""What a plan does to a family, before it is an item of a run. Pure."""

import msgspec

from feed_publisher.listings.change import Action, Change
from feed_publisher.listings.listing import Refused, Side


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One product to be created, updated or deleted, or its prices or stock to be set.

    `is_removal` marks deletions and zeroings that the guard counts: not those of a feed that was
    removed. With `refused` set nothing is sent: the item only says why.
    """

    family_id: str
    action: Action
    desired_revision: int
    marketplace_product_id: str | None = None
    sku_codes: tuple[str, ...] = ()
    change: Change = Change()
    is_removal: bool = False
    refused: Refused | None = None

    @property
    def refused_side(self) -> Side:
        """The side that `refused` speaks of: a price or stock is refused before it is sent."""
        return "offers" if self.action in {"price", "stock"} else "content"
