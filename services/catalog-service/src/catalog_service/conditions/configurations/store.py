"""Rows of what came of compiling feeds' configurations."""

from dataclasses import dataclass
from datetime import datetime

from common import clock
from common.postgres.pool import Connection


@dataclass(frozen=True)
class Unchecked:
    """A feed whose present configuration is to be compiled."""

    merchant_id: str
    feed_id: str
    version: int
    body: str


async def list_unchecked(
    connection: Connection, release: str, *, before: datetime, limit: int
) -> list[Unchecked]:
    """Active feeds whose version was not compiled yet, or before then and by another release."""
    rows = await connection.fetch(
        """
        SELECT f.merchant_id, f.feed_id, c.version, c.body
        FROM feed AS f LEFT JOIN feed_check AS k USING (merchant_id, feed_id)
        JOIN feed_configuration AS c ON c.merchant_id = f.merchant_id AND c.feed_id = f.feed_id
            AND c.version = f.configuration_version
        WHERE f.lifecycle = 'active'
            AND (k.version IS DISTINCT FROM f.configuration_version
                OR k.release <> $1 AND k.checked_at < $2)
        ORDER BY f.merchant_id, f.feed_id LIMIT $3
        """,
        release,
        before,
        limit,
    )
    return [Unchecked(**dict(row)) for row in rows]


async def save_check(
    connection: Connection, of: Unchecked, release: str, problem: str | None
) -> None:
    """Keep what came of it; without a problem it can be used."""
    await connection.execute(
        """
        INSERT INTO feed_check (merchant_id, feed_id, version, release, problem, checked_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (merchant_id, feed_id) DO UPDATE SET version = excluded.version,
            release = excluded.release, problem = excluded.problem, checked_at = excluded.checked_at
        """,
        of.merchant_id,
        of.feed_id,
        of.version,
        release,
        problem,
        clock.now(),
    )
