"""What a plan does to a family, before it is an item of a run. Pure."""

import msgspec

from feed_publisher.listings.change import Action, Change
from feed_publisher.listings.listing import Refused, Side


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One product to be created, updated or deleted, or its prices or stock to be set.

    `removed_skus` are those it deletes or zeroes, as the guard counts them: not those of a feed
    that was removed; `removes_product` when none of the product's is left. `is_reconfiguring` says
    that the content stems from another configuration than the one accepted. With `refused` set
    nothing is sent: the item only says why.
    """

    family_id: str
    action: Action
    desired_revision: int
    marketplace_product_id: str | None = None
    sku_codes: tuple[str, ...] = ()
    change: Change = Change()
    removed_skus: tuple[str, ...] = ()
    removes_product: bool = False
    is_reconfiguring: bool = False
    refused: Refused | None = None

    @property
    def is_removal(self) -> bool:
        """Whether the guard counts it among deletions and zeroings (M7.4)."""
        return self.removes_product or bool(self.removed_skus)

    @property
    def refused_side(self) -> Side:
        """The side that `refused` speaks of: a price or stock is refused before it is sent."""
        return "offers" if self.action in {"price", "stock"} else "content"
