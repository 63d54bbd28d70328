"""Titles that AliExpress is asked for, and its answers, in Postgres; and what suggestions need to
know of a feed's products."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from catalog_service.feeds.store import Feed
from catalog_service.shops.store import ShopKey
from common import clock
from common.contracts.catalog import FieldValue
from common.postgres.counters import load_counters
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work

ASKING = WorkKind()
"""Titles for which AliExpress has not suggested a category yet."""

TitleKey = tuple[str, str, str]
"""(merchant, shop, title)"""

_leaves = msgspec.json.Decoder(list[str])
_fields = msgspec.json.Decoder(dict[str, FieldValue])
_value = msgspec.json.Decoder(tuple[str, str])

CATEGORY_PREFIX = "category_attributes > "
SKU_PREFIX = "sku_info_list > sku_attributes > "
FAMILIES_OF_VALUE = 100
"""Of how many families the leaves are asked in which a value is not allowed."""


async def request_titles(
    connection: Connection,
    shop: ShopKey,
    titles: Collection[str],
    *,
    language: str,
    since: datetime,
) -> None:
    """Have AliExpress asked for these titles; what was asked for before `since` is forgotten."""
    await connection.execute(
        """
        DELETE FROM title_suggestion
        WHERE merchant_id = $1 AND shop_id = $2 AND requested_at < $3
        """,
        *shop,
        since,
    )
    await connection.execute(
        """
        INSERT INTO title_suggestion (merchant_id, shop_id, title, language, requested_at)
        SELECT $1, $2, unnest($3::text[]), $4, $5 ON CONFLICT DO NOTHING
        """,
        *shop,
        sorted(titles),
        language,
        clock.now(),
    )
    made_work(connection, ASKING)


async def load_answers(
    connection: Connection, shop: ShopKey, titles: Collection[str], *, since: datetime
) -> Mapping[str, Sequence[str]]:
    """The leaves AliExpress suggests for each of these titles, the best first; a title that it was
    not asked for since then, or has not answered, is left out."""
    rows = await connection.fetch(
        """
        SELECT title, leaves FROM title_suggestion
        WHERE merchant_id = $1 AND shop_id = $2 AND title = ANY($3) AND leaves IS NOT NULL
            AND requested_at >= $4
        """,
        *shop,
        list(titles),
        since,
    )
    return {row["title"]: _leaves.decode(row["leaves"]) for row in rows}


async def list_due_titles(
    connection: Connection, job: str, *, busy: Collection[ShopKey], limit: int, of_shop: int
) -> list[tuple[TitleKey, str, int]]:
    """Titles of usable shops to ask AliExpress for, each with its language and how often it failed:
    each merchant's first, then each one's second, and so on, at most `of_shop` of a shop. Shops
    that are `busy` or backing off, and titles that the job is to pass over, are left out."""
    rows = await connection.fetch(
        """
        WITH due AS (
            SELECT merchant_id, shop_id, title, language, t.failures, requested_at,
                row_number() OVER (PARTITION BY merchant_id, shop_id
                    ORDER BY requested_at, title) AS of_shop
            FROM title_suggestion AS t JOIN shop USING (merchant_id, shop_id)
            WHERE leaves IS NULL AND is_usable AND (t.retry_at IS NULL OR t.retry_at <= $1)
                AND (shop.retry_at IS NULL OR shop.retry_at <= $1)
                AND (merchant_id, shop_id) NOT IN (SELECT * FROM unnest($5::text[], $6::text[]))
                AND NOT is_held($2, merchant_id, shop_id || '/' || title, $1)
        ), fair AS (
            SELECT *, row_number() OVER (PARTITION BY merchant_id
                ORDER BY of_shop, requested_at, title) AS of_merchant
            FROM due WHERE of_shop <= $3
        )
        SELECT merchant_id, shop_id, title, language, failures FROM fair
        ORDER BY of_merchant, requested_at, title LIMIT $4
        """,
        clock.now(),
        job,
        of_shop,
        limit,
        [merchant for merchant, _ in busy],
        [shop for _, shop in busy],
    )
    return [((m, s, title), language, failures) for m, s, title, language, failures in rows]


async def save_answer(connection: Connection, key: TitleKey, leaves: Sequence[str]) -> None:
    """Keep the leaves that AliExpress suggests for a title."""
    await connection.execute(
        """
        UPDATE title_suggestion SET leaves = $4, failures = 0, retry_at = NULL
        WHERE merchant_id = $1 AND shop_id = $2 AND title = $3
        """,
        *key,
        msgspec.json.encode(leaves).decode(),
    )


async def defer_titles(
    connection: Connection, keys: Sequence[TitleKey], *, retry_at: datetime
) -> None:
    """These could not be asked for now: they may be again then."""
    await connection.execute(
        """
        UPDATE title_suggestion AS t SET failures = t.failures + 1, retry_at = $4
        FROM unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, shop_id, title)
        WHERE (t.merchant_id, t.shop_id, t.title) = (k.merchant_id, k.shop_id, k.title)
        """,
        *([key[place] for key in keys] for place in range(3)),
        retry_at,
    )


async def list_unmatched(
    connection: Connection, feed: Feed, *, begin: int, limit: int
) -> list[tuple[str, int]]:
    """Category paths without a match and how many families wait on each, the most first; behind
    the first `begin` of them (M2.2)."""
    paths = await load_counters(connection, feed.merchant_id, feed.feed_id, "unmatched")
    return [found for found in paths.items() if found[0]][begin : begin + limit]


async def list_families_of_paths(
    connection: Connection, feed: Feed, paths: Collection[str], *, of_path: int
) -> list[tuple[str, str]]:
    """Path and family of the first families of each unmatched path."""
    rows = await connection.fetch(
        """
        SELECT p.name AS category_path, f.family_id
        FROM unnest($3::text[]) AS p (name) CROSS JOIN LATERAL (
            SELECT family_id FROM family_fact
            WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'unmatched' AND name = p.name
            ORDER BY family_id LIMIT $4
        ) AS f ORDER BY 1, 2
        """,
        feed.merchant_id,
        feed.feed_id,
        list(paths),
        of_path,
    )
    return [(row["category_path"], row["family_id"]) for row in rows]


async def load_fields(
    connection: Connection, feed: Feed, product_ids: Collection[str]
) -> dict[str, dict[str, FieldValue]]:
    """The fields of these rows of the feed's catalogue; those that are gone are left out."""
    rows = await connection.fetch(
        """
        SELECT product_id, fields FROM source_product
        WHERE merchant_id = $1 AND catalogue_id = $2 AND product_id = ANY($3) AND NOT is_deleted
        """,
        feed.merchant_id,
        feed.catalogue_id,
        list(product_ids),
    )
    return {row["product_id"]: _fields.decode(row["fields"]) for row in rows}


