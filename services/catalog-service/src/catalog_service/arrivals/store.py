"""Rows of catalogues' rhythms."""

from collections.abc import Mapping
from datetime import datetime

from catalog_service.arrivals.rhythm import Rhythm, after_arrival
from common.postgres.pool import Connection

CatalogueKey = tuple[str, str]
"""(merchant, catalogue)"""


async def save_arrivals(connection: Connection, arrived: Mapping[CatalogueKey, datetime]) -> None:
    """Count these arrivals, each the last one of its catalogue, in key order."""
    keys = sorted(arrived)
    columns = [[key[place] for key in keys] for place in range(2)]
    rows = await connection.fetch(
        """
        SELECT merchant_id, catalogue_id, first_at, beat_at, last_at, beats, usual_silence
        FROM catalogue_rhythm JOIN unnest($1::text[], $2::text[]) AS k (merchant_id, catalogue_id)
            USING (merchant_id, catalogue_id)
        ORDER BY merchant_id, catalogue_id FOR UPDATE OF catalogue_rhythm
        """,
        *columns,
    )
    known = {(merchant, catalogue): Rhythm(*rest) for merchant, catalogue, *rest in rows}
    rhythms = [after_arrival(known.get(key), arrived[key]) for key in keys]
    await connection.execute(
        """
        INSERT INTO catalogue_rhythm
            (merchant_id, catalogue_id, first_at, beat_at, last_at, beats, usual_silence)
        SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[],
            $5::timestamptz[], $6::bigint[], $7::interval[])
        ON CONFLICT (merchant_id, catalogue_id) DO UPDATE SET beat_at = excluded.beat_at,
            last_at = excluded.last_at, beats = excluded.beats,
            usual_silence = excluded.usual_silence
        """,
        *columns,
        [rhythm.first_at for rhythm in rhythms],
        [rhythm.beat_at for rhythm in rhythms],
        [rhythm.last_at for rhythm in rhythms],
        [rhythm.beats for rhythm in rhythms],
        [rhythm.usual_silence for rhythm in rhythms],
    )
