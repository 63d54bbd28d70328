"""Shipments and their outcomes, and shops that are paused: `shipment` and `shipping_pause`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from aliexpress.logistics import SendType
from common import clock
from common.errors import NotFound
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work
from order_importer.shipping.pauses import AN_OUTAGE, pause_of
from order_importer.shipping.refusals import Rejection

SENDING = WorkKind()
"""Shipments to send to AliExpress."""

KEY_CONSTRAINT = "shipment_merchant_id_idempotency_key_key"


@dataclass(frozen=True)
class Shipment:
    """A parcel to be sent to AliExpress, or sent.

    `carrier` is as the merchant named it, `service_name` as AliExpress does. It `is_further` where
    its lines may be in a parcel already; with `more_follow` further parcels of them are to come.
    `sent_as` is how it was sent last.
    """

    merchant_id: str
    shop_id: str
    order_id: str
    shipment_id: str
    idempotency_key: str
    request_fingerprint: bytes
    carrier: str
    service_name: str
    tracking_number: str
    tracking_website: str | None
    note: str | None
    line_ids: list[str]
    state: Literal["pending", "sent", "confirmed", "refused"]
    absent_readings: int
    attempts: int
    requested_at: datetime
    settled_at: datetime | None
    problem_code: str | None
    problem_message: str | None
    explanation: str | None
    remedy: str | None
    traceparent: str | None
    is_further: bool
    more_follow: bool
    sent_as: SendType | None


_SELECT_SHIPMENTS = """
    SELECT merchant_id, shop_id, order_id, shipment_id, idempotency_key, request_fingerprint,
        carrier, service_name, tracking_number, tracking_website, note, line_ids, state,
        absent_readings, attempts, requested_at, settled_at, problem_code, problem_message,
        explanation, remedy, traceparent, is_further, more_follow, sent_as
    FROM shipment
    """
_WHERE_KEY = " WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4"
_FIND_BY_IDEMPOTENCY_KEY = _SELECT_SHIPMENTS + " WHERE merchant_id = $1 AND idempotency_key = $2"
_FIND_SHIPMENT = _SELECT_SHIPMENTS + _WHERE_KEY
_LOCK_SHIPMENT = _FIND_SHIPMENT + " FOR UPDATE"
_ADD_SHIPMENT = """
    INSERT INTO shipment
        (merchant_id, shop_id, order_id, shipment_id, idempotency_key, request_fingerprint,
         carrier, service_name, tracking_number, tracking_website, note, line_ids,
         requested_at, next_try_at, traceparent, is_further, more_follow)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15, $16)
    RETURNING merchant_id, shop_id, order_id, shipment_id, idempotency_key, request_fingerprint,
        carrier, service_name, tracking_number, tracking_website, note, line_ids, state,
        absent_readings, attempts, requested_at, settled_at, problem_code, problem_message,
        explanation, remedy, traceparent, is_further, more_follow, sent_as
    """
_LIST_SHIPMENTS = (
    _SELECT_SHIPMENTS
    + """
    WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3
    ORDER BY requested_at, shipment_id
    """
)
_LIST_OF_SHOP = (
    _SELECT_SHIPMENTS
    + """
    WHERE merchant_id = $1 AND shop_id = $2 AND ($3::text IS NULL OR state = $3)
        AND (order_id, shipment_id) > ($4, $5)
    ORDER BY order_id, shipment_id LIMIT $6
    """
)


def lease_of(merchant_id: str, shop_id: str, order_id: str) -> str:
    """The lease under which AliExpress is called about parcels of an order."""
    return f"shipment:{merchant_id}/{shop_id}/{order_id}"


def key_of(shipment: Shipment) -> tuple[str, str, str, str]:
    """(merchant, shop, order, shipment)."""
    return shipment.merchant_id, shipment.shop_id, shipment.order_id, shipment.shipment_id


async def find_by_key(
    connection: Connection, merchant_id: str, idempotency_key: str
) -> Shipment | None:
    row = await connection.fetchrow(_FIND_BY_IDEMPOTENCY_KEY, merchant_id, idempotency_key)
    return None if row is None else Shipment(**row)


async def add_shipment(connection: Connection, shipment: Shipment) -> Shipment:
    """Write a new, pending shipment; it as it was written.

    Raises asyncpg's `UniqueViolationError` of `KEY_CONSTRAINT`.
    """
    row = await connection.fetchrow(
        _ADD_SHIPMENT,
        *key_of(shipment),
        shipment.idempotency_key,
        shipment.request_fingerprint,
        shipment.carrier,
        shipment.service_name,
        shipment.tracking_number,
        shipment.tracking_website,
        shipment.note,
        shipment.line_ids,
        shipment.requested_at,
        shipment.traceparent,
        shipment.is_further,
        shipment.more_follow,
    )
    assert row is not None  # noqa: S101 - a row that is inserted is returned
    made_work(connection, SENDING)
    return Shipment(**row)


async def load_shipment(
    connection: Connection, merchant_id: str, shop_id: str, order_id: str, shipment_id: str
) -> Shipment:
    """The shipment. Raises `NotFound`."""
    row = await connection.fetchrow(_FIND_SHIPMENT, merchant_id, shop_id, order_id, shipment_id)
    if row is None:
        raise NotFound("shipment")
    return Shipment(**row)


async def list_shipments(
    connection: Connection, merchant_id: str, shop_id: str, order_id: str
) -> list[Shipment]:
    """The order's shipments, in the order they were asked for."""
    rows = await connection.fetch(_LIST_SHIPMENTS, merchant_id, shop_id, order_id)
    return [Shipment(**row) for row in rows]


