"""Shops' trees ready to be searched, each read once for each version of it."""

import asyncio
from datetime import datetime

from cachetools import LRUCache

from catalog_service.categories.store import find_tree
from catalog_service.categories.tree import Tree
from catalog_service.shops.store import ShopKey, load_tree_times
from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading

KEPT_SHOPS = 50


class ShopTrees:
    """The trees of the shops that were asked for last."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._kept: LRUCache[ShopKey, tuple[datetime, Tree]] = LRUCache(KEPT_SHOPS)

    async def find(self, shop: ShopKey) -> tuple[Tree, datetime] | None:
        """The shop's tree and when it was put together; None before that."""
        async with reading(self._pool) as connection:
            made_at = (await load_tree_times(connection, [shop])).get(shop)
            if made_at is None:
                return None
            kept = self._kept.get(shop)
            if kept is not None and kept[0] == made_at:
                return kept[1], made_at
            found = await find_tree(connection, *shop)
        if found is None:
            return None
        nodes, made_at = found
        tree = await asyncio.to_thread(Tree, nodes)
        self._kept[shop] = made_at, tree
        return tree, made_at

    async def load(self, shop: ShopKey) -> Tree:
        """The shop's tree. Raises `Refusal` while it is not known."""
        found = await self.find(shop)
        if found is None:
            raise Refusal(
                "the shop's categories are not fetched yet",
                status=409,
                slug="categories-unknown",
                remedy="Connect the shop (`channel shops connect`), and ask again after a minute.",
            )
        return found[0]
