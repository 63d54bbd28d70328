"""Endpoints, their sealed secrets, and deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import asyncpg
import sqlalchemy as sa

from auth_service import tables
from auth_service.sealing.store import SealedRows
from auth_service.sealing.token_vault import SealedToken
from common import clock
from common.errors import NotFound
from common.postgres import core
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work

SEALED = SealedRows("rotate-webhook-keys", tables.webhook_secret, ("merchant_id", "secret_id"))
"""The table's sealed values."""

DELIVERING = WorkKind()
"""Deliveries that are due."""


@dataclass(frozen=True)
class Endpoint:
    """Where a merchant's system is told; `kinds` are its filters."""

    endpoint_id: str
    merchant_id: str
    url: str
    description: str
    kinds: list[str]
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None


@dataclass(frozen=True)
class Delivery:
    """One event for one endpoint, and what became of it."""

    delivery_id: str
    merchant_id: str
    endpoint_id: str
    event_id: str
    event: str
    kind: str | None
    body: str
    state: str
    attempts: int
    queued_at: datetime
    next_at: datetime | None
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    ended_at: datetime | None


@dataclass(frozen=True)
class Secret:
    """A secret that still signs."""

    secret_id: str
    endpoint_id: str
    sealed: SealedToken


_DELIVERY = tuple(
    column
    for column in tables.webhook_delivery.c
    if column.name not in {"claimed_until", "claimed_by"}
)
_DELIVERY_NAMES = ", ".join(column.name for column in _DELIVERY)


def _endpoint(row: asyncpg.Record | None) -> Endpoint:
    if row is None:
        raise NotFound("webhook endpoint")
    return Endpoint(**row)


# -- endpoints --------------------------------------------------------------------------------


async def insert_endpoint(
    connection: Connection, merchant_id: str, *, url: str, description: str, kinds: Sequence[str]
) -> Endpoint:
    """A new endpoint."""
    return _endpoint(
        await connection.fetchrow(
            """
            INSERT INTO webhook_endpoint (endpoint_id, merchant_id, url, description, kinds,
                created_at)
            VALUES ($1, $2, $3, $4, $5, $6) RETURNING *
            """,
            uuid4().hex,
            merchant_id,
            url,
            description,
            list(kinds),
            clock.now(),
        )
    )


async def count_endpoints(connection: Connection, merchant_id: str) -> int:
    """How many endpoints the merchant has; nobody adds another until this transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"webhook/{merchant_id}")
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM webhook_endpoint WHERE merchant_id = $1", merchant_id
        )
    )


async def load_endpoint(connection: Connection, merchant_id: str, endpoint_id: str) -> Endpoint:
    """The endpoint. Raises `NotFound`."""
    return _endpoint(
        await connection.fetchrow(
            "SELECT * FROM webhook_endpoint WHERE merchant_id = $1 AND endpoint_id = $2",
            merchant_id,
            endpoint_id,
        )
    )


async def lock_endpoint(connection: Connection, endpoint_id: str) -> Endpoint | None:
    """The endpoint, its row locked; None once it is deleted."""
    row = await connection.fetchrow(
        "SELECT * FROM webhook_endpoint WHERE endpoint_id = $1 FOR UPDATE", endpoint_id
    )
    return None if row is None else Endpoint(**row)


async def list_endpoints(
    connection: Connection, merchant_id: str, *, after: str = "", limit: int = 200
) -> list[Endpoint]:
    """A page of the merchant's endpoints, by id."""
    rows = await connection.fetch(
        """
        SELECT * FROM webhook_endpoint WHERE merchant_id = $1 AND endpoint_id > $2
        ORDER BY endpoint_id LIMIT $3
        """,
        merchant_id,
        after,
        limit,
    )
    return [Endpoint(**row) for row in rows]


async def change_endpoint(
    connection: Connection,
    merchant_id: str,
    endpoint_id: str,
    *,
    url: str,
    description: str,
    kinds: Sequence[str],
) -> Endpoint:
    """Change where it is and what it is sent. Raises `NotFound`."""
    return _endpoint(
        await connection.fetchrow(
            """
            UPDATE webhook_endpoint SET url = $3, description = $4, kinds = $5
            WHERE merchant_id = $1 AND endpoint_id = $2 RETURNING *
            """,
            merchant_id,
            endpoint_id,
            url,
            description,
            list(kinds),
        )
    )