async def list_of_shop(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    *,
    state: str | None,
    after: tuple[str, str],
    limit: int,
) -> list[Shipment]:
    """The shop's shipments, all or of one state, behind (order, shipment) in that order."""
    rows = await connection.fetch(_LIST_OF_SHOP, merchant_id, shop_id, state, *after, limit)
    return [Shipment(**row) for row in rows]


async def list_open(
    connection: Connection, job: str, now: datetime, *, limit: int
) -> list[Shipment]:
    """Each order's first open shipment, of shops that may be called and are not paused; the nearest
    deadline first. Without those that this job is to pass over: their orders wait.

    Within an order one whose outcome is open goes first, then further parcels: AliExpress takes
    none after the last.
    """
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id, order_id, shipment_id, idempotency_key, request_fingerprint,
            carrier, service_name, tracking_number, tracking_website, note, line_ids, state,
            absent_readings, attempts, requested_at, settled_at, problem_code, problem_message,
            explanation, remedy, traceparent, is_further, more_follow, sent_as
        FROM (
            SELECT DISTINCT ON (s.merchant_id, s.shop_id, s.order_id) s.*, o.due_at
            FROM shipment s
            JOIN marketplace_order o USING (merchant_id, shop_id, order_id)
            JOIN shop USING (merchant_id, shop_id)
            LEFT JOIN shipping_pause pause USING (merchant_id, shop_id)
            WHERE s.state IN ('pending', 'sent') AND shop.is_usable
                AND (pause.until IS NULL OR pause.until <= $1)
            ORDER BY s.merchant_id, s.shop_id, s.order_id, s.state = 'sent' DESC,
                s.is_further DESC, s.requested_at, s.shipment_id
        ) AS first
        WHERE next_try_at <= $1
            AND NOT is_held($3, merchant_id, concat_ws('/', shop_id, order_id, shipment_id), $1)
        ORDER BY due_at NULLS LAST, requested_at LIMIT $2
        """,
        now,
        limit,
        job,
    )
    return [Shipment(**row) for row in rows]


async def lock_shipment(connection: Connection, shipment: Shipment) -> Shipment:
    """The shipment as it is now, its row locked for this transaction. Raises `NotFound`."""
    row = await connection.fetchrow(_LOCK_SHIPMENT, *key_of(shipment))
    if row is None:
        raise NotFound("shipment")
    return Shipment(**row)


async def mark_sent(connection: Connection, shipment: Shipment, sent_as: SendType) -> None:
    """The intent: the call that sends this parcel begins now."""
    await connection.execute(
        """
        UPDATE shipment SET state = 'sent', sent_as = $5, attempts = attempts + 1,
            absent_readings = 0, problem_code = NULL, problem_message = NULL, explanation = NULL,
            remedy = NULL
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
        """,
        *key_of(shipment),
        sent_as,
    )


async def save_tracking(connection: Connection, shipment: Shipment) -> None:
    """Write the shipment's carrier, number, website and note in place of those it had."""
    await connection.execute(
        """
        UPDATE shipment SET carrier = $5, service_name = $6, tracking_number = $7,
            tracking_website = $8, note = $9
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
        """,
        *key_of(shipment),
        shipment.carrier,
        shipment.service_name,
        shipment.tracking_number,
        shipment.tracking_website,
        shipment.note,
    )


async def mark_uncertain(
    connection: Connection, shipment: Shipment, code: str, message: str
) -> None:
    """AliExpress's answer leaves open whether it has the parcel: the order is to be read."""
    await connection.execute(
        """
        UPDATE shipment SET problem_code = $5, problem_message = $6
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
        """,
        *key_of(shipment),
        code,
        message,
    )


