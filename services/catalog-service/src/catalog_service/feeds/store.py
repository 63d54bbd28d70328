"""Feeds, their configurations, shops and category schemas in Postgres."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from sqlalchemy import and_, literal, select

from catalog_service.families.store import end_waits, mark
from catalog_service.tables import feed as feed_table
from catalog_service.tables import normalized_product, source_product
from common import clock
from common.contracts.feed import FeedState
from common.contracts.shop import ShopState
from common.postgres.pool import Connection

Lifecycle = Literal["active", "removed"]


@dataclass(frozen=True)
class Feed:
    """A feed as it is now."""

    merchant_id: str
    feed_id: str
    shop_id: str
    catalogue_id: str
    main_locale: str
    configuration_version: int
    lifecycle: Lifecycle
    revision: int

    def state(self) -> FeedState:
        """The feed as other services are told of it."""
        return FeedState(
            merchant_id=self.merchant_id,
            feed_id=self.feed_id,
            revision=self.revision,
            shop_id=self.shop_id,
            catalogue_id=self.catalogue_id,
            main_locale=self.main_locale,
            configuration_version=self.configuration_version,
            lifecycle=self.lifecycle,
        )


_FEED = """merchant_id, feed_id, shop_id, catalogue_id, main_locale, configuration_version,
    lifecycle, revision"""


async def find_feed(
    connection: Connection, merchant_id: str, feed_id: str, *, is_locked: bool = False
) -> Feed | None:
    """The feed, or None; `is_locked` locks it for this transaction."""
    lock = "FOR UPDATE" if is_locked else ""
    row = await connection.fetchrow(
        f"SELECT {_FEED} FROM feed WHERE merchant_id = $1 AND feed_id = $2 {lock}",  # noqa: S608 - constants
        merchant_id,
        feed_id,
    )
    return None if row is None else Feed(**dict(row))


async def list_feeds(
    connection: Connection, merchant_id: str, *, after: str = "", limit: int = 50
) -> list[Feed]:
    """The merchant's feeds by name."""
    rows = await connection.fetch(
        f"""
        SELECT {_FEED} FROM feed WHERE merchant_id = $1 AND feed_id > $2
        ORDER BY feed_id LIMIT $3
        """,  # noqa: S608 - a constant list of columns
        merchant_id,
        after,
        limit,
    )
    return [Feed(**dict(row)) for row in rows]


async def list_all_feeds(connection: Connection, merchant_id: str | None) -> list[Feed]:
    """Every feed, locked, of one merchant or of all (for operators)."""
    rows = await connection.fetch(
        f"""
        SELECT {_FEED} FROM feed WHERE $1::text IS NULL OR merchant_id = $1
        ORDER BY merchant_id, feed_id FOR UPDATE
        """,  # noqa: S608 - a constant list of columns
        merchant_id,
    )
    return [Feed(**dict(row)) for row in rows]


async def load_feeds_of_catalogues(
    connection: Connection, keys: Collection[tuple[str, str]]
) -> list[Feed]:
    """The feeds of these (merchant, catalogue), removed ones too."""
    rows = await connection.fetch(
        f"""
        SELECT {_FEED} FROM feed
        JOIN unnest($1::text[], $2::text[]) AS k (merchant_id, catalogue_id)
            USING (merchant_id, catalogue_id)
        ORDER BY merchant_id, feed_id
        """,  # noqa: S608 - a constant list of columns
        [merchant for merchant, _ in keys],
        [catalogue for _, catalogue in keys],
    )
    return [Feed(**dict(row)) for row in rows]


async def save_feed(connection: Connection, feed: Feed) -> Feed:
    """Write the feed with the next revision; the caller holds its lock or makes it anew."""
    revision = await connection.fetchval(
        """
        INSERT INTO feed AS kept
            (merchant_id, feed_id, shop_id, catalogue_id, main_locale, configuration_version,
             lifecycle, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (merchant_id, feed_id) DO UPDATE SET
            main_locale = $5, configuration_version = $6, lifecycle = $7,
            revision = greatest(kept.revision + 1, $8)
        RETURNING revision
        """,
        feed.merchant_id,
        feed.feed_id,
        feed.shop_id,
        feed.catalogue_id,
        feed.main_locale,
        feed.configuration_version,
        feed.lifecycle,
        clock.epoch_milliseconds(),
    )
    return Feed(**{**feed.__dict__, "revision": revision})


async def add_configuration(
    connection: Connection, merchant_id: str, feed_id: str, version: int, body: str
) -> None:
    """Keep a version of a feed's configuration for good."""
    await connection.execute(
        """
        INSERT INTO feed_configuration (merchant_id, feed_id, version, body, created_at)
        VALUES ($1, $2, $3, $4, $5)
        """,
        merchant_id,
        feed_id,
        version,
        body,
        clock.now(),
    )


