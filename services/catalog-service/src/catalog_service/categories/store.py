"""Category trees and schemas in Postgres."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import and_, select

from catalog_service.categories.suggest import TreeNode
from catalog_service.families.store import end_waits, mark
from catalog_service.shops.store import find_tree_text, set_tree
from catalog_service.tables import feed, normalized_product
from common import clock
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work

FETCHING_SCHEMAS = WorkKind()
"""Schemas asked for and not yet here."""

SchemaKey = tuple[str, str, str]
"""(merchant, shop, category)"""


async def save_tree(
    connection: Connection, merchant_id: str, shop_id: str, tree: Sequence[TreeNode]
) -> None:
    """Keep a shop's whole tree."""
    await set_tree(connection, merchant_id, shop_id, msgspec.json.encode(tree).decode())


async def find_tree(
    connection: Connection, merchant_id: str, shop_id: str
) -> tuple[list[TreeNode], datetime] | None:
    """A shop's tree and when it was fetched; None before that."""
    found = await find_tree_text(connection, merchant_id, shop_id)
    if found is None:
        return None
    tree, fetched_at = found
    return msgspec.json.decode(tree, type=list[TreeNode]), fetched_at


def wait_for_schema(shop_id: str, category_id: str) -> str:
    """What a family that needs a schema waits for."""
    return f"schema:{shop_id}/{category_id}"


async def request_schemas(connection: Connection, keys: Collection[SchemaKey]) -> set[SchemaKey]:
    """Ask for these schemas; those that are there by now are returned instead.

    Locks their rows, so that a schema that arrives meanwhile sees the marks that wait for it.
    """
    made_work(connection, FETCHING_SCHEMAS)
    wanted = sorted(keys)
    columns = list(zip(*wanted, strict=True))
    await connection.execute(
        """
        INSERT INTO category_schema (merchant_id, shop_id, category_id, requested_at)
        SELECT k.*, $4 FROM unnest($1::text[], $2::text[], $3::text[]) AS k
        ON CONFLICT DO NOTHING
        """,
        *columns,
        clock.now(),
    )
    rows = await connection.fetch(
        """
        SELECT s.merchant_id, s.shop_id, s.category_id, s.fetched_at FROM category_schema s
        JOIN unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, shop_id, category_id)
            USING (merchant_id, shop_id, category_id)
        ORDER BY 1, 2, 3 FOR SHARE OF s
        """,
        *columns,
    )
    return {(m, s, c) for m, s, c, fetched_at in rows if fetched_at is not None}


async def load_schema_versions(
    connection: Connection, shops: Collection[tuple[str, str]]
) -> dict[SchemaKey, int]:
    """The versions of the schemas that are there, of these (merchant, shop)."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id, category_id, version FROM category_schema
        JOIN unnest($1::text[], $2::text[]) AS k (merchant_id, shop_id)
            USING (merchant_id, shop_id)
        WHERE fetched_at IS NOT NULL
        """,
        [merchant for merchant, _ in shops],
        [shop for _, shop in shops],
    )
    return {(m, s, c): version for m, s, c, version in rows}


async def load_schemas(
    connection: Connection, keys: Collection[SchemaKey]
) -> list[tuple[SchemaKey, int, str | None, str | None]]:
    """Key, version, body and refusal of each schema that is there."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id, category_id, version, body, refusal FROM category_schema
        JOIN unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, shop_id, category_id)
            USING (merchant_id, shop_id, category_id)
        WHERE fetched_at IS NOT NULL
        """,
        *([key[place] for key in keys] for place in range(3)),
    )
    return [((m, s, c), version, body, refusal) for m, s, c, version, body, refusal in rows]


async def list_due_schemas(
    connection: Connection, *, older_than: datetime, limit: int
) -> list[SchemaKey]:
    """Schemas of usable shops never fetched, or not since; the ones waited for first."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id, category_id FROM category_schema
        JOIN shop USING (merchant_id, shop_id)
        WHERE is_usable AND (fetched_at IS NULL OR fetched_at < $1)
        ORDER BY fetched_at NULLS FIRST, requested_at LIMIT $2
        """,
        older_than,
        limit,
    )
    return [(m, s, c) for m, s, c in rows]


async def save_schema(
    connection: Connection, key: SchemaKey, *, body: str | None, refusal: str | None
) -> bool:
    """Keep what the marketplace answered; whether it differs from what was known.

    Families that wait for it are let go.
    """
    row = await connection.fetchrow(
        """
        UPDATE category_schema SET
            body = $4, refusal = $5, fetched_at = $6,
            version = version
                + CASE WHEN (body, refusal) IS DISTINCT FROM ($4, $5) THEN 1 ELSE 0 END
        WHERE merchant_id = $1 AND shop_id = $2 AND category_id = $3
        RETURNING old.version AS previous_version, new.version AS version,
            old.fetched_at AS fetched_at
        """,
        *key,
        body,
        refusal,
        clock.now(),
    )
    await end_waits(connection, key[0], wait_for_schema(key[1], key[2]))
    if row is None or row["fetched_at"] is None:
        return False
    has_changed: bool = row["previous_version"] != row["version"]
    return has_changed


async def mark_category(
    connection: Connection, merchant_id: str, shop_id: str, category_id: str
) -> None:
    """Mark the families dirty that the shop's active feeds have in this category."""
    n, f = normalized_product.c, feed.c
    await mark(
        connection,
        select(n.merchant_id, f.catalogue_id, n.family_id, n.feed_id)
        .join_from(
            feed,
            normalized_product,
            and_(n.merchant_id == f.merchant_id, n.feed_id == f.feed_id),
        )
        .where(
            f.merchant_id == merchant_id,
            f.shop_id == shop_id,
            f.lifecycle == "active",
            n.category_id == category_id,
        ),
    )
