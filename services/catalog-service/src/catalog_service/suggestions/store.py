"""Titles that AliExpress is asked for, and its answers, in Postgres."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from catalog_service.shops.store import ShopKey
from common import clock
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work

ASKING = WorkKind()
"""Titles for which AliExpress has not suggested a category yet."""

TitleKey = tuple[str, str, str]
"""(merchant, shop, title)"""

_leaves = msgspec.json.Decoder(list[str])


async def request_titles(
    connection: Connection,
    shop: ShopKey,
    titles: Collection[str],
    *,
    language: str,
    older_than: datetime,
) -> None:
    """Have AliExpress asked for these titles; answers fetched before `older_than` are forgotten."""
    await connection.execute(
        """
        DELETE FROM title_suggestion
        WHERE merchant_id = $1 AND shop_id = $2 AND requested_at < $3
        """,
        *shop,
        older_than,
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
    connection: Connection, shop: ShopKey, titles: Collection[str]
) -> Mapping[str, Sequence[str]]:
    """The leaves AliExpress suggests for each of these titles, the best first; a title that it was
    not asked for, or has not answered, is left out."""
    rows = await connection.fetch(
        """
        SELECT title, leaves FROM title_suggestion
        WHERE merchant_id = $1 AND shop_id = $2 AND title = ANY($3) AND leaves IS NOT NULL
        """,
        *shop,
        list(titles),
    )
    return {row["title"]: _leaves.decode(row["leaves"]) for row in rows}


async def list_due_titles(
    connection: Connection, job: str, *, limit: int, of_shop: int
) -> list[tuple[TitleKey, str, int]]:
    """Titles of usable shops to ask AliExpress for, each with its language and how often it failed:
    each merchant's first, then each one's second, and so on, at most `of_shop` of a shop. Shops
    that are backing off, and those that the job is to pass over, are left out."""
    rows = await connection.fetch(
        """
        WITH due AS (
            SELECT merchant_id, shop_id, title, language, t.failures, requested_at,
                row_number() OVER (PARTITION BY merchant_id, shop_id
                    ORDER BY requested_at, title) AS of_shop
            FROM title_suggestion AS t JOIN shop USING (merchant_id, shop_id)
            WHERE leaves IS NULL AND is_usable AND (t.retry_at IS NULL OR t.retry_at <= $1)
                AND (shop.retry_at IS NULL OR shop.retry_at <= $1)
                AND NOT is_held($2, merchant_id, shop_id, $1)
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