async def list_used_leaves(connection: Connection, feed: Feed, *, limit: int) -> list[str]:
    """The leaves the feed has families in, those with the most first."""
    leaves = await load_counters(connection, feed.merchant_id, feed.feed_id, "leaf")
    return list(leaves)[:limit]


async def list_lacking(
    connection: Connection, feed: Feed, *, begin: int, limit: int
) -> list[tuple[str, int]]:
    """Required category attributes that families lack, with how many, the most first."""
    missing = await load_counters(connection, feed.merchant_id, feed.feed_id, "missing")
    names = [
        (field.removeprefix(CATEGORY_PREFIX), families)
        for field, families in missing.items()
        if field.startswith(CATEGORY_PREFIX)
    ]
    return names[begin : begin + limit]


@dataclass(frozen=True)
class UnknownValue:
    """A value of the catalogue that an attribute's leaves do not allow, and how many families have
    it."""

    is_sku: bool
    attribute: str
    value: str
    families: int
    leaves: tuple[str, ...]


async def list_unknown_values(
    connection: Connection, feed: Feed, *, attribute: str | None, limit: int
) -> list[UnknownValue]:
    """The values that are no allowed ones, of one attribute or of all, the most frequent first."""
    counted = await load_counters(connection, feed.merchant_id, feed.feed_id, "value")
    found = [
        (name, UnknownValue(prefix == SKU_PREFIX, field.removeprefix(prefix), value, families, ()))
        for name, families in counted.items()
        for field, value in [_value.decode(name)]
        for prefix in (SKU_PREFIX, CATEGORY_PREFIX)
        if field.startswith(prefix) and attribute in {None, field.removeprefix(prefix)}
    ]
    found.sort(key=lambda each: (-each[1].families, each[1].attribute, each[1].value))
    leaves = await _leaves_of_values(connection, feed, [name for name, _ in found[:limit]])
    return [replace(each, leaves=tuple(leaves.get(name, ()))) for name, each in found[:limit]]


async def _leaves_of_values(
    connection: Connection, feed: Feed, names: Sequence[str]
) -> dict[str, list[str]]:
    """The leaves of the first families with each of these values."""
    rows = await connection.fetch(
        """
        SELECT v.name, f.leaves FROM unnest($3::text[]) AS v (name) CROSS JOIN LATERAL (
            SELECT (array_agg(DISTINCT category_id))[1:20] AS leaves FROM (
                SELECT n.category_id FROM family_fact AS f
                JOIN normalized_product AS n USING (merchant_id, feed_id, family_id)
                WHERE f.merchant_id = $1 AND f.feed_id = $2 AND f.kind = 'value'
                    AND f.name = v.name AND n.category_id IS NOT NULL
                ORDER BY f.family_id LIMIT $4
            ) AS first
        ) AS f
        """,
        feed.merchant_id,
        feed.feed_id,
        list(names),
        FAMILIES_OF_VALUE,
    )
    return {row["name"]: row["leaves"] or [] for row in rows}
