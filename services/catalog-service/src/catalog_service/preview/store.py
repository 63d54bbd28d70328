"""Reading normalized products for people: lists, groups."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import ARRAY, Text, any_, func, literal, select

from catalog_service.feeds.store import Feed
from catalog_service.preview.causes import OF_ONE_PRODUCT
from catalog_service.tables import normalized_product
from common.contracts.feed import Cause
from common.contracts.product import ProductNormalized
from common.errors import NotFound
from common.postgres import core
from common.postgres.pool import Connection


class ShownProduct(msgspec.Struct, frozen=True):
    """A normalized product with its last report from AliExpress."""

    event: ProductNormalized
    state: str
    category_id: str | None
    category_path: str | None
    title: str | None
    normalized_at: datetime
    report_status: str | None
    report_causes: list[Cause]
    marketplace_product_id: str | None


_SHOWN = select(*(normalized_product.c[name] for name in ShownProduct.__struct_fields__))


async def list_normalized(
    connection: Connection,
    feed: Feed,
    *,
    states: Sequence[str] | None = None,
    rule: str | None = None,
    text: str | None = None,
    after: str = "",
    limit: int = 50,
) -> list[ShownProduct]:
    """The feed's families by id, optionally in a state, touched by a rule, holding a text."""
    n = normalized_product.c
    found = _SHOWN.where(
        n.merchant_id == feed.merchant_id, n.feed_id == feed.feed_id, n.family_id > after
    )
    if states is not None:
        found = found.where(n.state == any_(literal(list(states), ARRAY(Text))))
    if rule is not None:
        found = found.where(literal(rule, Text) == any_(n.rules))
    if text is not None:
        shown = func.lower(n.family_id + " " + func.coalesce(n.title, "") + n.event)
        found = found.where(func.strpos(shown, func.lower(text)) > 0)
    rows = await core.fetch(connection, found.order_by(n.family_id).limit(limit))
    return [_shown(row) for row in rows]


async def load_normalized(connection: Connection, feed: Feed, family_id: str) -> ShownProduct:
    """One family of the feed. Raises `NotFound`."""
    found = await find_normalized(connection, feed, family_id)
    if found is None:
        raise NotFound("family", remedy="It may still be dirty: see the feed's progress.")
    return found


async def find_normalized(
    connection: Connection, feed: Feed, family_id: str
) -> ShownProduct | None:
    """One family of the feed, None where it was never evaluated."""
    n = normalized_product.c
    row = await core.fetch_one(
        connection,
        _SHOWN.where(
            n.merchant_id == feed.merchant_id,
            n.feed_id == feed.feed_id,
            n.family_id == family_id,
        ),
    )
    return None if row is None else _shown(row)


async def find_family_of_sku(connection: Connection, feed: Feed, sku_code: str) -> str | None:
    """The family that has the SKU code in this feed, one that is wanted first; None where none
    ever had it."""
    family: str | None = await connection.fetchval(
        """
        SELECT s.family_id FROM family_sku AS s
        JOIN normalized_product AS n USING (merchant_id, feed_id, family_id)
        WHERE s.merchant_id = $1 AND s.feed_id = $2 AND s.sku_code = $3
        ORDER BY n.state IN ('excluded', 'deleted', 'feed_removed'), s.family_id LIMIT 1
        """,
        feed.merchant_id,
        feed.feed_id,
        sku_code,
    )
    return family


async def list_codes_beside(
    connection: Connection, feed: Feed, sku_code: str, *, limit: int
) -> list[str]:
    """Codes of the feed that sort next to this one: half of `limit` on either side."""
    rows = await connection.fetch(
        """
        (SELECT sku_code FROM family_sku WHERE merchant_id = $1 AND feed_id = $2 AND sku_code >= $3
            ORDER BY sku_code LIMIT $4)
        UNION ALL
        (SELECT sku_code FROM family_sku WHERE merchant_id = $1 AND feed_id = $2 AND sku_code < $3
            ORDER BY sku_code DESC LIMIT $4)
        """,
        feed.merchant_id,
        feed.feed_id,
        sku_code,
        limit // 2,
    )
    return [row["sku_code"] for row in rows]


