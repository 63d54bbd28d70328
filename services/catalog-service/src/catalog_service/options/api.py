"""REST over what AliExpress offers a shop."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from catalog_service.access import FeedReader, ShopId
from catalog_service.categories.read_schema import read_forms
from catalog_service.categories.schema import SchemaForms
from catalog_service.categories.shop_trees import ShopTrees
from catalog_service.categories.store import (
    StoredSchema,
    list_newest_schemas,
    load_schema_versions,
    request_schemas,
)
from catalog_service.categories.tree import Tree
from catalog_service.currencies.store import load_currencies
from catalog_service.options.shop_options import Options, read_options
from catalog_service.shops.store import ShopKey
from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.routing import new_router

MOST_LEAVES = 20
"""Leaves whose schemas answer together, the last fetched."""

OfCategory = Annotated[
    str | None,
    Query(pattern=r"^[1-9][0-9]{0,17}$", description="A leaf: what products of it may choose."),
]


class OptionView(BaseModel):
    """One that may be chosen: a configuration takes its id or its name."""

    id: str
    name: str


class OptionsView(BaseModel):
    """What AliExpress offers the shop, read off the schemas of the leaves `read_from`, the oldest
    fetched at `fetched_at`; `is_overdue` where it could not be fetched again in time. `is_awaited`:
    nothing is there yet, ask again in a few seconds. A list of null is open: any value is taken;
    an empty one offers the shop nothing, as size charts where it has none. `currency` shows only
    once the shop has a product."""

    shop_id: str
    currency: str | None
    read_from: list[str]
    fetched_at: datetime | None
    is_overdue: bool
    is_awaited: bool
    shipping_templates: list[OptionView] | None = None
    service_templates: list[OptionView] | None = None
    product_groups: list[OptionView] | None = None
    size_charts: list[OptionView] | None = None
    product_units: list[OptionView] | None = None
    inventory_deduction_strategies: list[OptionView] | None = None
    languages: list[OptionView] | None = None
    countries: list[OptionView] | None = None


def options_router(pool: Pool, trees: ShopTrees, *, lifetime: timedelta) -> APIRouter:
    """The route of a shop's options; schemas older than `lifetime` are overdue."""
    router = new_router(tags=["categories"])

    @router.get("/v1/merchants/{merchant_id}/shops/{shop_id}/options")
    async def options(
        merchant: FeedReader, shop_id: ShopId, category: OfCategory = None
    ) -> OptionsView:
        """Freight and service templates, product groups, size charts, units, languages and
        countries that AliExpress offers the shop, and its currency. Nothing is fetched where it is
        known."""
        shop = (merchant, shop_id)
        tree = await trees.load(shop)
        async with reading(pool) as connection:
            currency = (await load_currencies(connection, [shop])).get(shop)
        found = await _find(pool, tree, shop, category)
        return _view(shop_id, currency, found, lifetime=lifetime)

    return router


@dataclass(frozen=True)
class _Found:
    """Options, and the leaves they were read from; none where they are still to be fetched."""

    leaves: list[str] = field(default_factory=list)
    fetched_at: datetime | None = None
    options: Options = field(default_factory=Options)


async def _find(pool: Pool, tree: Tree, shop: ShopKey, category: str | None) -> _Found:
    """The options of one leaf, or of those fetched last. Raises `Refusal` as `read_forms`."""
    if category is not None:
        forms, fetched_at = await read_forms(pool, tree, (*shop, category))
        return _Found([category], fetched_at, read_options([forms]))
    async with reading(pool) as connection:
        stored = await list_newest_schemas(connection, shop, limit=MOST_LEAVES)
    if not stored:
        await _request_any(pool, shop, tree)
        return _Found()
    return await asyncio.to_thread(_read, stored)


def _read(stored: Sequence[StoredSchema]) -> _Found:
    forms = [SchemaForms(each.category_id, each.body) for each in stored if each.body is not None]
    oldest = min(each.fetched_at for each in stored)
    return _Found([each.category_id for each in stored], oldest, read_options(forms))


async def _request_any(pool: Pool, shop: ShopKey, tree: Tree) -> None:
    """Ask for the schema of a leaf: where none is there, those that were fetched were refused."""
    async with unit_of_work(pool) as connection:
        refused = {leaf for _, _, leaf in await load_schema_versions(connection, [shop])}
        leaf = next((n.category_id for n in tree.leaves() if n.category_id not in refused), None)
        if leaf is not None:
            await request_schemas(connection, [(*shop, leaf)])


def _view(shop_id: str, currency: str | None, found: _Found, *, lifetime: timedelta) -> OptionsView:
    at = found.fetched_at
    return OptionsView(
        shop_id=shop_id,
        currency=currency,
        read_from=found.leaves,
        fetched_at=at,
        is_overdue=at is not None and clock.now() - at > lifetime,
        is_awaited=not found.leaves,
        **{name: _list(titles) for name, titles in found.options.lists.items()},
    )


def _list(titles: Mapping[str, str] | None) -> list[OptionView] | None:
    if titles is None:
        return None
    return [OptionView(id=key, name=title or key) for key, title in titles.items()]
