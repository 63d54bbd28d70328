"""Which leaves a shop may use, by its tree: consulted when a product is judged (M2.1)."""

from collections.abc import Collection
from datetime import datetime

from cachetools import LRUCache

from catalog_service.categories.store import find_tree
from catalog_service.shops.store import ShopKey, load_tree_times
from common.postgres.pool import Connection

KEPT_SHOPS = 500

Leaves = frozenset[str]


class PermittedLeaves:
    """The leaves of shops' trees, each read once for each version of the tree."""

    def __init__(self) -> None:
        self._kept: LRUCache[ShopKey, tuple[datetime, Leaves]] = LRUCache(KEPT_SHOPS)

    async def load(
        self, connection: Connection, shops: Collection[ShopKey]
    ) -> dict[ShopKey, Leaves]:
        """The leaves of these shops; one whose tree is not known yet is left out."""
        found: dict[ShopKey, Leaves] = {}
        for shop, made_at in (await load_tree_times(connection, shops)).items():
            kept = self._kept.get(shop)
            if kept is None or kept[0] != made_at:
                kept = await _leaves(connection, shop)
                if kept is None:
                    continue
                self._kept[shop] = kept
            found[shop] = kept[1]
        return found


async def _leaves(connection: Connection, shop: ShopKey) -> tuple[datetime, Leaves] | None:
    found = await find_tree(connection, *shop)
    if found is None:
        return None
    tree, made_at = found
    return made_at, frozenset(node.category_id for node in tree if node.is_leaf)
