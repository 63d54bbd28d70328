"""The breaker: a source that sends mostly poison for a merchant is quarantined, alone.

While it is, its good records are parked and its bad ones become dead letters; everybody else's
arrive unhurt. An operator lifts it; the parked records are then replayed.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from common import clock
from common.postgres import core
from common.postgres.pool import Connection
from common.postgres.tables import quarantine

Origin = tuple[str, str]
"""(source, merchant) a record claims to come from."""

AT_LEAST_RECORDS = 100
BAD_SHARE = 0.5
WINDOW_RECORDS = 1_000


@dataclass(frozen=True)
class Quarantine:
    """An origin now in quarantine, for one consumer group."""

    consumer_group: str
    source: str
    merchant_id: str
    reason: str
    since: datetime


class Breaker:
    """Counts each origin's recent records; the counts halve when the window is full."""

    def __init__(self) -> None:
        self._total: Counter[Origin] = Counter()
        self._bad: Counter[Origin] = Counter()

    def observe(self, total: Counter[Origin], bad: Counter[Origin]) -> set[Origin]:
        """Count these records; the origins whose share of bad ones is now too high."""
        self._total.update(total)
        self._bad.update(bad)
        tripped = {origin for origin in bad if self._is_poisonous(origin)}
        for origin in tripped:
            self.forget(origin)
        for origin in [o for o, total in self._total.items() if total >= WINDOW_RECORDS]:
            self._total[origin] //= 2
            self._bad[origin] //= 2
        return tripped

    def _is_poisonous(self, origin: Origin) -> bool:
        total = self._total[origin]
        return total >= AT_LEAST_RECORDS and self._bad[origin] / total > BAD_SHARE

    def forget(self, origin: Origin) -> None:
        """Start over with this origin."""
        self._total.pop(origin, None)
        self._bad.pop(origin, None)


def wait_of(origin: Origin) -> str:
    """What a parked record of a quarantined origin waits for."""
    return f"quarantine:{origin[1]}:{origin[0]}"


async def load_quarantined(connection: Connection, group: str) -> set[Origin]:
    """The origins this group holds in quarantine."""
    rows = await connection.fetch(
        "SELECT source, merchant_id FROM quarantine WHERE consumer_group = $1", group
    )
    return {(row["source"], row["merchant_id"]) for row in rows}


async def impose(
    connection: Connection, group: str, origins: Iterable[Origin], *, reason: str
) -> None:
    """Put these origins in quarantine; those already there stay as they are."""
    await connection.executemany(
        """
        INSERT INTO quarantine (consumer_group, source, merchant_id, reason, since)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
        """,
        [(group, source, merchant, reason, clock.now()) for source, merchant in sorted(origins)],
    )


async def list_quarantines(
    connection: Connection,
    *,
    merchant_id: str | None,
    after: tuple[str, str, str] | None = None,
    limit: int = 50,
) -> list[Quarantine]:
    """Who is in quarantine, by group, source and merchant; all merchants' without `merchant_id`."""
    key = (quarantine.c.consumer_group, quarantine.c.source, quarantine.c.merchant_id)
    page = sa.select(quarantine)
    if merchant_id is not None:
        page = page.where(quarantine.c.merchant_id == merchant_id)
    if after is not None:
        page = page.where(sa.tuple_(*key) > after)
    page = page.order_by(*key).limit(limit)
    return [Quarantine(**dict(row)) for row in await core.fetch(connection, page)]


async def lift(connection: Connection, group: str, source: str, merchant_id: str) -> bool:
    """End a quarantine; False when there was none."""
    ended = await connection.fetchval(
        """
        DELETE FROM quarantine
        WHERE consumer_group = $1 AND source = $2 AND merchant_id = $3 RETURNING 1
        """,
        group,
        source,
        merchant_id,
    )
    return ended is not None