async def find_pending(
    connection: Connection, feed: Feed, family_id: str
) -> tuple[bool, str | None]:
    """Whether the family is still to be evaluated, and what it waits for."""
    row = await connection.fetchrow(
        """
        SELECT EXISTS (
            SELECT FROM family_mark WHERE merchant_id = $1 AND catalogue_id = $2
                AND family_id = $4 AND (feed_id IS NULL OR feed_id = $3)
        ) AS is_dirty, (
            SELECT waits_for FROM family_wait
            WHERE merchant_id = $1 AND feed_id = $3 AND family_id = $4
        ) AS waits_for
        """,
        feed.merchant_id,
        feed.catalogue_id,
        feed.feed_id,
        family_id,
    )
    assert row is not None  # noqa: S101 - a statement without a table has a row
    return row["is_dirty"] or row["waits_for"] is not None, row["waits_for"]


async def count_states(connection: Connection, feed: Feed) -> dict[str, int]:
    """How many families are in each state."""
    rows = await connection.fetch(
        """
        SELECT state, count(*) AS families FROM normalized_product
        WHERE merchant_id = $1 AND feed_id = $2 GROUP BY state
        """,
        feed.merchant_id,
        feed.feed_id,
    )
    return {row["state"]: row["families"] for row in rows}


async def count_missing(connection: Connection, feed: Feed) -> dict[str, int]:
    """How many families lack each attribute (M3.13)."""
    rows = await connection.fetch(
        """
        SELECT field, count(*) AS families FROM normalized_product, unnest(missing) AS field
        WHERE merchant_id = $1 AND feed_id = $2 GROUP BY field ORDER BY 2 DESC, 1
        """,
        feed.merchant_id,
        feed.feed_id,
    )
    return {row["field"]: row["families"] for row in rows}


async def count_unmatched(
    connection: Connection, feed: Feed, *, limit: int
) -> list[tuple[str, int]]:
    """Category paths without a match and how many families wait on each (M2.2)."""
    rows = await connection.fetch(
        """
        SELECT category_path, count(*) AS families FROM normalized_product
        WHERE merchant_id = $1 AND feed_id = $2 AND category_id IS NULL
            AND state NOT IN ('excluded', 'deleted', 'feed_removed')
        GROUP BY category_path ORDER BY 2 DESC, 1 LIMIT $3
        """,
        feed.merchant_id,
        feed.feed_id,
        limit,
    )
    return [(row["category_path"] or "", row["families"]) for row in rows]


async def list_families(
    connection: Connection, merchant_id: str, catalogue_id: str, *, after: str, limit: int
) -> list[str]:
    """The families of a catalogue's rows that are not deleted, by id."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT family_id FROM source_product
        WHERE merchant_id = $1 AND catalogue_id = $2 AND family_id > $3 AND NOT is_deleted
        ORDER BY family_id LIMIT $4
        """,
        merchant_id,
        catalogue_id,
        after,
        limit,
    )
    return [row["family_id"] for row in rows]


async def list_issue_groups(
    connection: Connection, feed: Feed, *, limit: int
) -> list[dict[str, Any]]:
    """Issues grouped by cause, with counts and examples.

    Of one cause are issues of one rule, severity and field whose message and remedy are the same
    but for what is quoted in them and for numbers (what a picture's server answered is a cause).
    """
    rows = await connection.fetch(
        """
        SELECT issue ->> 'rule' AS rule, coalesce(issue ->> 'severity', 'error') AS severity,
            issue ->> 'field' AS field, min(issue ->> 'message') AS message,
            min(issue ->> 'remedy') AS remedy, count(DISTINCT family_id) AS families,
            (array_agg(DISTINCT family_id))[1:5] AS examples
        FROM normalized_product
        CROSS JOIN LATERAL (
            VALUES ('content_part'), ('offers_part'), ('stock_part')) AS part (name)
        CROSS JOIN LATERAL json_array_elements(
            coalesce(event::json -> part.name -> 'issues', '[]')) AS issue
        WHERE merchant_id = $1 AND feed_id = $2 AND cardinality(rules) > 0
        GROUP BY 1, 2, 3, regexp_replace(issue ->> 'message', $4, '', 'g'),
            regexp_replace(issue ->> 'remedy', $4, '', 'g')
        ORDER BY 2 DESC, 6 DESC, 1, 3 LIMIT $3
        """,
        feed.merchant_id,
        feed.feed_id,
        limit,
        OF_ONE_PRODUCT,
    )
    return [dict(row) for row in rows]


def _shown(row: asyncpg.Record) -> ShownProduct:
    return ShownProduct(
        event=msgspec.json.decode(row["event"], type=ProductNormalized),
        state=row["state"],
        category_id=row["category_id"],
        category_path=row["category_path"],
        title=row["title"],
        normalized_at=row["normalized_at"],
        report_status=row["report_status"],
        report_causes=msgspec.json.decode(row["report_causes"] or "[]", type=list[Cause]),
        marketplace_product_id=row["marketplace_product_id"],
    )