async def mark_absent(
    connection: Connection, shipment: Shipment, readings: int, *, after: timedelta
) -> None:
    """The order was read and did not show the parcel, for so many readings in a row."""
    await connection.execute(
        """
        UPDATE shipment SET absent_readings = $5, next_try_at = $6, explanation = NULL,
            remedy = NULL
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
        """,
        *key_of(shipment),
        readings,
        clock.now() + after,
    )
    made_work(connection, SENDING, due_after=after)


async def mark_pending(
    connection: Connection,
    shipment: Shipment,
    *,
    after: timedelta,
    problem: tuple[str | None, str | None],
    refunds: int = 0,
) -> None:
    """The parcel is not there: send it again after this time.

    `problem` is AliExpress's code and message; `refunds` attempts were none.
    """
    code, message = problem
    await connection.execute(
        """
        UPDATE shipment SET state = 'pending', absent_readings = 0, next_try_at = $5,
            problem_code = $6, problem_message = $7, attempts = attempts - $8,
            explanation = NULL, remedy = NULL
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
        """,
        *key_of(shipment),
        clock.now() + after,
        code,
        message,
        refunds,
    )
    made_work(connection, SENDING, due_after=after)


async def postpone(
    connection: Connection,
    shipment: Shipment,
    *,
    after: timedelta,
    attempts: int,
    explained: tuple[str | None, str | None] = (None, None),
) -> None:
    """Look at the shipment again after this time; its state stays, and what was answered to it.

    `attempts` is how many were made by now; `explained` is why it waits, and the remedy, where
    that is known.
    """
    explanation, remedy = explained
    await connection.execute(
        """
        UPDATE shipment SET next_try_at = $5, attempts = $6, explanation = $7, remedy = $8
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
        """,
        *key_of(shipment),
        clock.now() + after,
        attempts,
        explanation,
        remedy,
    )
    made_work(connection, SENDING, due_after=after)


async def mark_confirmed(connection: Connection, shipment: Shipment) -> None:
    """AliExpress has the parcel."""
    await connection.execute(
        """
        UPDATE shipment SET state = 'confirmed', settled_at = $5, problem_code = NULL,
            problem_message = NULL, explanation = NULL, remedy = NULL
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
        """,
        *key_of(shipment),
        clock.now(),
    )


async def mark_refused(connection: Connection, shipment: Shipment, rejection: Rejection) -> None:
    """The parcel is not shipped, for this reason; its lines are free again."""
    await connection.execute(
        """
        UPDATE shipment SET state = 'refused', settled_at = $5, problem_code = $6,
            problem_message = $7, explanation = $8, remedy = $9
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
        """,
        *key_of(shipment),
        clock.now(),
        rejection.code,
        rejection.message,
        rejection.explanation,
        rejection.remedy,
    )


async def erase_notes(
    connection: Connection, merchant_id: str, shop_id: str, order_ids: Sequence[str]
) -> None:
    """Delete what callers wrote freely of these orders' shipments: notes and idempotency keys."""
    await connection.execute(
        """
        UPDATE shipment SET note = NULL, idempotency_key = 'erased/' || shipment_id
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = ANY($3)
        """,
        merchant_id,
        shop_id,
        order_ids,
    )


async def hasten_open(connection: Connection, merchant_id: str, shop_id: str) -> None:
    """Take the shop's open shipments up again at once: what they waited for is over."""
    await connection.execute(
        """
        UPDATE shipment SET next_try_at = $3
        WHERE merchant_id = $1 AND shop_id = $2 AND state IN ('pending', 'sent')
            AND next_try_at > $3
        """,
        merchant_id,
        shop_id,
        clock.now(),
    )
    made_work(connection, SENDING)


async def pause_shop(connection: Connection, merchant_id: str, shop_id: str, now: datetime) -> None:
    """Another call for the shop was not answered: none of its shipments is tried for a while."""
    failures: int = await connection.fetchval(
        """
        INSERT INTO shipping_pause AS pause (merchant_id, shop_id, failures, until)
        VALUES ($1, $2, 1, $3)
        ON CONFLICT (merchant_id, shop_id) DO UPDATE SET failures = pause.failures + 1
        RETURNING failures
        """,
        merchant_id,
        shop_id,
        now,
    )
    await connection.execute(
        "UPDATE shipping_pause SET until = $3 WHERE merchant_id = $1 AND shop_id = $2",
        merchant_id,
        shop_id,
        now + pause_of(failures),
    )


async def resume_shop(connection: Connection, merchant_id: str, shop_id: str) -> bool:
    """AliExpress answers again for the shop. Whether it had been an outage."""
    failures: int | None = await connection.fetchval(
        """
        DELETE FROM shipping_pause WHERE merchant_id = $1 AND shop_id = $2 RETURNING failures
        """,
        merchant_id,
        shop_id,
    )
    return failures is not None and failures >= AN_OUTAGE
