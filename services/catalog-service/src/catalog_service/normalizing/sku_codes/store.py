"""Rows of families' SKU codes."""

from collections.abc import Container, Mapping, Sequence

from catalog_service.families.store import ProductKey, columns_of
from common.postgres.pool import Connection


async def save_sku_codes(
    connection: Connection,
    codes: Mapping[ProductKey, Sequence[str]],
    *,
    known: Container[ProductKey],
) -> None:
    """Have these families found by these codes alone.

    Only one that is `known` from before has others to be forgotten. They were looked for with new
    ones, too: while there are no statistics of the table, which is when most are new, by an index
    that reads the codes of all families for each.
    """
    pairs = sorted({(*key, code) for key, some in codes.items() for code in some})
    columns = columns_of((merchant, feed, family) for merchant, feed, family, _ in pairs)
    columns.append([code for *_, code in pairs])
    if found_before := [family for family in codes if family in known]:
        await connection.execute(
            """
            DELETE FROM family_sku AS s
            USING unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, feed_id, family_id)
            WHERE (s.merchant_id, s.feed_id, s.family_id) = (k.merchant_id, k.feed_id, k.family_id)
                AND NOT EXISTS (
                    SELECT FROM unnest($4::text[], $5::text[], $6::text[], $7::text[])
                        AS w (merchant_id, feed_id, family_id, sku_code)
                    WHERE (w.merchant_id, w.feed_id, w.family_id, w.sku_code)
                        = (s.merchant_id, s.feed_id, s.family_id, s.sku_code))
            """,
            *columns_of(found_before),
            *columns,
        )
    await connection.execute(
        """
        INSERT INTO family_sku (merchant_id, feed_id, family_id, sku_code)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
        ON CONFLICT DO NOTHING
        """,
        *columns,
    )
