"""A shop's category tree, put together from its branches: one for each category with children.

A branch is fetched when it appears and when it has aged; a tree is whole once all its branches are
there, and is put together again only when one of them has changed.
"""

from collections.abc import Mapping

from aliexpress.categories import ROOT_CATEGORY_ID
from catalog_service.categories.changes.store import note_returned, note_withdrawn
from catalog_service.categories.store import (
    forget_branches,
    has_all_branches,
    load_branches,
    save_tree,
)
from catalog_service.categories.tree import TreeNode
from catalog_service.shops.store import ShopKey
from common.postgres.pool import Connection


async def renew_tree(connection: Connection, shop: ShopKey) -> None:
    """Put the shop's tree together from its branches, once all of them are there (M2.1)."""
    if not await has_all_branches(connection, shop):
        return
    branches = await load_branches(connection, shop)
    tree = assemble(branches)
    if tree is None:
        return
    inner = {ROOT_CATEGORY_ID, *(node.category_id for node in tree if not node.is_leaf)}
    await forget_branches(connection, shop, branches.keys() - inner)
    changed = await save_tree(connection, shop, tree)
    leaves = {node.category_id for node in tree if node.is_leaf}
    await note_withdrawn(connection, shop, [one for one in changed if one not in leaves])
    await note_returned(connection, shop, leaves)


def assemble(branches: Mapping[str, list[TreeNode] | None]) -> list[TreeNode] | None:
    """The tree below the root; None while a branch of it is lacking. Pure.

    A category that stands below itself counts once.
    """
    tree: list[TreeNode] = []
    seen = {ROOT_CATEGORY_ID}
    waiting = [ROOT_CATEGORY_ID]
    for parent in waiting:
        children = branches.get(parent)
        if children is None:
            return None
        new = [node for node in children if node.category_id not in seen]
        seen |= {node.category_id for node in new}
        tree += new
        waiting += [node.category_id for node in new if not node.is_leaf]
    return tree
