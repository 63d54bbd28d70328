"""Record states of source products: the newest wins, and what changed marks its families dirty.

Events and files take this one way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog_service.sources.store import find_conflicts, upsert_sources
from catalog_service.sources.versions import SourceRow
from common.postgres.pool import Connection

ProductKey = tuple[str, str, str]


@dataclass(frozen=True)
class Recorded:
    """What became of the rows: how many changed their product, and who was refused.

    `conflicts` are products whose stored state has the same version and other content.
    """

    changed: int
    unchanged: int
    stale: int
    conflicts: frozenset[ProductKey]


async def record_sources(connection: Connection, rows: Sequence[SourceRow]) -> Recorded:
    """Store the rows, at most one per product, in the caller's transaction, in key order."""
    taken, changed = await upsert_sources(connection, sorted(rows, key=_key))
    if taken == len(rows):
        return Recorded(changed, taken - changed, 0, frozenset())
    conflicts = await find_conflicts(connection, rows)
    stale = len(rows) - taken - len(conflicts)
    return Recorded(changed, taken - changed, stale, frozenset(conflicts))


def _key(row: SourceRow) -> ProductKey:
    return row[:3]
