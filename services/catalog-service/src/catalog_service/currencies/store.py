"""Shops' currencies in Postgres."""

from collections.abc import Collection
from datetime import datetime

from catalog_service.families.store import listed, mark
from catalog_service.shops.store import ShopKey
from common import clock
from common.postgres.pool import Connection


async def load_currencies(connection: Connection, shops: Collection[ShopKey]) -> dict[ShopKey, str]:
    """The currencies of these shops; one that is not known yet is left out."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id, currency FROM shop_currency
        JOIN unnest($1::text[], $2::text[]) AS k (merchant_id, shop_id)
            USING (merchant_id, shop_id)
        WHERE currency IS NOT NULL
        """,
        [merchant for merchant, _ in shops],
        [shop for _, shop in shops],
    )
    return {(m, s): currency for m, s, currency in rows}


async def list_unknown(
    connection: Connection, job: str, *, older_than: datetime, limit: int
) -> list[ShopKey]:
    """Usable shops whose currency is not known, and was not looked for since then; without those
    that the job is to pass over."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id FROM shop
        LEFT JOIN shop_currency AS known USING (merchant_id, shop_id)
        WHERE shop.is_usable AND known.currency IS NULL
            AND (known.checked_at IS NULL OR known.checked_at < $1)
            AND NOT is_held($3, merchant_id, shop_id, $4)
        ORDER BY known.checked_at NULLS FIRST LIMIT $2
        """,
        older_than,
        limit,
        job,
        clock.now(),
    )
    return [(m, s) for m, s in rows]


async def save_currency(
    connection: Connection, shop: ShopKey, currency: str | None, *, checked_at: datetime
) -> None:
    """Note that it was looked for then; once it is known, the families of feeds in another are
    dirty."""
    await connection.execute(
        """
        INSERT INTO shop_currency (merchant_id, shop_id, currency, checked_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (merchant_id, shop_id) DO UPDATE SET currency = $3, checked_at = $4
        """,
        *shop,
        currency,
        checked_at,
    )
    if currency is None:
        return
    rows = await connection.fetch(
        """
        SELECT DISTINCT p.merchant_id, p.catalogue_id, p.family_id, feed.feed_id
        FROM feed
        JOIN feed_configuration AS form
            ON (form.merchant_id, form.feed_id, form.version)
                = (feed.merchant_id, feed.feed_id, feed.configuration_version)
        JOIN source_product AS p
            ON (p.merchant_id, p.catalogue_id) = (feed.merchant_id, feed.catalogue_id)
        WHERE feed.merchant_id = $1 AND feed.shop_id = $2
            AND form.body::json ->> 'currency' <> $3 AND NOT p.is_deleted
        """,
        *shop,
        currency,
    )
    await mark(connection, listed((m, c, family, feed, None) for m, c, family, feed in rows))
