"""REST over a shop's category tree: by parent, by words, and one category (M2.1)."""

import asyncio
from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from aliexpress.categories import ROOT_CATEGORY_ID
from catalog_service.access import CategoryId, FeedReader, SearchedText, ShopId
from catalog_service.categories.shop_trees import ShopTrees
from catalog_service.categories.store import is_tree_overdue
from catalog_service.categories.tree import Tree, TreeNode
from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.pagination import Int32, Keyset, Limit, Page
from common.web.routing import new_router

ParentId = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9]{1,18}$",
        description="What stands right below this category, 0 for the roots; with `q` the leaves"
        " anywhere below it.",
    ),
]


class CategoryView(BaseModel):
    """A category of the shop's tree; products go into leaves only. `names` by language."""

    category_id: str
    name: str
    path: list[str]
    parent_id: str
    is_leaf: bool
    names: dict[str, str]


class CategoryDetails(CategoryView):
    """A category with what stands right below it, and its path's ids."""

    path_ids: list[str]
    children: list[CategoryView]


class CategoriesView(Page[CategoryView]):
    """A page of categories. `fetched_at` is when the tree was put together, None while it is
    fetched for the first time; `is_overdue` where a part of it could not be fetched again in
    time."""

    fetched_at: datetime | None
    is_overdue: bool = False


class CategoryPlace(NamedTuple):
    """Where a category stands in its list: behind so many others."""

    place: Int32


After = Annotated[CategoryPlace | None, Depends(Keyset(CategoryPlace))]


def categories_router(pool: Pool, trees: ShopTrees) -> APIRouter:
    """The routes of a shop's tree."""
    router = new_router(tags=["categories"])
    base = "/v1/merchants/{merchant_id}/shops/{shop_id}/categories"

    @router.get(base)
    async def categories(
        merchant: FeedReader,
        shop_id: ShopId,
        *,
        parent: ParentId = None,
        q: SearchedText = None,
        after: After = None,
        limit: Limit = 50,
    ) -> CategoriesView:
        """The children of `parent`, or the leaves the shop may post in, the best match of `q` first
        (M2.1). Every word of `q` has to stand in the path, in any language."""
        found = await trees.find((merchant, shop_id))
        if found is None:
            return CategoriesView(fetched_at=None, items=[])
        async with reading(pool) as connection:
            is_overdue = await is_tree_overdue(connection, (merchant, shop_id))
        tree, fetched_at = found
        nodes = await asyncio.to_thread(_selected, tree, parent, q)
        begin = max(after.place, 0) if after is not None else 0
        numbered = list(enumerate(nodes[begin : begin + limit + 1], start=begin + 1))
        page = Page.of(numbered, limit, lambda each: CategoryPlace(each[0]))
        return CategoriesView(
            items=[_view(tree, node) for _, node in page.items],
            next_cursor=page.next_cursor,
            fetched_at=fetched_at,
            is_overdue=is_overdue,
        )

    @router.get(base + "/{category_id}")
    async def category(
        merchant: FeedReader, shop_id: ShopId, category_id: CategoryId
    ) -> CategoryDetails:
        """One category of the tree."""
        tree = await trees.load((merchant, shop_id))
        node = tree.find(category_id)
        if node is None:
            raise _unknown(category_id)
        return CategoryDetails(
            **_view(tree, node).model_dump(),
            path_ids=[each.category_id for each in tree.path(category_id)],
            children=[_view(tree, child) for child in tree.children(category_id)],
        )

    return router


def _selected(tree: Tree, parent: str | None, words: str | None) -> list[TreeNode]:
    is_below = parent is not None and parent != ROOT_CATEGORY_ID
    if parent is not None and is_below and tree.find(parent) is None:
        raise _unknown(parent)
    if words or parent is None:
        return tree.search(words or "", below=parent if is_below else None)
    return list(tree.children(parent))


def _unknown(category_id: str) -> Refusal:
    return Refusal(
        f"the shop's tree has no category {category_id}",
        status=404,
        slug="category-unknown",
        rule="M2.1",
        remedy="Look for it by name: the list of the shop's categories searches the tree by `q`.",
    )


def _view(tree: Tree, node: TreeNode) -> CategoryView:
    return CategoryView(
        category_id=node.category_id,
        name=node.name,
        path=tree.path_names(node.category_id),
        parent_id=node.parent_id,
        is_leaf=node.is_leaf,
        names=node.names,
    )
