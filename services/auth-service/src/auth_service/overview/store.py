"""All shops with what is wrong with them, by when their tokens end."""

from dataclasses import dataclass
from datetime import UTC, datetime

from common.contracts.shop import Connection as ShopConnection
from common.postgres.pool import Connection

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Where a shop that was never connected stands in the list: last."""


@dataclass(frozen=True)
class ShopGlance:
    """A shop, and the open troubles that name it."""

    merchant_id: str
    merchant_name: str
    shop_id: str
    is_eligible: bool
    connection: ShopConnection
    connected_at: datetime | None
    expires_at: datetime | None
    critical: int
    warnings: int


async def list_glances(
    connection: Connection, *, after: tuple[datetime, str, str] | None, limit: int
) -> list[ShopGlance]:
    """The shops whose tokens end soonest first; those that were never connected last."""
    rows = await connection.fetch(
        """
        SELECT s.merchant_id, m.name AS merchant_name, s.shop_id, s.is_eligible, s.connection,
            s.connected_at, s.expires_at, t.critical, t.warnings
        FROM shop AS s JOIN merchant AS m USING (merchant_id)
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE severity = 'critical') AS critical,
                count(*) FILTER (WHERE severity <> 'critical') AS warnings
            FROM trouble
            WHERE merchant_id = s.merchant_id AND shop_id = s.shop_id AND closed_at IS NULL
                AND quiet_since IS NULL
        ) AS t
        WHERE $1::timestamptz IS NULL
            OR (coalesce(s.expires_at, $4), s.merchant_id, s.shop_id) > ($1, $2, $3)
        ORDER BY coalesce(s.expires_at, $4), s.merchant_id, s.shop_id LIMIT $5
        """,
        *(after or (None, None, None)),
        NEVER,
        limit,
    )
    return [ShopGlance(**row) for row in rows]
