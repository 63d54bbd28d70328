"""Rows of feeds that are being reconciled. The only writer."""

from dataclasses import dataclass

from common.postgres.pool import Connection


@dataclass(frozen=True)
class Reconciliation:
    """A feed whose families are being compared with their listings, those up to `through` done."""

    merchant_id: str
    feed_id: str
    shop_id: str
    through: str


async def ask_for_reconciliation(
    connection: Connection, *, merchant_id: str | None = None, feed_id: str | None = None
) -> None:
    """Have all families of these feeds (of every merchant, without one) compared from the start."""
    await connection.execute(
        """
        INSERT INTO reconciliation (merchant_id, feed_id)
        SELECT merchant_id, feed_id FROM feed
        WHERE ($1::text IS NULL OR merchant_id = $1) AND ($2::text IS NULL OR feed_id = $2)
        ORDER BY merchant_id, feed_id
        ON CONFLICT (merchant_id, feed_id) DO UPDATE SET through = ''
        """,
        merchant_id,
        feed_id,
    )


async def claim_reconciliation(connection: Connection) -> Reconciliation | None:
    """A feed that is to be compared further and that no other replica has in hand, if any."""
    row = await connection.fetchrow(
        """
        SELECT merchant_id, feed_id, f.shop_id, r.through
        FROM reconciliation AS r JOIN feed AS f USING (merchant_id, feed_id)
        ORDER BY random() LIMIT 1 FOR UPDATE OF r SKIP LOCKED
        """
    )
    return None if row is None else Reconciliation(**dict(row))


async def advance_reconciliation(
    connection: Connection, feed: Reconciliation, *, through: str
) -> None:
    """The families up to that one are compared."""
    await connection.execute(
        "UPDATE reconciliation SET through = $3 WHERE merchant_id = $1 AND feed_id = $2",
        feed.merchant_id,
        feed.feed_id,
        through,
    )


async def end_reconciliation(connection: Connection, feed: Reconciliation) -> None:
    """All families of the feed are compared."""
    await connection.execute(
        "DELETE FROM reconciliation WHERE merchant_id = $1 AND feed_id = $2",
        feed.merchant_id,
        feed.feed_id,
    )
