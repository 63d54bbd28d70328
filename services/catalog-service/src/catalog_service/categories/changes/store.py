"""Rows of categories' changes: withdrawn from a shop, refused, or asking for something new."""

from collections.abc import Collection

import structlog

from catalog_service.categories.changes.compare import asked_for
from catalog_service.shops.store import ShopKey
from common import clock
from common.postgres.pool import Connection

WITHDRAWN, REFUSED, ASKS = "withdrawn", "refused", "asks"
"""It left the shop's tree; AliExpress gives its schema no longer; it asks for something new."""

log = structlog.get_logger()


async def note_withdrawn(
    connection: Connection, shop: ShopKey, category_ids: Collection[str], *, what: str = WITHDRAWN
) -> None:
    """The shop may not use these any more; one of which that is known stays as it is."""
    await connection.execute(
        """
        INSERT INTO category_change (merchant_id, shop_id, category_id, what, changed_at)
        SELECT $1, $2, unnest($3::text[]), $4, $5 ON CONFLICT DO NOTHING
        """,
        *shop,
        sorted(category_ids),
        what,
        clock.now(),
    )


async def note_returned(
    connection: Connection, shop: ShopKey, category_ids: Collection[str], *, what: str = WITHDRAWN
) -> None:
    """The shop may use these again."""
    await connection.execute(
        """
        DELETE FROM category_change
        WHERE merchant_id = $1 AND shop_id = $2 AND category_id = ANY($3) AND what = $4
        """,
        *shop,
        list(category_ids),
        what,
    )


async def note_schema(
    connection: Connection,
    shop: ShopKey,
    category_id: str,
    *,
    before: str | None,
    after: str | None,
) -> None:
    """A schema that was known has another text, or is refused (None), since before."""
    if after is None or before is None:
        note = note_withdrawn if after is None else note_returned
        await note(connection, shop, [category_id], what=REFUSED)
        return
    try:
        demanded = asked_for(category_id, after)
        new = demanded - asked_for(category_id, before)
    except Exception:  # what a schema may hold is AliExpress's: it is kept, whatever it is
        log.exception("schema.not_compared", category=category_id)
        return
    if new:
        await connection.execute(
            """
            INSERT INTO category_change AS known
                (merchant_id, shop_id, category_id, what, fields, changed_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (merchant_id, shop_id, category_id, what) DO UPDATE SET
                fields = ARRAY(SELECT DISTINCT unnest(known.fields || excluded.fields) ORDER BY 1),
                changed_at = excluded.changed_at
            """,
            *shop,
            category_id,
            ASKS,
            sorted(new),
            clock.now(),
        )
    await connection.execute(
        """
        UPDATE category_change
        SET fields = ARRAY(SELECT field FROM unnest(fields) AS field WHERE field = ANY($5))
        WHERE merchant_id = $1 AND shop_id = $2 AND category_id = $3 AND what = $4
            AND NOT fields <@ $5
        """,
        *shop,
        category_id,
        ASKS,
        sorted(demanded),
    )
