"""Gauges over what waits in a service's database: dead letters, parked records, quarantines, and
rows that jobs have set aside."""

from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from common.telemetry.names import DEAD_LETTERS, PARKED, QUARANTINES, ROWS_SET_ASIDE
from common.telemetry.setup import Gauge

_dead_letters = Gauge(DEAD_LETTERS)
_parked = Gauge(PARKED)
_quarantines = Gauge(QUARANTINES)
_set_aside = Gauge(ROWS_SET_ASIDE)


async def observe_backlog(pool: Pool) -> bool:
    """Read the gauges once; there is never more work to do at once."""
    async with unit_of_work(pool) as connection:
        row = await connection.fetchrow(
            """
            SELECT (SELECT count(*) FROM dead_letter WHERE state = 'open') AS dead_letters,
                (SELECT count(*) FROM parked_event) AS parked,
                (SELECT count(*) FROM quarantine) AS quarantines,
                (SELECT count(*) FROM failed_row WHERE retry_at = 'infinity') AS set_aside
            """
        )
    if row is not None:
        _dead_letters.set(row["dead_letters"])
        _parked.set(row["parked"])
        _quarantines.set(row["quarantines"])
        _set_aside.set(row["set_aside"])
    return False
