"""What metrics count over all merchants, by partial indexes and to a limit. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from common.postgres.pool import Connection


@dataclass(frozen=True)
class OpenRuns:
    """The runs of a kind and state, and since when the oldest of them is asked for."""

    kind: str
    state: str
    runs: int
    oldest: datetime


async def count_open_runs(connection: Connection) -> list[OpenRuns]:
    """Runs that are queued, planned or sent, by kind and state, dry runs and the fast lane's
    apart."""
    rows = await connection.fetch(
        """
        SELECT CASE WHEN is_dry_run THEN 'dry-run' WHEN cause = 'fast_lane' THEN 'fast-lane'
                ELSE kind END AS kind, state, count(*) AS runs, min(asked_at) AS oldest
        FROM feed_run WHERE state IN ('queued', 'planning', 'running') GROUP BY 1, 2
        """
    )
    return [OpenRuns(**dict(row)) for row in rows]


async def count_held(connection: Connection, *, limit: int) -> dict[str, int]:
    """Changes held back, by guard; at most `limit` are counted."""
    rows = await connection.fetch(
        """
        SELECT guard, count(*) AS changes FROM (SELECT guard FROM held_change LIMIT $1) AS held
        GROUP BY guard
        """,
        limit,
    )
    return {row["guard"]: row["changes"] for row in rows}


async def count_stuck_calls(connection: Connection) -> int:
    """Jobs of AliExpress that do not end."""
    count: int = await connection.fetchval("SELECT count(*) FROM remote_call WHERE state = 'stuck'")
    return count
