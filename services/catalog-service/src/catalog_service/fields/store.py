"""Summaries of catalogues in Postgres."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from catalog_service.fields.summary import Summary
from common import clock
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work

SUMMARISING = WorkKind()
"""Catalogues whose summary was asked for."""

CatalogueKey = tuple[str, str]
_decoder = msgspec.json.Decoder(Summary)


@dataclass(frozen=True)
class StoredSummary:
    """A summary and when it was made; `is_awaited` while a newer one is being made."""

    summary: Summary
    made_at: datetime
    is_awaited: bool


async def find_summary(
    connection: Connection, merchant_id: str, catalogue_id: str
) -> StoredSummary | None:
    """The catalogue's last summary, or None where none was made yet."""
    row = await connection.fetchrow(
        """
        SELECT body, made_at, requested_at IS NOT NULL AS is_awaited FROM catalogue_summary
        WHERE merchant_id = $1 AND catalogue_id = $2 AND body IS NOT NULL
        """,
        merchant_id,
        catalogue_id,
    )
    if row is None:
        return None
    return StoredSummary(_decoder.decode(row["body"]), row["made_at"], row["is_awaited"])


async def request_summary(connection: Connection, merchant_id: str, catalogue_id: str) -> None:
    """Ask for a summary of the catalogue as it is now: one that is being made is made again."""
    await connection.execute(
        """
        INSERT INTO catalogue_summary (merchant_id, catalogue_id, requested_at)
        VALUES ($1, $2, $3)
        ON CONFLICT (merchant_id, catalogue_id) DO UPDATE SET requested_at = $3
        """,
        merchant_id,
        catalogue_id,
        clock.now(),
    )
    made_work(connection, SUMMARISING)


async def list_requested(
    connection: Connection, job: str, *, limit: int
) -> list[tuple[CatalogueKey, datetime]]:
    """Catalogues whose summary was asked for and when, the longest waiting first; without those
    that the job is to pass over."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, catalogue_id, requested_at FROM catalogue_summary
        WHERE requested_at IS NOT NULL AND NOT is_held($1, merchant_id, catalogue_id, $2)
        ORDER BY requested_at LIMIT $3
        """,
        job,
        clock.now(),
        limit,
    )
    return [((m, c), requested_at) for m, c, requested_at in rows]


async def save_summary(
    connection: Connection, key: CatalogueKey, summary: Summary, *, requested_at: datetime
) -> None:
    """Keep the summary that was asked for then; a later request stays."""
    await connection.execute(
        """
        UPDATE catalogue_summary SET body = $3, made_at = $4,
            requested_at = CASE WHEN requested_at > $5 THEN requested_at END
        WHERE merchant_id = $1 AND catalogue_id = $2
        """,
        *key,
        msgspec.json.encode(summary).decode(),
        clock.now(),
        requested_at,
    )
