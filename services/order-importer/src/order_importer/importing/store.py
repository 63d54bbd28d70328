"""Imports asked for, raw and interpreted orders, and what could not be read."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import asyncpg
import msgspec

from aliexpress.orders import Order as ListedOrder
from aliexpress.orders import UnreadableOrder
from common import clock
from common.contracts.order import Order
from common.postgres.pool import Connection, Pool
from order_importer.importing.window import Window

Cause = Literal["schedule", "asked", "connected", "shipment"]


# -- imports ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Import:
    """A wish to import a shop's orders, and what became of it."""

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


async def list_open(connection: Connection | Pool, now: datetime, *, limit: int) -> list[Import]:
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


async def begin_import(connection: Connection, import_id: int, window: Window) -> Import | None:
    """Begin an import, or again one that was; None for one that has ended meanwhile."""
    row = await connection.fetchrow(
        f"""
        UPDATE order_import
        SET state = 'running', attempts = attempts + 1, window_from = $2, window_to = $3,
            orders_seen = 0, problem = NULL
        WHERE import_id = $1 AND state IN ('due', 'running') RETURNING {_IMPORT}
        """,  # noqa: S608 - a constant list of columns
        import_id,
        window.start,
        window.end,
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
    """The import has ended."""
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
    connection: Connection | Pool,
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


# -- orders -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fetched:
    """An order as read, ready to be written; `order` is None where it could not be interpreted."""

    order_id: str
    listed: ListedOrder | None
    listed_fingerprint: bytes | None
    details: str | None
    receipt: str | None
    order: Order | None
    fingerprint: bytes | None
    ship_before: datetime | None
    problem: str | None


@dataclass(frozen=True)
class Known:
    """What is stored of an order that a new reading is compared with."""

    revision: int
    fingerprint: bytes | None
    modified_at: datetime | None


async def load_listed_fingerprints(
    connection: Connection | Pool, merchant_id: str, shop_id: str, order_ids: Sequence[str]
) -> dict[str, bytes]:
    """How these orders were listed when their details were last read; unread ones are left out."""
    rows = await connection.fetch(
        """
        SELECT order_id, listed_fingerprint FROM marketplace_order
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = ANY($3)
            AND listed_fingerprint IS NOT NULL AND problem IS NULL
        """,
        merchant_id,
        shop_id,
        order_ids,
    )
    return {row["order_id"]: row["listed_fingerprint"] for row in rows}


async def lock_known(
    connection: Connection, merchant_id: str, shop_id: str, order_ids: Sequence[str]
) -> dict[str, Known]:
    """What is stored of these orders, their rows locked in key order."""
    rows = await connection.fetch(
        """
        SELECT order_id, revision, fingerprint, modified_at FROM marketplace_order
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = ANY($3)
        ORDER BY order_id FOR UPDATE
        """,
        merchant_id,
        shop_id,
        order_ids,
    )
    return {
        row["order_id"]: Known(row["revision"], row["fingerprint"], row["modified_at"])
        for row in rows
    }


async def save_orders(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    fetched: Sequence[Fetched],
    revisions: Mapping[str, int],
) -> None:
    """Write the orders at these revisions; what could not be interpreted keeps its last content."""
    content = [msgspec.json.encode(f.order).decode() if f.order else None for f in fetched]
    listed = [msgspec.json.encode(f.listed).decode() if f.listed else None for f in fetched]
    await connection.execute(
        """
        INSERT INTO marketplace_order AS known
            (merchant_id, shop_id, order_id, revision, listed, listed_fingerprint, details,
             receipt, content, fingerprint, status, marketplace_status, placed_at, modified_at,
             ship_before, problem, received_at, updated_at)
        SELECT $1, $2, order_id, revision, listed, listed_fingerprint, details, receipt, content,
            fingerprint, status, marketplace_status, placed_at, modified_at, ship_before, problem,
            $17, $17
        FROM unnest(
            $3::text[], $4::bigint[], $5::text[], $6::bytea[], $7::text[], $8::text[], $9::text[],
            $10::bytea[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[],
            $15::timestamptz[], $16::text[]
        ) AS read (order_id, revision, listed, listed_fingerprint, details, receipt, content,
            fingerprint, status, marketplace_status, placed_at, modified_at, ship_before, problem)
        ORDER BY order_id
        ON CONFLICT (merchant_id, shop_id, order_id) DO UPDATE SET
            revision = excluded.revision,
            listed = coalesce(excluded.listed, known.listed),
            listed_fingerprint = excluded.listed_fingerprint,
            details = coalesce(excluded.details, known.details),
            receipt = coalesce(excluded.receipt, known.receipt),
            content = coalesce(excluded.content, known.content),
            fingerprint = coalesce(excluded.fingerprint, known.fingerprint),
            status = coalesce(excluded.status, known.status),
            marketplace_status = coalesce(excluded.marketplace_status, known.marketplace_status),
            placed_at = coalesce(excluded.placed_at, known.placed_at),
            modified_at = coalesce(excluded.modified_at, known.modified_at),
            ship_before = CASE WHEN excluded.content IS NULL THEN known.ship_before
                ELSE excluded.ship_before END,
            problem = excluded.problem,
            updated_at = excluded.updated_at
        """,
        merchant_id,
        shop_id,
        [f.order_id for f in fetched],
        [revisions[f.order_id] for f in fetched],
        listed,
        [f.listed_fingerprint for f in fetched],
        [f.details for f in fetched],
        [f.receipt for f in fetched],
        content,
        [f.fingerprint for f in fetched],
        [f.order.status if f.order else None for f in fetched],
        [f.order.marketplace_status if f.order else None for f in fetched],
        [f.order.placed_at if f.order else None for f in fetched],
        [f.order.modified_at if f.order else None for f in fetched],
        [f.ship_before for f in fetched],
        [f.problem for f in fetched],
        clock.now(),
    )


async def list_problems(
    connection: Connection | Pool, merchant_id: str, shop_id: str, *, limit: int
) -> list[tuple[str, str, ListedOrder | None]]:
    """Orders whose details are still to be read: id, problem, and how they were listed."""
    rows = await connection.fetch(
        """
        SELECT order_id, problem, listed FROM marketplace_order
        WHERE merchant_id = $1 AND shop_id = $2 AND problem IS NOT NULL
        ORDER BY updated_at LIMIT $3
        """,
        merchant_id,
        shop_id,
        limit,
    )
    return [(row["order_id"], row["problem"], _listed(row)) for row in rows]


def _listed(row: asyncpg.Record) -> ListedOrder | None:
    text = row["listed"]
    return None if text is None else msgspec.json.decode(text, type=ListedOrder)


async def keep_unreadable(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    rows: Sequence[UnreadableOrder],
) -> None:
    """Keep listed rows that are not of an order's form, each once."""
    await connection.executemany(
        """
        INSERT INTO unreadable_order (merchant_id, shop_id, raw_hash, raw, reason, seen_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
        """,
        [
            (
                merchant_id,
                shop_id,
                hashlib.sha256(row.raw.encode()).digest(),
                row.raw,
                row.reason,
                clock.now(),
            )
            for row in rows
        ],
    )


async def list_unreadable(
    connection: Connection | Pool, merchant_id: str, shop_id: str, *, limit: int
) -> list[tuple[str, datetime]]:
    """Why rows could not be read as orders, and when they were seen, the newest first."""
    rows = await connection.fetch(
        """
        SELECT reason, seen_at FROM unreadable_order
        WHERE merchant_id = $1 AND shop_id = $2 ORDER BY seen_at DESC LIMIT $3
        """,
        merchant_id,
        shop_id,
        limit,
    )
    return [(row["reason"], row["seen_at"]) for row in rows]
