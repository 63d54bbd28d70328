"""A small category tree, of which one leaf is one of the sandbox's."""

from collections.abc import Sequence
from datetime import timedelta

from catalog_service.categories.marketplace import Marketplace
from catalog_service.categories.store import find_tree, save_branch, save_tree
from catalog_service.categories.tree import TreeNode
from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from stack.testing import eventually

from .wall_clocks import WALL_CLOCKS

TREE = [
    TreeNode("1", "0", "Home", False, {"en": "Home", "es": "Hogar"}),
    TreeNode("2", "0", "Shoes", False, {"en": "Shoes"}),
    TreeNode(WALL_CLOCKS, "1", "Wall Clocks", True, {"en": "Wall Clocks", "es": "Relojes"}),
    TreeNode("99999999", "2", "Boots", True, {"en": "Boots"}),
]


async def keep_tree(pool: Pool, tree: Sequence[TreeNode]) -> None:
    """The tree of shop s of merchant m, as if all its branches had been fetched."""
    due_at = clock.now() + timedelta(days=1)
    async with unit_of_work(pool) as connection:
        for parent in {"0": None} | {n.category_id: None for n in tree if not n.is_leaf}:
            below = [node for node in tree if node.parent_id == parent]
            await save_branch(connection, ("m", "s", parent), below, due_at=due_at)
        await save_tree(connection, ("m", "s"), tree)


async def tree_of(pool: Pool, merchant: str) -> Sequence[TreeNode]:
    """That of the merchant's shop s; empty before all its branches have been fetched once."""
    async with reading(pool) as connection:
        found = await find_tree(connection, merchant, "s")
    return [] if found is None else found[0]


async def fetch_trees(pool: Pool, marketplace: Marketplace, *merchants: str) -> None:
    """Fetch the trees of these merchants to their ends: a turn goes on without a slow shop."""

    async def is_fetched() -> bool:
        while await marketplace.fetch_trees():
            pass
        due = await pool.fetchval(
            "SELECT count(*) FROM category_branch WHERE due_at <= $1"
            " AND merchant_id = ANY($2::text[])",
            clock.now(),
            list(merchants),
        )
        trees = [await tree_of(pool, merchant) for merchant in merchants]
        return not due and all(trees)

    await eventually(is_fetched, within=60)
