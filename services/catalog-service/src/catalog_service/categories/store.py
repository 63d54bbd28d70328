"""Category trees, their branches, and schemas in Postgres."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import ARRAY, ColumnElement, Text, and_, func, literal, select

from aliexpress.categories import ROOT_CATEGORY_ID
from catalog_service.categories.tree import TreeNode
from catalog_service.families.store import end_waits, mark
from catalog_service.shops.store import ShopKey, find_tree_text, set_tree
from catalog_service.tables import feed, normalized_product
from common import clock
from common.postgres import core
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work

FETCHING_SCHEMAS = WorkKind()
"""Schemas asked for and not yet here."""
FETCHING_TREES = WorkKind()
"""Branches of trees that are due."""

SchemaKey = tuple[str, str, str]
"""(merchant, shop, category)"""
BranchKey = tuple[str, str, str]
"""(merchant, shop, category whose children are meant)"""

_tree = msgspec.json.Decoder(list[TreeNode])


async def save_tree(
    connection: Connection, shop: ShopKey, tree: Sequence[TreeNode]
) -> Sequence[str]:
    """Keep a shop's whole tree; families are marked whose category has left it, or come back: these
    categories, none for a first tree. Before that every category counted as permitted.
    """
    known = await find_tree(connection, *shop)
    was = None if known is None else _leaves(known[0])
    now = _leaves(tree)
    await set_tree(connection, *shop, msgspec.json.encode(tree).decode())
    changed = [
        category_id
        for category_id in await list_used_categories(connection, shop)
        if (was is None or category_id in was) != (category_id in now)
    ]
    if changed:
        await mark_categories(connection, shop, changed)
    return changed if was is not None else ()


def _leaves(tree: Sequence[TreeNode]) -> set[str]:
    return {node.category_id for node in tree if node.is_leaf}


async def find_tree(
    connection: Connection, merchant_id: str, shop_id: str
) -> tuple[list[TreeNode], datetime] | None:
    """A shop's tree and when it was fetched; None before that."""
    found = await find_tree_text(connection, merchant_id, shop_id)
    if found is None:
        return None
    tree, fetched_at = found
    return _tree.decode(tree), fetched_at


async def list_due_branches(
    connection: Connection, job: str, *, busy: Collection[ShopKey], limit: int, of_shop: int
) -> list[BranchKey]:
    """Branches to fetch: each merchant's first one, then each one's second, and so on.

    Of a merchant's shops likewise, at most `of_shop` of one; shops that are `busy` or backing off,
    and rows that the job is to pass over, are left out. A shop of which nothing is known has its
    root due.
    """
    rows = await connection.fetch(
        """
        WITH due AS (
            SELECT merchant_id, shop_id, category_id, due_at FROM category_branch
            WHERE due_at <= $1
            UNION ALL
            SELECT merchant_id, shop_id, $2, $1 FROM shop
            WHERE NOT EXISTS (SELECT FROM category_branch b
                WHERE (b.merchant_id, b.shop_id) = (shop.merchant_id, shop.shop_id))
        ), by_shop AS (
            SELECT due.*, row_number() OVER (
                PARTITION BY merchant_id, shop_id ORDER BY due_at, category_id) AS of_shop
            FROM due JOIN shop USING (merchant_id, shop_id)
            WHERE shop.is_usable AND (shop.retry_at IS NULL OR shop.retry_at <= $1)
                AND (merchant_id, shop_id) NOT IN (SELECT * FROM unnest($3::text[], $4::text[]))
                AND NOT is_held($7, merchant_id, shop_id || '/' || category_id, $1)
        ), by_merchant AS (
            SELECT *, row_number() OVER (
                PARTITION BY merchant_id ORDER BY of_shop, due_at, category_id) AS of_merchant
            FROM by_shop WHERE of_shop <= $6
        )
        SELECT merchant_id, shop_id, category_id FROM by_merchant
        ORDER BY of_merchant, due_at, category_id LIMIT $5
        """,
        clock.now(),
        ROOT_CATEGORY_ID,
        [merchant for merchant, _ in busy],
        [shop for _, shop in busy],
        limit,
        of_shop,
        job,
    )
    return [(m, s, c) for m, s, c in rows]