async def delete_endpoint(connection: Connection, merchant_id: str, endpoint_id: str) -> None:
    """Forget the endpoint with its secrets and deliveries. Raises `NotFound`."""
    gone = await connection.fetchval(
        "DELETE FROM webhook_endpoint WHERE merchant_id = $1 AND endpoint_id = $2 RETURNING 1",
        merchant_id,
        endpoint_id,
    )
    if gone is None:
        raise NotFound("webhook endpoint")


async def set_failing(connection: Connection, endpoint_id: str, since: datetime | None) -> None:
    """Since when it fails; None: it works."""
    await connection.execute(
        "UPDATE webhook_endpoint SET failing_since = $2 WHERE endpoint_id = $1", endpoint_id, since
    )


async def disable(connection: Connection, endpoint_id: str, reason: str) -> None:
    """Send it nothing more; what waited for it is failed."""
    now = clock.now()
    await connection.execute(
        """
        UPDATE webhook_endpoint SET disabled_at = $2, disabled_reason = $3 WHERE endpoint_id = $1
        """,
        endpoint_id,
        now,
        reason,
    )
    await connection.execute(
        """
        UPDATE webhook_delivery SET state = 'failed', next_at = NULL, ended_at = $2,
            claimed_until = NULL, claimed_by = NULL, last_error = coalesce(last_error, $3)
        WHERE endpoint_id = $1 AND next_at IS NOT NULL
        """,
        endpoint_id,
        now,
        "the endpoint was disabled",
    )


async def enable(connection: Connection, merchant_id: str, endpoint_id: str) -> Endpoint:
    """Send to it again. Raises `NotFound`."""
    return _endpoint(
        await connection.fetchrow(
            """
            UPDATE webhook_endpoint
            SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL
            WHERE merchant_id = $1 AND endpoint_id = $2 RETURNING *
            """,
            merchant_id,
            endpoint_id,
        )
    )


# -- secrets ----------------------------------------------------------------------------------


async def insert_secret(
    connection: Connection,
    merchant_id: str,
    endpoint_id: str,
    secret_id: str,
    sealed: SealedToken,
) -> None:
    await connection.execute(
        """
        INSERT INTO webhook_secret (secret_id, merchant_id, endpoint_id, made_at, sealed_under,
            wrapped_key, nonce, ciphertext)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        secret_id,
        merchant_id,
        endpoint_id,
        clock.now(),
        sealed.key_id,
        sealed.wrapped_key,
        sealed.nonce,
        sealed.ciphertext,
    )


async def end_secrets(connection: Connection, endpoint_id: str, ends_at: datetime) -> None:
    """The endpoint's newest secret signs until then; those before it are forgotten."""
    await connection.execute(
        "DELETE FROM webhook_secret WHERE endpoint_id = $1 AND ends_at IS NOT NULL", endpoint_id
    )
    await connection.execute(
        "UPDATE webhook_secret SET ends_at = $2 WHERE endpoint_id = $1", endpoint_id, ends_at
    )


async def list_secrets(connection: Connection, endpoint_id: str) -> list[Secret]:
    """The secrets that sign now, the newest first."""
    rows = await connection.fetch(
        """
        SELECT secret_id, endpoint_id, sealed_under, wrapped_key, nonce, ciphertext
        FROM webhook_secret WHERE endpoint_id = $1 AND (ends_at IS NULL OR ends_at > $2)
        ORDER BY made_at DESC, secret_id
        """,
        endpoint_id,
        clock.now(),
    )
    return [Secret(row[0], row[1], SealedToken(row[2], row[3], row[4], row[5])) for row in rows]


# -- deliveries -------------------------------------------------------------------------------


async def insert_delivery(
    connection: Connection,
    endpoint: Endpoint,
    *,
    event_id: str,
    event: str,
    kind: str | None,
    body: str,
) -> Delivery:
    """Queue the event for the endpoint."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO webhook_delivery (delivery_id, merchant_id, endpoint_id, event_id, event, kind,
            body, state, queued_at, next_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'due', $8, $8) RETURNING {_DELIVERY_NAMES}
        """,  # noqa: S608 - names of columns
        uuid4().hex,
        endpoint.merchant_id,
        endpoint.endpoint_id,
        event_id,
        event,
        kind,
        body,
        clock.now(),
    )
    assert row is not None  # noqa: S101 - an insert returns its row
    made_work(connection, DELIVERING)
    return Delivery(**row)


