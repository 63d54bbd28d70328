"""A leaf's schema for those who look at it: what is kept, else it is asked for."""

import asyncio
from datetime import datetime

from catalog_service.categories.schema import SchemaForms
from catalog_service.categories.store import SchemaKey, find_schema, request_schemas
from catalog_service.categories.tree import Tree
from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work


async def read_forms(pool: Pool, tree: Tree, key: SchemaKey) -> tuple[SchemaForms, datetime]:
    """What a leaf of the shop's tree asks for, and when it was fetched.

    Raises `Refusal` for a category that is no leaf or that AliExpress refuses, and where it was
    never fetched: then it is asked for.
    """
    if not tree.is_leaf(key[2]):
        raise _refused("it is no leaf of its tree")
    async with reading(pool) as connection:
        found = await find_schema(connection, key)
    if found is None:
        async with unit_of_work(pool) as connection:
            await request_schemas(connection, [key])
        raise Refusal(
            "the category's attributes are being fetched",
            status=409,
            slug="not-fetched-yet",
            remedy="Ask again in a few seconds; the shop has to be connected.",
        )
    if found.body is None:
        raise _refused(found.refusal or "AliExpress gives no reason")
    return await asyncio.to_thread(SchemaForms, key[2], found.body), found.fetched_at


def _refused(why: str) -> Refusal:
    return Refusal(
        f"the shop may not post in this category: {why}",
        status=404,
        slug="category-refused",
        rule="M2.1",
        remedy="Take a leaf of the tree; the list of the shop's categories searches it.",
    )
