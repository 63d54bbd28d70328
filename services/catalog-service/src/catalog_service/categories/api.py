"""REST over a shop's categories and what each asks for."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from catalog_service.access import CategoryId, FeedReader, ShopId
from catalog_service.categories.schema import AttributeForm, CategorySchema
from catalog_service.categories.store import find_tree, load_schemas, request_schemas
from catalog_service.categories.suggest import TreeNode, search
from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.pagination import Limit
from common.web.problem import PROBLEM_RESPONSES


class CategoryView(BaseModel):
    """A leaf of the shop's tree."""

    category_id: str
    name: str
    path: list[str]


class CategoriesView(BaseModel):
    """Leaves found; `fetched_at` is None while the tree is being fetched for the first time."""

    fetched_at: datetime | None
    items: list[CategoryView]


class AttributeView(BaseModel):
    """An attribute of a leaf with its allowed values (id to name; empty: free text)."""

    name: str
    kind: str
    is_required: bool
    values: dict[str, str]


class CategoryAttributes(BaseModel):
    """What a leaf asks for."""

    category_id: str
    category_attributes: list[AttributeView]
    sku_attributes: list[AttributeView]


def categories_router(pool: Pool) -> APIRouter:
    """The routes of a shop's categories."""
    router = APIRouter(tags=["categories"], responses=PROBLEM_RESPONSES)

    @router.get("/v1/merchants/{merchant_id}/shops/{shop_id}/categories")
    async def categories(
        merchant: FeedReader, shop_id: ShopId, q: str = "", limit: Limit = 50
    ) -> CategoriesView:
        """Leaves the shop may post in, the best match of `q` first (M2.1)."""
        async with reading(pool) as connection:
            found = await find_tree(connection, merchant, shop_id)
        if found is None:
            return CategoriesView(fetched_at=None, items=[])
        tree, fetched_at = found
        return CategoriesView(
            fetched_at=fetched_at,
            items=[_category(node, path) for node, path in search(tree, q, limit=limit)],
        )

    @router.get("/v1/merchants/{merchant_id}/shops/{shop_id}/categories/{category_id}/attributes")
    async def attributes(
        merchant: FeedReader, shop_id: ShopId, category_id: CategoryId
    ) -> CategoryAttributes:
        """What a leaf asks for, with the allowed values (M3.12)."""
        key = (merchant, shop_id, category_id)
        async with unit_of_work(pool) as connection:
            _require_leaf(await find_tree(connection, merchant, shop_id), category_id)
            there = await request_schemas(connection, [key])
            loaded = await load_schemas(connection, [key]) if there else []
        if not loaded:
            raise Refusal(
                "the category's attributes are being fetched",
                status=409,
                slug="not-fetched-yet",
                remedy="Ask again in a few seconds; the shop has to be connected.",
            )
        _, _, body, refusal = loaded[0]
        if body is None:
            raise Refusal(
                f"the shop may not post in this category: {refusal}",
                status=404,
                slug="category-refused",
                rule="M2.1",
                remedy="Take a leaf of the shop's tree.",
            )
        schema = CategorySchema(category_id, body)
        return CategoryAttributes(
            category_id=category_id,
            category_attributes=[_attribute(a) for a in schema.category_attributes.values()],
            sku_attributes=[_attribute(a) for a in schema.sku_attributes.values()],
        )

    return router


def _require_leaf(tree: tuple[list[TreeNode], datetime] | None, category_id: str) -> None:
    """Raises `Refusal` unless the shop may post in this category."""
    if tree is None:
        raise Refusal(
            "the shop's categories are not fetched yet",
            status=409,
            slug="categories-unknown",
            remedy="Connect the shop (`channel shops connect`), and ask again after a minute.",
        )
    if not any(node.category_id == category_id and node.is_leaf for node in tree[0]):
        raise Refusal(
            "the shop may not post in this category: it is no leaf of its tree",
            status=404,
            slug="category-refused",
            rule="M2.1",
            remedy="Take a leaf of the tree; the list of the shop's categories searches it.",
        )


def _category(node: TreeNode, path: list[str]) -> CategoryView:
    return CategoryView(category_id=node.category_id, name=node.name, path=path)


def _attribute(form: AttributeForm) -> AttributeView:
    return AttributeView(
        name=form.name,
        kind=form.kind,
        is_required=form.is_required,
        values=dict(form.choices.titles),
    )