async def claim_due(
    connection: Connection,
    job: str,
    holder: str,
    *,
    lasts: timedelta,
    per_endpoint: int,
    limit: int,
) -> list[Delivery]:
    """The next deliveries, a few of each endpoint, claimed for so long by the system's clock."""
    wall = clock.wall_now()
    rows = await connection.fetch(
        f"""
        UPDATE webhook_delivery SET attempts = attempts + 1, claimed_until = $3, claimed_by = $6
        WHERE delivery_id IN (
            SELECT d.delivery_id
            FROM (SELECT endpoint_id FROM webhook_delivery WHERE next_at <= $1
                GROUP BY endpoint_id ORDER BY min(next_at)) AS e
            CROSS JOIN LATERAL (
                SELECT delivery_id FROM webhook_delivery
                WHERE endpoint_id = e.endpoint_id AND next_at <= $1
                    AND (claimed_until IS NULL OR claimed_until <= $2)
                    AND NOT is_held($7, merchant_id, delivery_id, $1)
                ORDER BY next_at, queued_at, delivery_id LIMIT $4 FOR UPDATE SKIP LOCKED) AS d
            LIMIT $5)
        RETURNING {_DELIVERY_NAMES}
        """,  # noqa: S608 - names of columns
        clock.now(),
        wall,
        wall + lasts,
        per_endpoint,
        limit,
        holder,
        job,
    )
    return [Delivery(**row) for row in rows]


async def release_claims(connection: Connection, holder: str) -> None:
    """End what an earlier process of this name had claimed."""
    await connection.execute(
        """
        UPDATE webhook_delivery SET claimed_until = NULL
        WHERE claimed_by = $1 AND next_at IS NOT NULL
        """,
        holder,
    )


async def save_outcome(
    connection: Connection,
    delivery_id: str,
    *,
    state: str,
    next_at: datetime | None,
    status: int | None,
    error: str | None,
) -> None:
    """What became of an attempt: delivered, failed for good, or due again at `next_at`."""
    now = clock.now()
    await connection.execute(
        """
        UPDATE webhook_delivery SET state = $2, next_at = $3, last_status = $4, last_error = $5,
            last_attempt_at = $6, ended_at = CASE WHEN $3::timestamptz IS NULL
                THEN $6::timestamptz END,
            claimed_until = NULL, claimed_by = NULL
        WHERE delivery_id = $1 AND next_at IS NOT NULL
        """,
        delivery_id,
        state,
        next_at,
        status,
        error,
        now,
    )


async def load_delivery(
    connection: Connection, merchant_id: str, endpoint_id: str, delivery_id: str
) -> Delivery:
    """The delivery. Raises `NotFound`."""
    delivery = tables.webhook_delivery.c
    row = await core.fetch_one(
        connection,
        sa.select(*_DELIVERY).where(
            delivery.merchant_id == merchant_id,
            delivery.endpoint_id == endpoint_id,
            delivery.delivery_id == delivery_id,
        ),
    )
    if row is None:
        raise NotFound("delivery")
    return Delivery(**row)


async def list_deliveries(
    connection: Connection,
    endpoint_id: str,
    *,
    state: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Delivery]:
    """A page of the endpoint's deliveries, the newest first."""
    delivery = tables.webhook_delivery.c
    place = (delivery.queued_at, delivery.delivery_id)
    page = sa.select(*_DELIVERY).where(delivery.endpoint_id == endpoint_id)
    if state is not None:
        page = page.where(delivery.state == state)
    if after is not None:
        page = page.where(sa.tuple_(*place) < after)
    rows = await core.fetch(
        connection, page.order_by(*(column.desc() for column in place)).limit(limit)
    )
    return [Delivery(**row) for row in rows]


async def forget_deliveries(connection: Connection, before: datetime, *, limit: int) -> int:
    """Delete deliveries that ended before then; how many there were."""
    rows = await connection.fetch(
        """
        DELETE FROM webhook_delivery WHERE delivery_id IN
            (SELECT delivery_id FROM webhook_delivery WHERE ended_at < $1 LIMIT $2)
        RETURNING 1
        """,
        before,
        limit,
    )
    return len(rows)
