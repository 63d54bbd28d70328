"""Rows of candidates for adoption. The only writer."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from common.postgres.pool import Connection
from feed_publisher.candidates.candidate import Candidate

_COLUMNS = """family_id, marketplace_product_id, sku_codes, skus_in_shop, title, has_same_title,
    same_barcodes, found_at"""


@dataclass(frozen=True)
class OpenCandidate:
    """A candidate that may be adopted; `is_ambiguous` where the family has another one, or the
    product is one of another family too."""

    candidate: Candidate
    is_ambiguous: bool


async def replace_candidates(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    family_ids: Sequence[str],
    candidates: Sequence[Candidate],
) -> None:
    """Keep these as all there is for these families."""
    await connection.execute(
        """
        DELETE FROM adoption_candidate
        WHERE merchant_id = $1 AND feed_id = $2 AND family_id = ANY($3::text[])
        """,
        merchant_id,
        feed_id,
        sorted(family_ids),
    )
    await connection.executemany(
        f"""
        INSERT INTO adoption_candidate (merchant_id, feed_id, {_COLUMNS})
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (merchant_id, feed_id, family_id, marketplace_product_id) DO NOTHING
        """,  # noqa: S608 - constant text
        [
            (merchant_id, feed_id, *astuple(candidate))
            for candidate in sorted(
                candidates, key=lambda one: (one.family_id, one.marketplace_product_id)
            )
        ],
    )


async def list_candidates(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    *,
    family_id: str | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[OpenCandidate]:
    """Candidates by family and product, of one family or of all: those of families that are wanted
    and not online, and products that no family has."""
    rows = await connection.fetch(
        f"""
        WITH open AS (
            SELECT {_COLUMNS} FROM adoption_candidate AS c
            WHERE merchant_id = $1 AND feed_id = $2
                AND EXISTS (
                    SELECT FROM desired_product AS d
                    WHERE (d.merchant_id, d.feed_id, d.family_id)
                        = (c.merchant_id, c.feed_id, c.family_id) AND d.presence = 'present')
                AND NOT EXISTS (
                    SELECT FROM listing AS l
                    WHERE (l.merchant_id, l.feed_id, l.family_id)
                        = (c.merchant_id, c.feed_id, c.family_id)
                        AND l.marketplace_product_id IS NOT NULL)
                AND NOT EXISTS (
                    SELECT FROM listing AS l
                    WHERE l.merchant_id = $1 AND l.shop_id = (
                        SELECT shop_id FROM feed WHERE merchant_id = $1 AND feed_id = $2)
                        AND l.marketplace_product_id = c.marketplace_product_id)
        ), counted AS (
            SELECT *, count(*) OVER (PARTITION BY family_id) > 1
                OR count(*) OVER (PARTITION BY marketplace_product_id) > 1 AS is_ambiguous
            FROM open
        )
        SELECT * FROM counted
        WHERE (family_id, marketplace_product_id) > ($3, $4)
            AND ($5::text IS NULL OR family_id = $5)
        ORDER BY family_id, marketplace_product_id LIMIT $6
        """,  # noqa: S608 - constant text
        merchant_id,
        feed_id,
        *after,
        family_id,
        limit,
    )
    return [
        OpenCandidate(
            Candidate(**{name: value for name, value in row.items() if name != "is_ambiguous"}),
            row["is_ambiguous"],
        )
        for row in rows
    ]
