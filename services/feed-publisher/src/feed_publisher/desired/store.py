"""Rows of shops, desired products and marks."""

from collections.abc import Collection, Sequence
from itertools import groupby
from operator import itemgetter

import asyncpg
import msgspec

from common.contracts.product import ProductNormalized
from common.contracts.shop import ShopState
from common.postgres.counters import load_counters
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work
from feed_publisher.desired.desired_state import may_fall_to_zero, product_digest
from feed_publisher.desired.marks import OTHER, ZEROING, Lane, Marks, Unsure, UnsureFamily
from feed_publisher.desired.states import Desired, Kind, Shop

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ProductNormalized)

IN_FAST_LANE = WorkKind()
"""Marks in the fast lane."""


async def save_shops(connection: Connection, states: Sequence[ShopState]) -> list[tuple[str, str]]:
    """Keep newer states; the shops that changed."""
    rows = await connection.fetch(
        """
        INSERT INTO shop (merchant_id, shop_id, revision, is_eligible, connection, generation,
            seller_id, expires_at)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::boolean[], $5::text[],
            $6::integer[], $7::text[], $8::timestamptz[])
        ON CONFLICT (merchant_id, shop_id) DO UPDATE SET
            revision = excluded.revision, is_eligible = excluded.is_eligible,
            connection = excluded.connection, generation = excluded.generation,
            seller_id = coalesce(excluded.seller_id, shop.seller_id),
            expires_at = excluded.expires_at
            WHERE excluded.revision > shop.revision
        RETURNING merchant_id, shop_id
        """,
        [state.merchant_id for state in states],
        [state.shop_id for state in states],
        [state.revision for state in states],
        [state.is_eligible for state in states],
        [state.connection for state in states],
        [state.generation for state in states],
        [state.seller_id for state in states],
        [state.expires_at for state in states],
    )
    return [(row["merchant_id"], row["shop_id"]) for row in rows]


async def save_desired(
    connection: Connection, products: Sequence[tuple[ProductNormalized, str | None]]
) -> None:
    """Keep newer states (sorted by key) and mark their families for both kinds of run; offers of
    products that are online are in the fast lane.

    A product that is live with the content wanted is not marked for product runs where nothing
    changed that they go by (`product_digest`).
    """
    await connection.execute(
        """
        WITH changed AS (
            INSERT INTO desired_product (merchant_id, feed_id, family_id, revision, presence,
                traceparent, document, product_digest)
            SELECT merchant_id, feed_id, family_id, revision, presence, traceparent, document,
                product_digest
            FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[],
                $6::text[], $7::bytea[], $9::bytea[]) AS s (merchant_id, feed_id, family_id,
                revision, presence, traceparent, document, product_digest)
            ON CONFLICT (merchant_id, feed_id, family_id) DO UPDATE SET
                revision = excluded.revision, presence = excluded.presence,
                traceparent = excluded.traceparent, document = excluded.document,
                product_digest = excluded.product_digest
                WHERE excluded.revision > desired_product.revision
            RETURNING merchant_id, feed_id, family_id,
                coalesce(old.product_digest = new.product_digest, false) AS is_same_product
        ), known AS (
            SELECT c.*, l.marketplace_product_id IS NOT NULL AS is_online,
                CASE WHEN is_same_product AND l.marketplace_product_id IS NOT NULL
                    AND l.reported_status = 'live'
                    THEN convert_from(l.document, 'UTF8')::json ->> 'content_hash'
                END AS live_with
            FROM changed AS c LEFT JOIN listing AS l USING (merchant_id, feed_id, family_id)
        )
        INSERT INTO family_mark (merchant_id, feed_id, kind, family_id, lane)
        SELECT merchant_id, feed_id, kind, family_id,
            CASE WHEN kind = 'offer' AND is_online THEN s.lane END
        FROM known AS c
        JOIN unnest($1::text[], $2::text[], $3::text[], $8::integer[], $10::text[])
            AS s (merchant_id, feed_id, family_id, lane, content_hash)
            USING (merchant_id, feed_id, family_id)
        CROSS JOIN unnest(ARRAY['product', 'offer']) AS k (kind)
        WHERE kind = 'offer' OR (c.live_with = s.content_hash) IS NOT TRUE
            OR EXISTS (
                SELECT FROM shortfall AS f WHERE f.kind = 'product'
                    AND (f.merchant_id, f.feed_id, f.family_id)
                    = (c.merchant_id, c.feed_id, c.family_id))
            OR EXISTS (
                SELECT FROM held_change AS h WHERE (h.merchant_id, h.feed_id, h.family_id)
                    = (c.merchant_id, c.feed_id, c.family_id))
        """,
        [state.merchant_id for state, _ in products],
        [state.feed_id for state, _ in products],
        [state.family_id for state, _ in products],
        [state.revision for state, _ in products],
        [state.presence for state, _ in products],
        [traceparent for _, traceparent in products],
        [_encoder.encode(state) for state, _ in products],
        [ZEROING if may_fall_to_zero(state) else OTHER for state, _ in products],
        [product_digest(state) for state, _ in products],
        [state.content_part.hash if state.content_part else None for state, _ in products],
    )
    made_work(connection, IN_FAST_LANE)


