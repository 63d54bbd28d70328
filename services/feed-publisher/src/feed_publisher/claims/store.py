"""Rows of SKU claims and of those who wait for one."""

from collections.abc import Iterable, Mapping, Sequence

from common import clock
from common.postgres.pool import Connection
from feed_publisher.claims.holder import Holder


async def claim_skus(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    feed_id: str,
    wanted: Iterable[tuple[str, str]],
) -> None:
    """Claim (SKU code, family) pairs in key order; a code that is claimed already stays so."""
    ordered = sorted(wanted)
    await connection.execute(
        """
        INSERT INTO sku_claim (merchant_id, shop_id, sku_code, feed_id, family_id, claimed_at)
        SELECT $1, $2, sku_code, $3, family_id, $6
        FROM unnest($4::text[], $5::text[]) AS w (sku_code, family_id) ORDER BY sku_code
        ON CONFLICT (merchant_id, shop_id, sku_code) DO NOTHING
        """,
        merchant_id,
        shop_id,
        feed_id,
        [code for code, _ in ordered],
        [family_id for _, family_id in ordered],
        clock.now(),
    )


async def load_holders(
    connection: Connection, merchant_id: str, shop_id: str, sku_codes: Sequence[str]
) -> dict[str, Holder]:
    """Who holds these codes in this shop; codes nobody holds are left out."""
    rows = await connection.fetch(
        """
        SELECT sku_code, feed_id, family_id FROM sku_claim
        WHERE merchant_id = $1 AND shop_id = $2 AND sku_code = ANY($3::text[])
        """,
        merchant_id,
        shop_id,
        list(sku_codes),
    )
    return {row["sku_code"]: Holder(row["feed_id"], row["family_id"]) for row in rows}


async def wait_for_skus(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    feed_id: str,
    waits: Sequence[tuple[str, str]],
) -> None:
    """Remember (SKU code, family) pairs that wait until the code is released."""
    if waits:
        await connection.execute(
            """
            INSERT INTO sku_waiter (merchant_id, shop_id, sku_code, feed_id, family_id)
            SELECT $1, $2, sku_code, $3, family_id
            FROM unnest($4::text[], $5::text[]) AS w (sku_code, family_id)
            ORDER BY sku_code, family_id ON CONFLICT DO NOTHING
            """,
            merchant_id,
            shop_id,
            feed_id,
            [code for code, _ in waits],
            [family_id for _, family_id in waits],
        )


async def release_skus(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    feed_id: str,
    kept: Mapping[str, Iterable[str]],
) -> dict[str, list[str]]:
    """Release every claim of these families (the keys) except on the codes they keep.

    Returns the families that waited for a released code, by feed; they wait no longer.
    """
    pairs = [(family_id, code) for family_id, codes in kept.items() for code in codes]
    rows = await connection.fetch(
        """
        WITH released AS (
            DELETE FROM sku_claim AS claim
            WHERE merchant_id = $1 AND shop_id = $2 AND feed_id = $3 AND family_id = ANY($4::text[])
                AND NOT EXISTS (
                    SELECT 1 FROM unnest($5::text[], $6::text[]) AS k (family_id, sku_code)
                    WHERE k.family_id = claim.family_id AND k.sku_code = claim.sku_code
                )
            RETURNING sku_code
        ), waiting AS (
            DELETE FROM sku_waiter AS waiter USING released
            WHERE waiter.merchant_id = $1 AND waiter.shop_id = $2
                AND waiter.sku_code = released.sku_code
            RETURNING waiter.feed_id, waiter.family_id
        )
        SELECT feed_id, array_agg(DISTINCT family_id) AS families FROM waiting
        GROUP BY feed_id ORDER BY feed_id
        """,
        merchant_id,
        shop_id,
        feed_id,
        list(kept),
        [family_id for family_id, _ in pairs],
        [code for _, code in pairs],
    )
    return {row["feed_id"]: row["families"] for row in rows}
