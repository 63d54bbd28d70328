"""What waits in a service's database: the outbox, dead letters, parked records, quarantines, and
rows that jobs have set aside. Counted to a limit, so that no backlog makes the count expensive."""

from common import clock
from common.postgres.pool import Connection
from common.telemetry.names import (
    DEAD_LETTERS,
    OUTBOX_AGE,
    OUTBOX_SIZE,
    PARKED,
    PARKED_AGE,
    QUARANTINES,
    ROWS_SET_ASIDE,
)
from common.telemetry.setup import Gauge

COUNTED_TO = 10_000

_dead_letters = Gauge(DEAD_LETTERS)
_parked = Gauge(PARKED)
_parked_age = Gauge(PARKED_AGE)
_quarantines = Gauge(QUARANTINES)
_set_aside = Gauge(ROWS_SET_ASIDE)
_outbox_age = Gauge(OUTBOX_AGE)
_outbox_size = Gauge(OUTBOX_SIZE)


async def observe_backlog(connection: Connection) -> None:
    """Read the gauges once. An event of the outbox that is set aside counts there alone."""
    row = await connection.fetchrow(
        """
        SELECT (SELECT count(*) FROM (
                SELECT FROM dead_letter WHERE state = 'open' LIMIT $1
            ) AS d) AS dead_letters,
            (SELECT count(*) FROM (SELECT FROM parked_event LIMIT $1) AS p) AS parked,
            (SELECT parked_at FROM parked_event ORDER BY id LIMIT 1) AS parked_since,
            (SELECT count(*) FROM quarantine) AS quarantines,
            (SELECT count(*) FROM (
                SELECT FROM failed_row WHERE retry_at = 'infinity' LIMIT $1
            ) AS f) AS set_aside,
            (SELECT count(*) FROM (SELECT FROM outbox LIMIT $1) AS o) AS outbox,
            (SELECT added_at FROM outbox WHERE id::text NOT IN (
                SELECT subject FROM failed_row WHERE job = 'relay' AND retry_at = 'infinity'
            ) ORDER BY id LIMIT 1) AS outbox_since
        """,
        COUNTED_TO,
    )
    if row is None:
        raise RuntimeError("a SELECT without FROM returned no row")
    now = clock.now()
    _dead_letters.set(row["dead_letters"])
    _parked.set(row["parked"])
    _parked_age.set(clock.seconds_between(row["parked_since"], now))
    _quarantines.set(row["quarantines"])
    _set_aside.set(row["set_aside"])
    _outbox_size.set(row["outbox"])
    _outbox_age.set(clock.seconds_between(row["outbox_since"], now))