async def mark_families(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    kinds: Sequence[Kind],
    family_ids: Sequence[str],
    *,
    lane: Lane | None = None,
) -> None:
    """Have the next runs of these kinds look at the families."""
    if family_ids:
        await connection.execute(
            """
            INSERT INTO family_mark (merchant_id, feed_id, kind, family_id, lane)
            SELECT $1, $2, kind, family_id, $5
            FROM unnest($3::text[]) AS k (kind) CROSS JOIN unnest($4::text[]) AS f (family_id)
            """,
            merchant_id,
            feed_id,
            list(kinds),
            list(family_ids),
            lane,
        )


async def mark_desired(
    connection: Connection,
    family_id: str,
    *,
    merchant_id: str | None = None,
    feed_id: str | None = None,
) -> None:
    """Have the next runs of both kinds look at a family, in every feed that matches."""
    await connection.execute(
        """
        INSERT INTO family_mark (merchant_id, feed_id, kind, family_id)
        SELECT merchant_id, feed_id, kind, family_id
        FROM desired_product CROSS JOIN unnest(ARRAY['product', 'offer']) AS k (kind)
        WHERE family_id = $1 AND ($2::text IS NULL OR merchant_id = $2)
            AND ($3::text IS NULL OR feed_id = $3)
        """,
        family_id,
        merchant_id,
        feed_id,
    )


async def mark_overtaken(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    planned: Sequence[tuple[str, int]],
) -> None:
    """Mark, for both kinds of run, those of these (family, revision) that have a newer state."""
    await connection.execute(
        """
        INSERT INTO family_mark (merchant_id, feed_id, kind, family_id)
        SELECT DISTINCT $1, $2, kind, family_id
        FROM unnest($3::text[], $4::bigint[]) AS p (family_id, revision)
        JOIN desired_product AS d USING (family_id)
        CROSS JOIN unnest(ARRAY['product', 'offer']) AS k (kind)
        WHERE d.merchant_id = $1 AND d.feed_id = $2 AND d.revision > p.revision
        """,
        merchant_id,
        feed_id,
        [family_id for family_id, _ in planned],
        [revision for _, revision in planned],
    )


async def mark_sold_skus(
    connection: Connection, sold: Collection[tuple[str, str, str]]
) -> list[tuple[str, str]]:
    """Mark, for offer runs, the families that hold these (merchant, shop, SKU code); stock of those
    SKUs is unsure. Returns the (merchant, feed) pairs of the families; codes nobody holds mark
    nothing."""
    ordered = sorted(sold)
    rows = await connection.fetch(
        """
        WITH marked AS (
            INSERT INTO family_mark (merchant_id, feed_id, kind, family_id, unsure_stock)
            SELECT merchant_id, c.feed_id, 'offer', c.family_id, array_agg(sku_code)
            FROM unnest($1::text[], $2::text[], $3::text[]) AS s (merchant_id, shop_id, sku_code)
            JOIN sku_claim AS c USING (merchant_id, shop_id, sku_code)
            GROUP BY merchant_id, c.feed_id, c.family_id
            RETURNING merchant_id, feed_id
        )
        SELECT DISTINCT merchant_id, feed_id FROM marked ORDER BY merchant_id, feed_id
        """,
        [merchant_id for merchant_id, _, _ in ordered],
        [shop_id for _, shop_id, _ in ordered],
        [sku_code for _, _, sku_code in ordered],
    )
    return [(row["merchant_id"], row["feed_id"]) for row in rows]


