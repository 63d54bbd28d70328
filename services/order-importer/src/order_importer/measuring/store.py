"""What metrics count over all merchants, by partial indexes and to a limit. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from common.postgres.pool import Connection


@dataclass(frozen=True)
class OpenParcels:
    """The parcels of a state, and since when the oldest of them is asked for."""

    state: str
    parcels: int
    oldest: datetime


async def list_furthest_behind(
    connection: Connection, *, limit: int
) -> list[tuple[str, str, datetime]]:
    """Merchant, shop and until when its orders are here, of connected shops that imported once."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id, covered_until FROM shop
        WHERE is_usable AND covered_until IS NOT NULL
        ORDER BY covered_until, merchant_id, shop_id LIMIT $1
        """,
        limit,
    )
    return [tuple(row) for row in rows]


async def count_late_imports(connection: Connection) -> int:
    """Imports that are open and late."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM order_import WHERE state IN ('due', 'running') AND is_late"
    )
    return count


async def count_open_parcels(connection: Connection) -> list[OpenParcels]:
    """Parcels that AliExpress has not confirmed, by state."""
    rows = await connection.fetch(
        """
        SELECT state, count(*) AS parcels, min(requested_at) AS oldest
        FROM shipment WHERE state IN ('pending', 'sent') GROUP BY state
        """
    )
    return [OpenParcels(**dict(row)) for row in rows]
