"""What suggestions need to know of a feed's products: reads only."""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from catalog_service.feeds.store import Feed
from common.contracts.catalog import FieldValue
from common.postgres.pool import Connection

_fields = msgspec.json.Decoder(dict[str, FieldValue])

CATEGORY_PREFIX = "category_attributes > "
SKU_PREFIX = "sku_info_list > sku_attributes > "


async def list_unmatched(
    connection: Connection, feed: Feed, *, begin: int, limit: int
) -> list[tuple[str, int]]:
    """Category paths without a match and how many families wait on each, the most first; behind
    the first `begin` of them (M2.2)."""
    rows = await connection.fetch(
        """
        SELECT category_path, count(*) AS families FROM normalized_product
        WHERE merchant_id = $1 AND feed_id = $2 AND category_id IS NULL AND category_path <> ''
            AND state NOT IN ('excluded', 'deleted', 'feed_removed')
        GROUP BY category_path ORDER BY 2 DESC, 1 OFFSET $3 LIMIT $4
        """,
        feed.merchant_id,
        feed.feed_id,
        begin,
        limit,
    )
    return [(row["category_path"], row["families"]) for row in rows]


async def list_families_of_paths(
    connection: Connection, feed: Feed, paths: Collection[str], *, of_path: int
) -> list[tuple[str, str]]:
    """Path and family of the first families of each unmatched path."""
    rows = await connection.fetch(
        """
        SELECT category_path, family_id FROM (
            SELECT category_path, family_id,
                row_number() OVER (PARTITION BY category_path ORDER BY family_id) AS place
            FROM normalized_product
            WHERE merchant_id = $1 AND feed_id = $2 AND category_id IS NULL
                AND category_path = ANY($3)
                AND state NOT IN ('excluded', 'deleted', 'feed_removed')
        ) AS numbered WHERE place <= $4 ORDER BY category_path, family_id
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
    rows = await connection.fetch(
        """
        SELECT category_id FROM normalized_product
        WHERE merchant_id = $1 AND feed_id = $2 AND category_id IS NOT NULL
            AND state NOT IN ('excluded', 'deleted', 'feed_removed')
        GROUP BY category_id ORDER BY count(*) DESC, category_id LIMIT $3
        """,
        feed.merchant_id,
        feed.feed_id,
        limit,
    )
    return [row["category_id"] for row in rows]


async def list_lacking(
    connection: Connection, feed: Feed, *, begin: int, limit: int
) -> list[tuple[str, int]]:
    """Required category attributes that families lack, with how many, the most first."""
    rows = await connection.fetch(
        """
        SELECT substr(field, $3) AS name, count(*) AS families
        FROM normalized_product, unnest(missing) AS field
        WHERE merchant_id = $1 AND feed_id = $2 AND starts_with(field, $4)
        GROUP BY 1 ORDER BY 2 DESC, 1 OFFSET $5 LIMIT $6
        """,
        feed.merchant_id,
        feed.feed_id,
        len(CATEGORY_PREFIX) + 1,
        CATEGORY_PREFIX,
        begin,
        limit,
    )
    return [(row["name"], row["families"]) for row in rows]


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
    rows = await connection.fetch(
        """
        SELECT starts_with(issue ->> 'field', $3) AS is_sku,
            substr(issue ->> 'field', 1 + length(CASE WHEN starts_with(issue ->> 'field', $3)
                THEN $3 ELSE $4 END)) AS attribute,
            issue ->> 'value' AS value, count(DISTINCT family_id) AS families,
            (array_agg(DISTINCT category_id))[1:20] AS leaves
        FROM normalized_product
        CROSS JOIN LATERAL (
            VALUES ('content_part'), ('offers_part'), ('stock_part')) AS part (name)
        CROSS JOIN LATERAL json_array_elements(
            coalesce(event::json -> part.name -> 'issues', '[]')) AS issue
        WHERE merchant_id = $1 AND feed_id = $2 AND rules && ARRAY['M3.12', 'M4.2']
            AND category_id IS NOT NULL AND issue ->> 'value' IS NOT NULL
            AND issue ->> 'rule' IN ('M3.12', 'M4.2')
            AND (starts_with(issue ->> 'field', $3) OR starts_with(issue ->> 'field', $4))
            AND ($5::text IS NULL OR issue ->> 'field' IN ($3 || $5, $4 || $5))
        GROUP BY 1, 2, 3 ORDER BY 4 DESC, 2, 3 LIMIT $6
        """,
        feed.merchant_id,
        feed.feed_id,
        SKU_PREFIX,
        CATEGORY_PREFIX,
        attribute,
        limit,
    )
    return [
        UnknownValue(
            row["is_sku"], row["attribute"], row["value"], row["families"], tuple(row["leaves"])
        )
        for row in rows
    ]