async def save_branch(
    connection: Connection, key: BranchKey, children: Sequence[TreeNode], *, due_at: datetime
) -> bool:
    """Keep a branch, due again then; whether it has changed. New branches below it are due.

    Those of a shop are kept one after the other, so that the last of a tree sees all others.
    """
    await connection.execute(
        "SELECT FROM shop WHERE merchant_id = $1 AND shop_id = $2 FOR NO KEY UPDATE", *key[:2]
    )
    body = msgspec.json.encode(children).decode()
    has_changed: bool = await connection.fetchval(
        """
        INSERT INTO category_branch (merchant_id, shop_id, category_id, children, due_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (merchant_id, shop_id, category_id) DO UPDATE
            SET children = $4, due_at = $5, failures = 0
        RETURNING old.children IS DISTINCT FROM new.children
        """,
        *key,
        body,
        due_at,
    )
    await connection.execute(
        """
        INSERT INTO category_branch (merchant_id, shop_id, category_id, due_at)
        SELECT $1, $2, unnest($3::text[]), $4 ON CONFLICT DO NOTHING
        """,
        *key[:2],
        [node.category_id for node in children if not node.is_leaf],
        clock.now(),
    )
    return has_changed


async def count_branch_failures(connection: Connection, key: BranchKey) -> tuple[int, bool]:
    """How often fetching a branch has failed in a row, and whether it was ever fetched."""
    row = await connection.fetchrow(
        """
        SELECT failures, children IS NOT NULL FROM category_branch
        WHERE merchant_id = $1 AND shop_id = $2 AND category_id = $3
        """,
        *key,
    )
    return (0, False) if row is None else (row[0], row[1])


async def defer_branch(connection: Connection, key: BranchKey, *, due_at: datetime) -> None:
    """Fetching the branch failed: it is due again then."""
    await connection.execute(
        """
        INSERT INTO category_branch AS kept (merchant_id, shop_id, category_id, due_at, failures)
        VALUES ($1, $2, $3, $4, 1)
        ON CONFLICT (merchant_id, shop_id, category_id) DO UPDATE
            SET due_at = $4, failures = kept.failures + 1
        """,
        *key,
        due_at,
    )


async def load_branches(connection: Connection, shop: ShopKey) -> dict[str, list[TreeNode] | None]:
    """The shop's branches by category; None for one that is still to be fetched."""
    rows = await connection.fetch(
        "SELECT category_id, children FROM category_branch WHERE merchant_id = $1 AND shop_id = $2",
        *shop,
    )
    return {
        category_id: None if children is None else _tree.decode(children)
        for category_id, children in rows
    }


async def forget_branches(
    connection: Connection, shop: ShopKey, category_ids: Collection[str]
) -> None:
    """Delete branches that have left the tree."""
    await connection.execute(
        """
        DELETE FROM category_branch
        WHERE merchant_id = $1 AND shop_id = $2 AND category_id = ANY($3)
        """,
        *shop,
        list(category_ids),
    )


async def has_all_branches(connection: Connection, shop: ShopKey) -> bool:
    """Whether no branch of the shop is still to be fetched."""
    found: bool = await connection.fetchval(
        """
        SELECT NOT EXISTS (SELECT FROM category_branch
            WHERE merchant_id = $1 AND shop_id = $2 AND children IS NULL)
        """,
        *shop,
    )
    return found


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


