"""A small category tree, of which one leaf is one of the sandbox's."""

from collections.abc import Sequence
from datetime import timedelta

from catalog_service.categories.store import save_branch, save_tree
from catalog_service.categories.tree import TreeNode
from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

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
