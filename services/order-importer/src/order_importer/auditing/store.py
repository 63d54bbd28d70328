"""Audits and what they found: the rows of `order_audit` and `order_audit_difference`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa

from common import clock
from common.contracts.money import Money
from common.errors import NotFound
from common.postgres import core
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work
from order_importer.auditing.compare import Difference
from order_importer.tables import order_audit, order_audit_difference

AUDITING = WorkKind()
"""Audits that are due."""


@dataclass(frozen=True)
class Audit:
    """An audit of the orders placed in a time, and its outcome.

    `compared` orders were looked at, `pending` of them had changed since the last import.
    """

    audit_id: int
    merchant_id: str
    shop_id: str
    cause: str
    state: Literal["due", "done", "failed"]
    requested_at: datetime
    attempts: int
    placed_from: datetime | None
    placed_to: datetime | None
    compared: int | None
    pending: int | None
    differences: int | None
    problem: str | None
    ended_at: datetime | None


_COLUMNS = tuple(
    column for column in order_audit.c if column.name != order_audit.c.next_try_at.name
)


async def request_audit(
    connection: Connection, merchant_id: str, shop_id: str, cause: Literal["schedule", "asked"]
) -> int:
    """The id of the shop's audit that is due, made if there is none."""
    audit_id: int = await connection.fetchval(
        """
        INSERT INTO order_audit (merchant_id, shop_id, cause, requested_at, next_try_at)
        VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (merchant_id, shop_id) WHERE state = 'due'
            DO UPDATE SET next_try_at = least(order_audit.next_try_at, excluded.next_try_at)
        RETURNING audit_id
        """,
        merchant_id,
        shop_id,
        cause,
        clock.now(),
    )
    made_work(connection, AUDITING)
    return audit_id


async def list_due(connection: Connection, job: str, now: datetime, *, limit: int) -> list[Audit]:
    """Audits to be made that this job is not to pass over, the oldest first."""
    number = sa.cast(order_audit.c.audit_id, sa.Text)
    found = (
        sa.select(*_COLUMNS)
        .where(sa.text("state = 'due'"), order_audit.c.next_try_at <= now)
        .where(~sa.func.is_held(job, order_audit.c.merchant_id, number, now))
        .order_by(order_audit.c.next_try_at)
        .limit(limit)
    )
    return [Audit(**row) for row in await core.fetch(connection, found)]


async def end_done(
    connection: Connection,
    audit_id: int,
    *,
    placed: tuple[datetime, datetime],
    compared: int,
    pending: int,
    differences: Sequence[Difference],
) -> None:
    """Write what was found."""
    placed_from, placed_to = placed
    await core.execute(
        connection,
        sa.update(order_audit)
        .where(order_audit.c.audit_id == audit_id)
        .values(
            state="done",
            placed_from=placed_from,
            placed_to=placed_to,
            compared=compared,
            pending=pending,
            differences=len(differences),
            problem=sa.null(),
            ended_at=clock.now(),
        ),
    )
    await connection.executemany(
        """
        INSERT INTO order_audit_difference (audit_id, order_id, kind, ours, theirs)
        VALUES ($1, $2, $3, $4, $5)
        """,
        [(audit_id, one.order_id, one.kind, one.ours, one.theirs) for one in differences],
    )


async def end_failed(connection: Connection, audit_id: int, problem: str) -> None:
    """It cannot be made, for this reason; the next one by schedule or on request is another."""
    await connection.execute(
        "UPDATE order_audit SET state = 'failed', problem = $2, ended_at = $3 WHERE audit_id = $1",
        audit_id,
        problem,
        clock.now(),
    )


async def postpone(
    connection: Connection, audit_id: int, *, until: datetime, problem: str | None
) -> None:
    """Try it again then."""
    await connection.execute(
        """
        UPDATE order_audit SET next_try_at = $2, problem = $3, attempts = attempts + 1
        WHERE audit_id = $1
        """,
        audit_id,
        until,
        problem,
    )


async def list_audits(
    connection: Connection, merchant_id: str, shop_id: str, *, before: int | None, limit: int
) -> list[Audit]:
    """A page of the shop's audits, the newest first."""
    page = sa.select(*_COLUMNS).where(
        order_audit.c.merchant_id == merchant_id, order_audit.c.shop_id == shop_id
    )
    if before is not None:
        page = page.where(order_audit.c.audit_id < before)
    page = page.order_by(order_audit.c.audit_id.desc()).limit(limit)
    return [Audit(**row) for row in await core.fetch(connection, page)]


async def load_audit(
    connection: Connection, merchant_id: str, shop_id: str, audit_id: int
) -> Audit:
    """The audit. Raises `NotFound`."""
    row = await core.fetch_one(
        connection,
        sa.select(*_COLUMNS).where(
            order_audit.c.merchant_id == merchant_id,
            order_audit.c.shop_id == shop_id,
            order_audit.c.audit_id == audit_id,
        ),
    )
    if row is None:
        raise NotFound("audit", remedy="List the shop's audits.")
    return Audit(**row)


async def list_differences(
    connection: Connection, audit_id: int, *, after: tuple[str, str] | None, limit: int
) -> list[Difference]:
    """A page of what an audit found, by order number and kind."""
    found = order_audit_difference.c
    page = sa.select(found.order_id, found.kind, found.ours, found.theirs).where(
        found.audit_id == audit_id
    )
    if after is not None:
        page = page.where(sa.tuple_(found.order_id, found.kind) > after)
    page = page.order_by(found.order_id, found.kind).limit(limit)
    return [Difference(**row) for row in await core.fetch(connection, page)]


@dataclass(frozen=True)
class PlacedOrder:
    """An order as it is compared with AliExpress's list."""

    order_id: str
    status: str
    total: Money | None
    is_within: bool
    """Whether it was placed in the time asked for."""


async def list_placed(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    *,
    placed: tuple[datetime, datetime],
    order_ids: Sequence[str],
) -> list[PlacedOrder]:
    """The shop's readable orders placed in a time, and those of these numbers."""
    rows = await connection.fetch(
        """
        SELECT order_id, marketplace_status, content::jsonb -> 'total' AS total,
            placed_at >= $3 AND placed_at < $4 AS is_within
        FROM marketplace_order
        WHERE merchant_id = $1 AND shop_id = $2 AND content IS NOT NULL
            AND (placed_at >= $3 AND placed_at < $4 OR order_id = ANY($5))
        """,
        merchant_id,
        shop_id,
        *placed,
        order_ids,
    )
    return [
        PlacedOrder(
            row["order_id"],
            row["marketplace_status"],
            msgspec.json.decode(row["total"], type=Money),
            row["is_within"],
        )
        for row in rows
    ]
