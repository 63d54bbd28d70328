"""Imports of a shop's orders: asked for, running, ended. The rows of `order_import`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from common import clock
from common.postgres.pool import Connection

Cause = Literal["schedule", "asked", "connected", "shipment"]


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
    problem: str | None
    ended_at: datetime | None


_IMPORT = """import_id, merchant_id, shop_id, cause, state, requested_at, attempts, window_from,
    window_to, orders_seen, orders_received, orders_updated, problem, ended_at"""


async def request_import(
    connection: Connection, merchant_id: str, shop_id: str, cause: Cause, *, at: datetime
) -> int:
    """The id of the shop's import that is due, made if there is none. One begun does not count."""
    import_id: int = await connection.fetchval(
        """
        INSERT INTO order_import (merchant_id, shop_id, cause, requested_at, next_try_at)
        VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (merchant_id, shop_id) WHERE state = 'due'
            DO UPDATE SET next_try_at = least(order_import.next_try_at, excluded.next_try_at)
        RETURNING import_id
        """,
        merchant_id,
        shop_id,
        cause,
        at,
    )
    return import_id


async def list_open(connection: Connection, now: datetime, *, limit: int) -> list[Import]:
    """Imports to begin, and those begun by a process that may be dead, the oldest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_IMPORT} FROM order_import
        WHERE state IN ('due', 'running') AND next_try_at <= $1
        ORDER BY next_try_at, import_id LIMIT $2
        """,  # noqa: S608 - a constant list of columns
        now,
        limit,
    )
    return [Import(**row) for row in rows]


async def begin_import(
    connection: Connection, import_id: int, window: tuple[datetime, datetime]
) -> Import | None:
    """Begin an import of this window (from, to), or again one that was; None if it has ended."""
    row = await connection.fetchrow(
        f"""
        UPDATE order_import
        SET state = 'running', attempts = attempts + 1, window_from = $2, window_to = $3,
            orders_seen = 0, problem = NULL
        WHERE import_id = $1 AND state IN ('due', 'running') RETURNING {_IMPORT}
        """,  # noqa: S608 - a constant list of columns
        import_id,
        *window,
    )
    return None if row is None else Import(**row)


async def count_import(
    connection: Connection, import_id: int, *, seen: int, received: int, updated: int
) -> None:
    """Add to what the import has done so far."""
    await connection.execute(
        """
        UPDATE order_import SET orders_seen = orders_seen + $2,
            orders_received = orders_received + $3, orders_updated = orders_updated + $4
        WHERE import_id = $1
        """,
        import_id,
        seen,
        received,
        updated,
    )


async def end_import(
    connection: Connection,
    import_id: int,
    state: Literal["done", "failed"],
    *,
    problem: str | None = None,
) -> None:
    await connection.execute(
        "UPDATE order_import SET state = $2, problem = $3, ended_at = $4 WHERE import_id = $1",
        import_id,
        state,
        problem,
        clock.now(),
    )


async def postpone_import(
    connection: Connection, import_id: int, *, until: datetime, problem: str
) -> None:
    """Try the begun import again then."""
    await connection.execute(
        "UPDATE order_import SET next_try_at = $2, problem = $3 WHERE import_id = $1",
        import_id,
        until,
        problem,
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
    rows = await connection.fetch(
        f"""
        SELECT {_IMPORT} FROM order_import
        WHERE merchant_id = $1 AND shop_id = $2 AND ($3::bigint IS NULL OR import_id < $3)
        ORDER BY import_id DESC LIMIT $4
        """,  # noqa: S608 - a constant list of columns
        merchant_id,
        shop_id,
        before,
        limit,
    )
    return [Import(**row) for row in rows]
