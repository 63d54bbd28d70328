"""Feeds of several merchants, each with the newest runs of its kinds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from common.postgres.pool import Connection
from feed_publisher.desired.states import Kind


@dataclass(frozen=True)
class LastRun:
    """The newest run of a feed that was no dry run, of one kind. `kind` and what follows are None
    for a feed that never ran."""

    merchant_id: str
    shop_id: str
    feed_id: str
    kind: Kind | None
    run_id: str | None
    state: str | None
    asked_at: datetime | None


async def list_last_runs(
    connection: Connection,
    merchants: Sequence[str],
    *,
    after: tuple[str, str] | None,
    limit: int,
) -> list[LastRun]:
    """The active feeds of these merchants; a row for each kind that ran, or one without any.
    `limit` is of feeds."""
    rows = await connection.fetch(
        """
        SELECT f.merchant_id, f.shop_id, f.feed_id, r.kind, r.run_id, r.state, r.asked_at
        FROM (
            SELECT merchant_id, shop_id, feed_id FROM feed
            WHERE merchant_id = ANY($1::text[]) AND lifecycle = 'active'
                AND ($2::text IS NULL OR (merchant_id, feed_id) > ($2, $3))
            ORDER BY merchant_id, feed_id LIMIT $4
        ) AS f
        LEFT JOIN LATERAL (
            SELECT newest.* FROM unnest(ARRAY['product', 'offer']) AS wanted
            CROSS JOIN LATERAL (
                SELECT kind, run_id, state, asked_at FROM feed_run
                WHERE merchant_id = f.merchant_id AND feed_id = f.feed_id AND kind = wanted
                    AND NOT is_dry_run
                ORDER BY asked_at DESC, run_id DESC LIMIT 1
            ) AS newest
        ) AS r ON true
        ORDER BY f.merchant_id, f.feed_id, r.kind DESC
        """,
        list(merchants),
        *(after or (None, None)),
        limit,
    )
    return [LastRun(**row) for row in rows]
