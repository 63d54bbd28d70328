"""The feed of changes: the rows of `order_change`, each with its place once it is committed.

Transactions commit in another order than they take ids, so that a reader that went by ids would
pass over a change that is committed late. A change is therefore written without a place.
`place_changes` gives places to what is committed, one transaction at a time; what a transaction
holds open gets a later place, and delays nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import asyncpg

from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work

PLACING = WorkKind()
"""Changes that have no place yet."""

Kind = Literal["received", "updated", "shipped"]

_LOCK_KEY = 0x0C4A11E2


@dataclass(frozen=True)
class Change:
    """What happened to an order, at the revision it had from then on."""

    merchant_id: str
    shop_id: str
    order_id: str
    revision: int
    kind: Kind


@dataclass(frozen=True)
class PlacedChange:
    """A change at its place in the feed."""

    place: int
    shop_id: str
    order_id: str
    revision: int
    kind: Kind
    changed_at: datetime


async def add_changes(connection: Connection, changes: Sequence[Change], at: datetime) -> None:
    """Write these changes, in this order, in the transaction that makes them."""
    if not changes:
        return
    await connection.execute(
        """
        INSERT INTO order_change (merchant_id, shop_id, order_id, revision, kind, changed_at)
        SELECT merchant_id, shop_id, order_id, revision, kind, $6
        FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])
            WITH ORDINALITY AS c (merchant_id, shop_id, order_id, revision, kind, number)
        ORDER BY number
        """,
        [change.merchant_id for change in changes],
        [change.shop_id for change in changes],
        [change.order_id for change in changes],
        [change.revision for change in changes],
        [change.kind for change in changes],
        at,
    )
    made_work(connection, PLACING)


async def place_changes(connection: Connection, *, limit: int) -> int:
    """Give places to committed changes that have none, by rising id; how many got one.

    Nothing where another process is doing so: places rise in the order in which they are committed,
    since only one transaction gives them at a time.
    """
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK_KEY):
        return 0
    status: str = await connection.execute(
        """
        UPDATE order_change AS change SET place = placed.place
        FROM (
            SELECT change_id, nextval('order_change_place') AS place
            FROM (
                SELECT change_id FROM order_change WHERE place IS NULL ORDER BY change_id LIMIT $1
            ) AS unplaced
        ) AS placed
        WHERE change.change_id = placed.change_id
        """,
        limit,
    )
    return int(status.rpartition(" ")[2])


async def list_changes(
    connection: Connection, merchant_id: str, *, after: int, limit: int
) -> list[PlacedChange]:
    """The merchant's changes behind this place, in their order."""
    rows = await connection.fetch(
        """
        SELECT place, shop_id, order_id, revision, kind, changed_at FROM order_change
        WHERE merchant_id = $1 AND place > $2 ORDER BY place LIMIT $3
        """,
        merchant_id,
        after,
        limit,
    )
    return [PlacedChange(**row) for row in rows]


async def find_bounds(connection: Connection, merchant_id: str) -> tuple[int, int]:
    """The places between which the merchant's changes are kept: the last one removed (0 where none
    was), and the last one given."""
    row = await connection.fetchrow(
        """
        SELECT
            coalesce((SELECT removed_until FROM order_feed WHERE merchant_id = $1), 0) AS removed,
            (SELECT max(place) FROM order_change
             WHERE merchant_id = $1 AND place IS NOT NULL) AS last
        """,
        merchant_id,
    )
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    return row["removed"], max(row["removed"], row["last"] or 0)


async def remove_changes(connection: Connection, *, before: datetime, limit: int) -> int:
    """Remove placed changes made before this, the oldest first; how many."""
    removed: list[asyncpg.Record] = await connection.fetch(
        """
        DELETE FROM order_change WHERE change_id IN (
            SELECT change_id FROM order_change
            WHERE changed_at < $1 AND place IS NOT NULL
            ORDER BY changed_at, change_id LIMIT $2 FOR UPDATE SKIP LOCKED
        ) RETURNING merchant_id, place
        """,
        before,
        limit,
    )
    last: dict[str, int] = {}
    for merchant_id, place in removed:
        last[merchant_id] = max(place, last.get(merchant_id, 0))
    await connection.execute(
        """
        INSERT INTO order_feed AS feed (merchant_id, removed_until)
        SELECT * FROM unnest($1::text[], $2::bigint[]) AS r (merchant_id, removed_until)
        ORDER BY merchant_id
        ON CONFLICT (merchant_id) DO UPDATE
            SET removed_until = greatest(feed.removed_until, excluded.removed_until)
        """,
        list(last),
        list(last.values()),
    )
    return len(removed)
