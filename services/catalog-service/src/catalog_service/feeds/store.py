"""Feeds and their configurations in Postgres."""

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import literal, select

from catalog_service.families.store import mark
from catalog_service.tables import feed as feed_table
from catalog_service.tables import feed_configuration as configuration_table
from catalog_service.tables import normalized_product, source_product
from common import clock
from common.contracts.feed import FeedState
from common.errors import NotFound
from common.postgres import core
from common.postgres.counters import load_counters
from common.postgres.pool import Connection
from common.web.preconditions import etag_of

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

    @property
    def etag(self) -> str:
        """The tag of what the feed is now: its configuration's version, and whether it is gone."""
        return etag_of(
            f"{self.configuration_version}{'' if self.lifecycle == 'active' else '-removed'}"
        )

    def state(self) -> FeedState:
        """The feed as other services see it."""
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


_FEED = select(*(feed_table.c[part.name] for part in fields(Feed)))


async def find_feed(
    connection: Connection, merchant_id: str, feed_id: str, *, is_locked: bool = False
) -> Feed | None:
    """The feed, or None; `is_locked` locks it for this transaction."""
    found = _FEED.where(feed_table.c.merchant_id == merchant_id, feed_table.c.feed_id == feed_id)
    row = await core.fetch_one(connection, found.with_for_update() if is_locked else found)
    return None if row is None else Feed(**dict(row))


async def list_feeds(
    connection: Connection,
    merchant_id: str,
    *,
    shop_id: str | None = None,
    catalogue_id: str | None = None,
    lifecycle: Lifecycle | None = None,
    after: str = "",
    limit: int = 50,
) -> list[Feed]:
    """The merchant's feeds by name; those of a shop, of a catalogue, in a state."""
    found = _FEED.where(feed_table.c.merchant_id == merchant_id, feed_table.c.feed_id > after)
    if shop_id is not None:
        found = found.where(feed_table.c.shop_id == shop_id)
    if catalogue_id is not None:
        found = found.where(feed_table.c.catalogue_id == catalogue_id)
    if lifecycle is not None:
        found = found.where(feed_table.c.lifecycle == lifecycle)
    rows = await core.fetch(connection, found.order_by(feed_table.c.feed_id).limit(limit))
    return [Feed(**dict(row)) for row in rows]


async def list_all_feeds(connection: Connection, merchant_id: str | None) -> list[Feed]:
    """Every feed, locked, of one merchant or of all (for operators)."""
    feeds = _FEED if merchant_id is None else _FEED.where(feed_table.c.merchant_id == merchant_id)
    rows = await core.fetch(
        connection,
        feeds.order_by(feed_table.c.merchant_id, feed_table.c.feed_id).with_for_update(),
    )
    return [Feed(**dict(row)) for row in rows]


async def load_feeds_of_catalogues(
    connection: Connection, keys: Collection[tuple[str, str]]
) -> list[Feed]:
    """The feeds of these (merchant, catalogue), removed ones too."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, feed_id, shop_id, catalogue_id, main_locale, configuration_version,
            lifecycle, revision
        FROM feed
        JOIN unnest($1::text[], $2::text[]) AS k (merchant_id, catalogue_id)
            USING (merchant_id, catalogue_id)
        ORDER BY merchant_id, feed_id
        """,
        [merchant for merchant, _ in keys],
        [catalogue for _, catalogue in keys],
    )
    return [Feed(**dict(row)) for row in rows]


async def save_feed(connection: Connection, feed: Feed) -> Feed:
    """Write the feed with the next revision; the caller holds its lock or creates it."""
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
    return replace(feed, revision=revision)


async def lock_name(connection: Connection, merchant_id: str, feed_id: str) -> None:
    """Let nobody else save or remove a feed of this name until the transaction ends, whether there
    is one yet or not."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('feed/' || $1 || '/' || $2, 0))",
        merchant_id,
        feed_id,
    )


@dataclass(frozen=True)
class Version:
    """A version of a feed's configuration; `author` is the client whose token saved it, None for
    one that was saved before authors were kept."""

    version: int
    author: str | None
    note: str | None
    created_at: datetime


async def add_configuration(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    version: int,
    body: str,
    *,
    author: str | None = None,
    note: str | None = None,
) -> None:
    """Keep a version of a feed's configuration for good."""
    await connection.execute(
        """
        INSERT INTO feed_configuration
            (merchant_id, feed_id, version, body, created_at, author, note)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        merchant_id,
        feed_id,
        version,
        body,
        clock.now(),
        author,
        note,
    )


async def find_configuration(
    connection: Connection, merchant_id: str, feed_id: str, version: int
) -> str | None:
    """A version's configuration as JSON text; None where there is no such version."""
    body: str | None = await connection.fetchval(
        """
        SELECT body FROM feed_configuration
        WHERE merchant_id = $1 AND feed_id = $2 AND version = $3
        """,
        merchant_id,
        feed_id,
        version,
    )
    return body


async def load_configuration(
    connection: Connection, merchant_id: str, feed_id: str, version: int
) -> str:
    """A version's configuration as JSON text. Raises `NotFound`."""
    body = await find_configuration(connection, merchant_id, feed_id, version)
    if body is None:
        remedy = "List the versions: GET /v1/merchants/{m}/feeds/{f}/versions."
        raise NotFound(f"version {version} of the feed", remedy=remedy)
    return body


_VERSION = select(*(configuration_table.c[part.name] for part in fields(Version)))


async def list_versions(
    connection: Connection, feed: Feed, *, before: int | None = None, limit: int = 50
) -> list[Version]:
    """The versions of a feed's configuration, the newest first; those older than `before`."""
    v = configuration_table.c
    found = _VERSION.where(v.merchant_id == feed.merchant_id, v.feed_id == feed.feed_id)
    if before is not None:
        found = found.where(v.version < before)
    rows = await core.fetch(connection, found.order_by(v.version.desc()).limit(limit))
    return [Version(**dict(row)) for row in rows]


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


async def count_online(connection: Connection, feed: Feed) -> int:
    """How many products of the feed are on AliExpress, as far as its reports have it."""
    counted = await load_counters(connection, feed.merchant_id, feed.feed_id, "online")
    return counted.get("", 0)


async def find_absent_fields(
    connection: Connection, merchant_id: str, catalogue_id: str, names: Collection[str]
) -> set[str]:
    """Those of the names that no product of the catalogue has as a field.

    One pass over the stored texts, in which a field's name stands as `"name":`, and nothing else
    does: a quotation mark within a value is escaped.
    """
    wanted = list(names)
    rows = await connection.fetch(
        """
        SELECT DISTINCT k.name FROM unnest($3::text[], $4::text[]) AS k (name, sought)
        JOIN source_product p ON strpos(p.fields, k.sought) > 0
        WHERE p.merchant_id = $1 AND p.catalogue_id = $2 AND NOT p.is_deleted
        """,
        merchant_id,
        catalogue_id,
        wanted,
        [f"{msgspec.json.encode(name).decode()}:" for name in wanted],
    )
    return set(wanted) - {row["name"] for row in rows}


async def load_feed(connection: Connection, merchant_id: str, feed_id: str) -> Feed:
    """The merchant's feed. Raises `NotFound`."""
    feed = await find_feed(connection, merchant_id, feed_id)
    if feed is None:
        raise NotFound("feed", remedy="List the feeds: GET /v1/merchants/{m}/feeds.")
    return feed
