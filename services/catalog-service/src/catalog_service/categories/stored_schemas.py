"""Schemas as they are kept, for those who look at them: reads only."""

from datetime import datetime
from typing import NamedTuple

from catalog_service.categories.store import SchemaKey
from catalog_service.shops.store import ShopKey
from common.postgres.pool import Connection


class StoredSchema(NamedTuple):
    """A schema as fetched then; without a body AliExpress refused it."""

    category_id: str
    body: str | None
    refusal: str | None
    fetched_at: datetime


async def find_schema(connection: Connection, key: SchemaKey) -> StoredSchema | None:
    """The schema, or None where it was never fetched."""
    row = await connection.fetchrow(
        """
        SELECT category_id, body, refusal, fetched_at FROM category_schema
        WHERE merchant_id = $1 AND shop_id = $2 AND category_id = $3 AND fetched_at IS NOT NULL
        """,
        *key,
    )
    return None if row is None else StoredSchema(*row)


async def list_newest_schemas(
    connection: Connection, shop: ShopKey, *, limit: int
) -> list[StoredSchema]:
    """The shop's schemas that AliExpress gave, the last fetched first."""
    rows = await connection.fetch(
        """
        SELECT category_id, body, refusal, fetched_at FROM category_schema
        WHERE merchant_id = $1 AND shop_id = $2 AND body IS NOT NULL AND fetched_at IS NOT NULL
        ORDER BY fetched_at DESC, category_id LIMIT $3
        """,
        *shop,
        limit,
    )
    return [StoredSchema(*row) for row in rows]


async def list_refused(connection: Connection, shop: ShopKey) -> set[str]:
    """The categories whose schema AliExpress refused the shop."""
    rows = await connection.fetch(
        """
        SELECT category_id FROM category_schema
        WHERE merchant_id = $1 AND shop_id = $2 AND fetched_at IS NOT NULL AND body IS NULL
        """,
        *shop,
    )
    return {row["category_id"] for row in rows}
