"""How many orders of several merchants' shops have to be shipped, and how late they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.postgres.pool import Connection


@dataclass(frozen=True)
class OrderGlance:
    """A shop's orders that wait for shipment: all, those due until a moment, those that are
    late."""

    merchant_id: str
    shop_id: str
    to_ship: int
    due: int
    late: int


async def count_to_ship(
    connection: Connection, merchants: Sequence[str], *, now: datetime, until: datetime
) -> list[OrderGlance]:
    """A row for each shop that has any, by merchant and shop; `due` counts the late ones too."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id, count(*) AS to_ship,
            count(*) FILTER (WHERE due_at < $3) AS due, count(*) FILTER (WHERE due_at < $2) AS late
        FROM marketplace_order
        WHERE merchant_id = ANY($1::text[]) AND status = 'waiting_shipment' AND content IS NOT NULL
        GROUP BY merchant_id, shop_id ORDER BY merchant_id, shop_id
        """,
        list(merchants),
        now,
        until,
    )
    return [OrderGlance(**row) for row in rows]