async def mark_unsure(
    connection: Connection, merchant_id: str, kind: Kind, families: Sequence[UnsureFamily]
) -> None:
    """Have the next runs of this kind look at the families, and believe less of them."""
    await connection.executemany(
        """
        INSERT INTO family_mark (merchant_id, feed_id, kind, family_id, unsure_stock,
            unsure_prices, is_content_unsure)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        [
            (
                merchant_id,
                family.feed_id,
                kind,
                family.family_id,
                sorted(family.unsure.stock),
                sorted(family.unsure.prices),
                family.unsure.content,
            )
            for family in families
        ],
    )


async def mark_unmarked(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    kind: Kind,
    family_ids: Sequence[str],
) -> int:
    """Mark those of the families that have no mark of this kind; how many they were."""
    rows = await connection.fetch(
        """
        INSERT INTO family_mark (merchant_id, feed_id, kind, family_id)
        SELECT $1, $2, $3, family_id FROM unnest($4::text[]) AS f (family_id)
        WHERE NOT EXISTS (
            SELECT 1 FROM family_mark AS m WHERE m.merchant_id = $1 AND m.feed_id = $2
                AND m.kind = $3 AND m.family_id = f.family_id)
        RETURNING 1
        """,
        merchant_id,
        feed_id,
        kind,
        list(family_ids),
    )
    return len(rows)


async def lock_revisions(
    connection: Connection, merchant_id: str, feed_id: str, family_ids: Sequence[str]
) -> dict[str, int]:
    """The families' newest revisions; none of them moves on before the transaction has ended."""
    rows = await connection.fetch(
        """
        SELECT family_id, revision FROM desired_product
        WHERE merchant_id = $1 AND feed_id = $2 AND family_id = ANY($3::text[])
        ORDER BY family_id COLLATE "C" FOR SHARE
        """,  # the order in which `save_desired` locks them
        merchant_id,
        feed_id,
        list(family_ids),
    )
    return {row["family_id"]: row["revision"] for row in rows}


async def find_shop(connection: Connection, merchant_id: str, shop_id: str) -> Shop | None:
    """The shop, or None while auth-service has not published it."""
    row = await connection.fetchrow(
        """
        SELECT merchant_id, shop_id, is_eligible, connection, generation, seller_id, expires_at
        FROM shop WHERE merchant_id = $1 AND shop_id = $2
        """,
        merchant_id,
        shop_id,
    )
    return None if row is None else Shop(**dict(row))


async def load_desired(
    connection: Connection, merchant_id: str, feed_id: str, family_ids: Sequence[str]
) -> dict[str, Desired]:
    """The desired states of these families, by family."""
    rows = await connection.fetch(
        """
        SELECT family_id, traceparent, document FROM desired_product
        WHERE merchant_id = $1 AND feed_id = $2 AND family_id = ANY($3::text[])
        """,
        merchant_id,
        feed_id,
        list(family_ids),
    )
    return {row["family_id"]: _desired(row) for row in rows}


def _desired(row: asyncpg.Record) -> Desired:
    return Desired(_decoder.decode(row["document"]), row["traceparent"])


async def list_families_after(
    connection: Connection, merchant_id: str, feed_id: str, *, after: str, limit: int
) -> list[str]:
    """The feed's next families, in order."""
    rows = await connection.fetch(
        """
        SELECT family_id FROM desired_product
        WHERE merchant_id = $1 AND feed_id = $2 AND family_id > $3
        ORDER BY family_id LIMIT $4
        """,
        merchant_id,
        feed_id,
        after,
        limit,
    )
    return [row["family_id"] for row in rows]


async def count_wanted(connection: Connection, merchant_id: str, feed_id: str) -> int:
    """How many products of a feed are wanted, by its counters."""
    placed = await load_counters(connection, merchant_id, feed_id, "placed")
    return placed.get("present/online", 0) + placed.get("present/offline", 0)


async def list_marked(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    kind: Kind,
    *,
    after: str,
    limit: int,
) -> dict[str, Marks]:
    """Marked families in key order, each with its marks."""
    rows = await connection.fetch(
        """
        SELECT family_id, id, unsure_stock, unsure_prices, is_content_unsure FROM family_mark
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = $3 AND family_id > $4
            AND family_id <= (
                SELECT max(family_id) FROM (
                    SELECT DISTINCT family_id FROM family_mark
                    WHERE merchant_id = $1 AND feed_id = $2 AND kind = $3 AND family_id > $4
                    ORDER BY family_id LIMIT $5
                ) AS next
            )
        ORDER BY family_id
        """,  # a range of the index, however many marks there are
        merchant_id,
        feed_id,
        kind,
        after,
        limit,
    )
    by_family = groupby(rows, key=itemgetter("family_id"))
    return {family_id: _marks(list(marks)) for family_id, marks in by_family}


async def load_marks(
    connection: Connection, merchant_id: str, feed_id: str, kind: Kind, family_ids: Sequence[str]
) -> dict[str, Marks]:
    """The marks of those of these families that have any."""
    rows = await connection.fetch(
        """
        SELECT family_id, id, unsure_stock, unsure_prices, is_content_unsure FROM family_mark
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = $3 AND family_id = ANY($4::text[])
        ORDER BY family_id
        """,
        merchant_id,
        feed_id,
        kind,
        list(family_ids),
    )
    by_family = groupby(rows, key=itemgetter("family_id"))
    return {family_id: _marks(list(marks)) for family_id, marks in by_family}


def _marks(rows: Sequence[asyncpg.Record]) -> Marks:
    unsure = Unsure(
        stock=frozenset(code for row in rows for code in row["unsure_stock"]),
        prices=frozenset(code for row in rows for code in row["unsure_prices"]),
        content=any(row["is_content_unsure"] for row in rows),
    )
    return Marks([row["id"] for row in rows], unsure)


async def forget_marks(connection: Connection, mark_ids: Sequence[int]) -> None:
    """Delete the marks that were read before the data was: any other speaks of newer data."""
    await connection.execute("DELETE FROM family_mark WHERE id = ANY($1)", list(mark_ids))


async def leave_to_offer_run(connection: Connection, mark_ids: Sequence[int]) -> None:
    """Take these marks out of the fast lane: the next ordinary run looks at them."""
    await connection.execute(
        "UPDATE family_mark SET lane = NULL WHERE id = ANY($1) AND lane IS NOT NULL", list(mark_ids)
    )