async def load_configuration(
    connection: Connection, merchant_id: str, feed_id: str, version: int
) -> str:
    """A version's configuration as JSON text."""
    body: str = await connection.fetchval(
        """
        SELECT body FROM feed_configuration
        WHERE merchant_id = $1 AND feed_id = $2 AND version = $3
        """,
        merchant_id,
        feed_id,
        version,
    )
    return body


async def mark_feed(connection: Connection, feed: Feed) -> None:
    """Mark every family of the feed dirty: those of its catalogue, and those it had before."""
    p, n = source_product.c, normalized_product.c
    families = (
        select(p.family_id)
        .where(
            p.merchant_id == feed.merchant_id,
            p.catalogue_id == feed.catalogue_id,
            p.is_deleted.is_(False),
        )
        .union(
            select(n.family_id).where(n.merchant_id == feed.merchant_id, n.feed_id == feed.feed_id)
        )
        .subquery()
    )
    await mark(
        connection,
        select(
            literal(feed.merchant_id).label("merchant_id"),
            literal(feed.catalogue_id).label("catalogue_id"),
            families.c.family_id,
            literal(feed.feed_id).label("feed_id"),
        ),
    )


async def mark_category(
    connection: Connection, merchant_id: str, shop_id: str, category_id: str
) -> None:
    """Mark the families dirty that the shop's active feeds have in this category."""
    n, f = normalized_product.c, feed_table.c
    await mark(
        connection,
        select(n.merchant_id, f.catalogue_id, n.family_id, n.feed_id)
        .join_from(
            feed_table,
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


# -- shops ----------------------------------------------------------------------------------


async def keep_shops(connection: Connection, states: Sequence[ShopState]) -> list[tuple[str, str]]:
    """Keep the highest revision of each; the (merchant, shop) whose token is another now."""
    rows = await connection.fetch(
        """
        INSERT INTO shop AS kept
            (merchant_id, shop_id, revision, is_usable, generation, seller_id)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::boolean[], $5::integer[],
            $6::text[])
        ON CONFLICT (merchant_id, shop_id) DO UPDATE SET
            revision = excluded.revision, is_usable = excluded.is_usable,
            generation = excluded.generation, seller_id = excluded.seller_id
        WHERE excluded.revision > kept.revision
        RETURNING new.merchant_id, new.shop_id,
            old.generation IS DISTINCT FROM new.generation AS is_renewed
        """,
        [state.merchant_id for state in states],
        [state.shop_id for state in states],
        [state.revision for state in states],
        [state.is_usable for state in states],
        [state.generation for state in states],
        [state.seller_id for state in states],
    )
    return [(m, s) for m, s, is_renewed in rows if is_renewed]


class TreeNode(msgspec.Struct, frozen=True, array_like=True):
    """A category in a shop's tree."""

    category_id: str
    parent_id: str
    name: str
    is_leaf: bool


async def list_due_trees(
    connection: Connection, *, older_than: datetime, limit: int = 5
) -> list[tuple[str, str]]:
    """Usable shops whose tree was never fetched, or not since."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id FROM shop
        WHERE is_usable AND (tree_fetched_at IS NULL OR tree_fetched_at < $1)
        ORDER BY tree_fetched_at NULLS FIRST LIMIT $2
        """,
        older_than,
        limit,
    )
    return [(m, s) for m, s in rows]


async def save_tree(
    connection: Connection, merchant_id: str, shop_id: str, tree: Sequence[TreeNode]
) -> None:
    """Keep a shop's whole tree."""
    await connection.execute(
        """
        UPDATE shop SET tree = $3, tree_fetched_at = $4 WHERE merchant_id = $1 AND shop_id = $2
        """,
        merchant_id,
        shop_id,
        msgspec.json.encode(tree).decode(),
        clock.now(),
    )


async def find_tree(
    connection: Connection, merchant_id: str, shop_id: str
) -> tuple[list[TreeNode], datetime] | None:
    """A shop's tree and when it was fetched; None before that."""
    row = await connection.fetchrow(
        "SELECT tree, tree_fetched_at FROM shop WHERE merchant_id = $1 AND shop_id = $2",
        merchant_id,
        shop_id,
    )
    if row is None or row["tree"] is None:
        return None
    return msgspec.json.decode(row["tree"], type=list[TreeNode]), row["tree_fetched_at"]


# -- schemas --------------------------------------------------------------------------------

SchemaKey = tuple[str, str, str]
"""(merchant, shop, category)"""


def wait_for_schema(shop_id: str, category_id: str) -> str:
    """What a family that needs a schema waits for."""
    return f"schema:{shop_id}/{category_id}"


async def request_schemas(connection: Connection, keys: Collection[SchemaKey]) -> set[SchemaKey]:
    """Ask for these schemas; those that are there by now are returned instead.

    Locks their rows, so that a schema that arrives meanwhile sees the marks that wait for it.
    """
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
        RETURNING old.version AS former_version, new.version AS version,
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
    is_other: bool = row["former_version"] != row["version"]
    return is_other


def stale_before(lifetime: timedelta) -> datetime:
    """What was fetched before this is to be fetched again."""
    return clock.now() - lifetime