async def is_tree_overdue(connection: Connection, shop: ShopKey) -> bool:
    """Whether a branch of the shop's tree should have been fetched again, and was not."""
    found: bool = await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM category_branch WHERE merchant_id = $1 AND shop_id = $2
            AND (due_at <= $3 OR failures > 0))
        """,
        *shop,
        clock.now(),
    )
    return found


async def load_bodies(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    category_ids: Collection[str],
    *,
    after: str = "",
    limit: int,
) -> list[tuple[str, str]]:
    """Category and body of the schemas that are there, by category, those after one."""
    rows = await connection.fetch(
        """
        SELECT category_id, body FROM category_schema
        WHERE merchant_id = $1 AND shop_id = $2 AND category_id = ANY($3) AND category_id > $4
            AND body IS NOT NULL
        ORDER BY category_id LIMIT $5
        """,
        merchant_id,
        shop_id,
        list(category_ids),
        after,
        limit,
    )
    return [(category_id, body) for category_id, body in rows]


async def list_due_schemas(
    connection: Connection,
    job: str,
    *,
    older_than: datetime,
    busy: Collection[ShopKey],
    limit: int,
    of_shop: int,
) -> list[SchemaKey]:
    """Schemas of usable shops never fetched, or not since: each merchant's first one, then each
    one's second, and so on.

    Of a merchant's shops likewise, at most `of_shop` of one, the ones waited for first; shops that
    are `busy` or backing off, and rows that the job is to pass over, are left out.
    """
    rows = await connection.fetch(
        """
        WITH by_shop AS (
            SELECT merchant_id, shop_id, category_id, fetched_at, requested_at, row_number() OVER (
                PARTITION BY merchant_id, shop_id ORDER BY fetched_at NULLS FIRST, requested_at,
                    category_id) AS of_shop
            FROM category_schema s JOIN shop USING (merchant_id, shop_id)
            WHERE is_usable AND (fetched_at IS NULL OR fetched_at < $1)
                AND (s.retry_at IS NULL OR s.retry_at <= $2)
                AND (shop.retry_at IS NULL OR shop.retry_at <= $2)
                AND (merchant_id, shop_id) NOT IN (SELECT * FROM unnest($3::text[], $4::text[]))
                AND NOT is_held($7, merchant_id, shop_id || '/' || category_id, $2)
        ), by_merchant AS (
            SELECT *, row_number() OVER (
                PARTITION BY merchant_id
                ORDER BY of_shop, fetched_at NULLS FIRST, requested_at, category_id) AS of_merchant
            FROM by_shop WHERE of_shop <= $6
        )
        SELECT merchant_id, shop_id, category_id FROM by_merchant
        ORDER BY of_merchant, fetched_at NULLS FIRST, requested_at, category_id LIMIT $5
        """,
        older_than,
        clock.now(),
        [merchant for merchant, _ in busy],
        [shop for _, shop in busy],
        limit,
        of_shop,
        job,
    )
    return [(m, s, c) for m, s, c in rows]


async def count_schema_failures(connection: Connection, key: SchemaKey) -> int:
    """How often fetching the schema has failed in a row."""
    found: int | None = await connection.fetchval(
        """
        SELECT failures FROM category_schema
        WHERE merchant_id = $1 AND shop_id = $2 AND category_id = $3
        """,
        *key,
    )
    return found or 0


async def defer_schema(connection: Connection, key: SchemaKey, *, retry_at: datetime) -> None:
    """Fetching the schema failed: it may be asked for again then."""
    await connection.execute(
        """
        UPDATE category_schema SET failures = failures + 1, retry_at = $4
        WHERE merchant_id = $1 AND shop_id = $2 AND category_id = $3
        """,
        *key,
        retry_at,
    )


async def save_schema(
    connection: Connection, key: SchemaKey, *, body: str | None, refusal: str | None
) -> bool:
    """Keep what the marketplace answered; whether it differs from what was known.

    Families that wait for it are let go.
    """
    row = await connection.fetchrow(
        """
        UPDATE category_schema SET
            body = $4, refusal = $5, fetched_at = $6, failures = 0, retry_at = NULL,
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


async def mark_categories(
    connection: Connection, shop: ShopKey, category_ids: Collection[str]
) -> None:
    """Mark the families dirty that the shop's active feeds have in these categories."""
    n = normalized_product.c
    await mark(
        connection,
        select(n.merchant_id, feed.c.catalogue_id, n.family_id, n.feed_id)
        .join_from(feed, normalized_product, _OF_FEED)
        .where(
            *_of_shop(shop), n.category_id == func.any(literal(list(category_ids), ARRAY(Text)))
        ),
    )


async def list_used_categories(connection: Connection, shop: ShopKey) -> list[str]:
    """The categories that the shop's active feeds have families in."""
    rows = await core.fetch(
        connection,
        select(normalized_product.c.category_id)
        .distinct()
        .join_from(feed, normalized_product, _OF_FEED)
        .where(*_of_shop(shop), normalized_product.c.category_id.is_not(None)),
    )
    return [row["category_id"] for row in rows]


_OF_FEED = and_(
    normalized_product.c.merchant_id == feed.c.merchant_id,
    normalized_product.c.feed_id == feed.c.feed_id,
)


def _of_shop(shop: ShopKey) -> tuple[ColumnElement[bool], ...]:
    merchant_id, shop_id = shop
    f = feed.c
    return f.merchant_id == merchant_id, f.shop_id == shop_id, f.lifecycle == "active"
