"""How far normalizing is, for a feed."""

import msgspec

from common.postgres.pool import Connection


class Progress(msgspec.Struct, frozen=True):
    """How far a feed's normalizing is, in families."""

    families: int
    dirty: int
    waiting: int
    waits_for: dict[str, int]

    @property
    def normalized(self) -> int:
        """Families evaluated since they last changed."""
        return max(self.families - self.dirty, 0)


async def load_progress(
    connection: Connection, merchant_id: str, catalogue_id: str, feed_id: str
) -> Progress:
    """The progress of a feed on its catalogue."""
    families = await connection.fetchval(
        """
        SELECT count(DISTINCT family_id) FROM source_product
        WHERE merchant_id = $1 AND catalogue_id = $2 AND NOT is_deleted
        """,
        merchant_id,
        catalogue_id,
    )
    rows = await connection.fetch(
        """
        SELECT waits_for, count(*) AS families FROM (
            SELECT family_id, NULL AS waits_for FROM family_mark
            WHERE merchant_id = $1 AND catalogue_id = $2 AND (feed_id IS NULL OR feed_id = $3)
            UNION
            SELECT family_id, waits_for FROM family_wait
            WHERE merchant_id = $1 AND feed_id = $3
        ) AS dirty GROUP BY waits_for ORDER BY 2 DESC
        """,
        merchant_id,
        catalogue_id,
        feed_id,
    )
    waits = {row["waits_for"]: row["families"] for row in rows if row["waits_for"] is not None}
    dirty = sum(row["families"] for row in rows)
    shown = dict(list(waits.items())[:50])
    return Progress(families, dirty, sum(waits.values()), shown)
