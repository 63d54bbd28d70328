"""Imports of a shop's orders: asked for, running, ended. The rows of `order_import`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from common import clock
from common.postgres import core
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work
from order_importer.tables import order_import

IMPORTING = WorkKind()
"""Imports that are due."""

Cause = Literal["schedule", "asked", "connected", "shipment", "nightly", "audit"]


@dataclass(frozen=True)
class Import:
    """A request to import a shop's orders, and its outcome."""

    import_id: int
    merchant_id: str
    shop_id: str
    cause: Cause
    state: Literal["due", "running", "done", "failed"]
    requested_at: datetime
    attempts: int
    window_from: datetime | None
    window_to: datetime | None
    orders_seen: int
    orders_received: int
    orders_updated: int
    orders_unreadable: int
    reads_from: datetime | None
    problem: str | None
    ended_at: datetime | None


_COLUMNS = (
    order_import.c.import_id,
    order_import.c.merchant_id,
    order_import.c.shop_id,
    order_import.c.cause,
    order_import.c.state,
    order_import.c.requested_at,
    order_import.c.attempts,
    order_import.c.window_from,
    order_import.c.window_to,
    order_import.c.orders_seen,
    order_import.c.orders_received,
    order_import.c.orders_updated,
    order_import.c.orders_unreadable,
    order_import.c.reads_from,
    order_import.c.problem,
    order_import.c.ended_at,
)
_IS_OPEN = sa.text("state IN ('due', 'running')")
"""As text: the index over open imports is used where its condition stands without parameters."""


def lease_of(merchant_id: str, shop_id: str) -> str:
    """The lease under which the shop's orders are read, one reading at a time."""
    return f"order-import:{merchant_id}/{shop_id}"


async def request_import(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    cause: Cause,
    *,
    at: datetime,
    reads_from: datetime | None = None,
) -> int:
    """The id of the shop's import that is due, made if there is none. One begun does not count.

    With `reads_from` every order changed since then is read in full, whether or not its row of the
    list is as it was.
    """
    import_id: int = await connection.fetchval(
        """
        INSERT INTO order_import
            (merchant_id, shop_id, cause, requested_at, next_try_at, reads_from)
        VALUES ($1, $2, $3, $4, $4, $5)
        ON CONFLICT (merchant_id, shop_id) WHERE state = 'due'
            DO UPDATE SET next_try_at = least(order_import.next_try_at, excluded.next_try_at),
                reads_from = least(order_import.reads_from, excluded.reads_from)
        RETURNING import_id
        """,
        merchant_id,
        shop_id,
        cause,
        at,
        reads_from,
    )
    made_work(connection, IMPORTING)
    return import_id


_NOW = sa.bindparam("now", type_=order_import.c.next_try_at.type)
_TO_BEGIN = (
    sa.select(*_COLUMNS)
    .where(
        _IS_OPEN,
        order_import.c.next_try_at <= _NOW,
        ~sa.func.is_held(
            sa.bindparam("job", type_=sa.Text),
            order_import.c.merchant_id,
            sa.cast(order_import.c.import_id, sa.Text),
            _NOW,
        ),
    )
    .order_by(order_import.c.next_try_at, order_import.c.import_id)
    .limit(sa.bindparam("at_most", type_=sa.Integer))
)
"""Built once: it is asked every second, by each of the parallel imports."""


async def list_open(connection: Connection, job: str, now: datetime, *, limit: int) -> list[Import]:
    """Imports to begin, and those begun by a process that may be dead, the oldest first; without
    those that this job is to pass over."""
    rows = await core.fetch(connection, _TO_BEGIN, job=job, now=now, at_most=limit)
    return [Import(**row) for row in rows]


async def lock_open(connection: Connection, import_id: int) -> Import | None:
    """The import as it is now, its row locked for this transaction; None if it has ended."""
    found = sa.select(*_COLUMNS).where(order_import.c.import_id == import_id, _IS_OPEN)
    row = await core.fetch_one(connection, found.with_for_update())
    return None if row is None else Import(**row)


async def begin_import(
    connection: Connection, due: Import, window: tuple[datetime, datetime]
) -> Import:
    """Begin the locked import with this window (from, to), or again if it was begun before."""
    window_from, window_to = window
    row = await core.fetch_one(
        connection,
        sa.update(order_import)
        .where(order_import.c.import_id == due.import_id)
        .values(
            state="running",
            attempts=order_import.c.attempts + 1,
            window_from=window_from,
            window_to=window_to,
            orders_seen=0,
            orders_unreadable=0,
            problem=sa.null(),
        )
        .returning(*_COLUMNS),
    )
    assert row is not None  # noqa: S101 - its row is locked
    return Import(**row)


async def count_import(
    connection: Connection,
    import_id: int,
    *,
    seen: int,
    received: int,
    updated: int,
    unreadable: int,
) -> None:
    """Add to what the import has done so far."""
    await connection.execute(
        """
        UPDATE order_import SET orders_seen = orders_seen + $2,
            orders_received = orders_received + $3, orders_updated = orders_updated + $4,
            orders_unreadable = orders_unreadable + $5
        WHERE import_id = $1
        """,
        import_id,
        seen,
        received,
        updated,
        unreadable,
    )


async def end_import(
    connection: Connection,
    import_id: int,
    state: Literal["done", "failed"],
    *,
    problem: str | None = None,
) -> Import:
    """The import as it ended."""
    row = await core.fetch_one(
        connection,
        sa.update(order_import)
        .where(order_import.c.import_id == import_id)
        .values(state=state, problem=problem, ended_at=clock.now())
        .returning(*_COLUMNS),
    )
    assert row is not None  # noqa: S101 - whoever ends an import has begun it
    return Import(**row)


async def postpone_import(
    connection: Connection,
    import_id: int,
    *,
    until: datetime,
    problem: str,
    is_late: bool,
    refunds: int = 0,
) -> bool:
    """Try the begun import again then; `refunds` attempts were none. Whether its shop's imports
    have become late by it.

    It is due again, unless another is: requests of the time until then are met by it.
    """
    return bool(
        await connection.fetchval(
            """
            WITH others AS (
                SELECT state = 'due' AS is_due, is_late FROM order_import AS other
                WHERE (merchant_id, shop_id) = (
                    SELECT merchant_id, shop_id FROM order_import WHERE import_id = $1
                ) AND state IN ('due', 'running') AND import_id <> $1
            )
            UPDATE order_import AS import SET next_try_at = $2, problem = $3,
                attempts = attempts - $4,
                state = CASE WHEN EXISTS (SELECT FROM others WHERE is_due)
                    THEN state ELSE 'due' END,
                is_late = import.is_late
                    OR $5 AND NOT EXISTS (SELECT FROM others WHERE others.is_late)
            WHERE import_id = $1 RETURNING new.is_late AND NOT old.is_late
            """,
            import_id,
            until,
            problem,
            refunds,
            is_late,
        )
    )


async def list_imports(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    *,
    before: int | None,
    limit: int,
) -> list[Import]:
    """A page of the shop's imports, the newest first."""
    page = sa.select(*_COLUMNS).where(
        order_import.c.merchant_id == merchant_id, order_import.c.shop_id == shop_id
    )
    if before is not None:
        page = page.where(order_import.c.import_id < before)
    page = page.order_by(order_import.c.import_id.desc()).limit(limit)
    return [Import(**row) for row in await core.fetch(connection, page)]
