"""Reading normalized products for people: lists, groups."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import ARRAY, CompoundSelect, Text, any_, func, literal, select, union_all

from catalog_service.feeds.store import Feed
from catalog_service.normalizing.groups import cause_name
from catalog_service.tables import normalized_product
from common.contracts.feed import Cause
from common.contracts.product import Part, ProductNormalized
from common.errors import Issue, NotFound
from common.postgres import core
from common.postgres.counters import load_counters
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
    quality: int | None
    image_urls: list[str]


_SHOWN = select(*(normalized_product.c[name] for name in ShownProduct.__struct_fields__))


async def list_normalized(
    connection: Connection,
    feed: Feed,
    *,
    states: Sequence[str] | None = None,
    rule: str | None = None,
    among: Sequence[str] | None = None,
    quality_from: int | None = None,
    quality_to: int | None = None,
    after: str = "",
    limit: int = 50,
) -> list[ShownProduct]:
    """The feed's families by id, optionally `among` some, of these those in a state and touched by
    a rule, of a quality between two figures. Of all, a state's are read in the order of an index,
    however few they are."""
    n = normalized_product.c
    is_of_quality = quality_from is not None or quality_to is not None
    found = _SHOWN.where(
        n.merchant_id == feed.merchant_id, n.feed_id == feed.feed_id, n.family_id > after
    )
    if among is not None:
        found = found.where(n.family_id == any_(literal(list(among), ARRAY(Text))))
    if rule is not None:
        found = found.where(literal(rule, Text) == any_(n.rules))
    if states is not None:
        if among is None and not is_of_quality:
            first = _first_in_states(feed, states, after, limit).scalar_subquery()
            found = found.where(n.family_id == func.any(func.array(first)))
        found = found.where(n.state == any_(literal(list(states), ARRAY(Text))))
    if quality_from is not None:
        found = found.where(n.quality >= quality_from)
    if quality_to is not None:
        found = found.where(n.quality <= quality_to)
    rows = await core.fetch(connection, found.order_by(n.family_id).limit(limit))
    return [_shown(row) for row in rows]


def _first_in_states(
    feed: Feed, states: Sequence[str], after: str, limit: int
) -> CompoundSelect[str]:
    """The next families of each state."""
    n = normalized_product.c
    return union_all(
        *(
            select(
                select(n.family_id)
                .where(
                    n.merchant_id == feed.merchant_id,
                    n.feed_id == feed.feed_id,
                    n.state == state,
                    n.family_id > after,
                )
                .order_by(n.family_id)
                .limit(limit)
                .subquery()
            )
            for state in sorted(set(states))
        )
    )


async def load_normalized(
    connection: Connection, feed: Feed, family_id: str, *, waits_for: str | None = None
) -> ShownProduct:
    """One family of the feed. Raises `NotFound`, with what it waits for where that is known."""
    found = await find_normalized(connection, feed, family_id)
    if found is None:
        remedy = "It may still be dirty: see the feed's progress."
        raise NotFound("family", remedy=_waiting(waits_for) if waits_for else remedy)
    return found


def _waiting(waits_for: str) -> str:
    kind, _, name = waits_for.partition(":")
    if kind == "photo":
        shop, _, url = name.partition(":")
        return f"It waits until its picture {url} is uploaded into the photo bank of {shop}."
    return f"It waits for {waits_for}."


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
    return await load_counters(connection, feed.merchant_id, feed.feed_id, "state")


async def count_qualities(connection: Connection, feed: Feed) -> dict[int, int]:
    """How many families have each quality that occurs (M3.14)."""
    counted = await load_counters(connection, feed.merchant_id, feed.feed_id, "quality")
    return {int(quality): families for quality, families in counted.items()}


async def count_missing(connection: Connection, feed: Feed) -> dict[str, int]:
    """How many families lack each attribute (M3.13)."""
    return await load_counters(connection, feed.merchant_id, feed.feed_id, "missing")


async def count_unmatched(
    connection: Connection, feed: Feed, *, limit: int
) -> list[tuple[str, int]]:
    """Category paths without a match and how many families wait on each (M2.2)."""
    paths = await load_counters(connection, feed.merchant_id, feed.feed_id, "unmatched")
    return list(paths.items())[:limit]


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
    """Issues grouped by cause, errors first, with counts and examples; a cause is shown in the
    words of its first example (`normalizing.groups`)."""
    causes = await load_counters(connection, feed.merchant_id, feed.feed_id, "cause")
    names = sorted(causes, key=lambda name: (not name.startswith("error/"), -causes[name], name))
    rows = await connection.fetch(
        """
        SELECT c.name, array_agg(f.family_id ORDER BY f.family_id) AS examples
        FROM unnest($3::text[]) AS c (name) CROSS JOIN LATERAL (
            SELECT family_id FROM family_fact
            WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'cause' AND name = c.name
            ORDER BY family_id LIMIT 5
        ) AS f GROUP BY c.name
        """,
        feed.merchant_id,
        feed.feed_id,
        names[:limit],
    )
    examples: dict[str, list[str]] = {row["name"]: row["examples"] for row in rows}
    issues = await _issues_of(connection, feed, {found[0] for found in examples.values()})
    return [
        {
            "rule": issue.rule,
            "severity": issue.severity,
            "field": issue.field,
            "message": issue.message,
            "remedy": issue.remedy,
            "families": causes[name],
            "examples": examples[name],
        }
        for name in names[:limit]
        if name in examples
        for issue in issues.get((examples[name][0], name), [])[:1]
    ]


async def _issues_of(
    connection: Connection, feed: Feed, family_ids: Collection[str]
) -> dict[tuple[str, str], list[Issue]]:
    """The issues of these families, by family and cause."""
    rows = await connection.fetch(
        """
        SELECT family_id, event FROM normalized_product
        WHERE merchant_id = $1 AND feed_id = $2 AND family_id = ANY($3::text[])
        """,
        feed.merchant_id,
        feed.feed_id,
        list(family_ids),
    )
    issues: dict[tuple[str, str], list[Issue]] = defaultdict(list)
    for family_id, event in rows:
        parts = msgspec.json.decode(event, type=_Parts)
        for part in (parts.content_part, parts.offers_part, parts.stock_part):
            for issue in part.issues if part is not None else ():
                issues[family_id, cause_name(issue)].append(issue)
    return issues


class _Parts(msgspec.Struct):
    """What is read of an event for its issues."""

    content_part: Part | None = None
    offers_part: Part | None = None
    stock_part: Part | None = None


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
        quality=row["quality"],
        image_urls=row["image_urls"],
    )
