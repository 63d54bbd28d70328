"""Corrections of parcels and their outcomes: the rows of `tracking_correction`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from common import clock
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work
from order_importer.shipping.refusals import Rejection

CORRECTING = WorkKind()
"""Corrections to send to AliExpress."""

KEY_CONSTRAINT = "tracking_correction_merchant_id_idempotency_key_key"


@dataclass(frozen=True)
class Correction:
    """Another number, and perhaps another carrier, for a parcel; `former_...` is what it had."""

    merchant_id: str
    shop_id: str
    order_id: str
    shipment_id: str
    correction_id: str
    idempotency_key: str
    request_fingerprint: bytes
    former_carrier: str
    former_service_name: str
    former_number: str
    carrier: str
    service_name: str
    tracking_number: str
    tracking_website: str | None
    note: str | None
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


_SELECT_CORRECTIONS = """
    SELECT c.merchant_id, c.shop_id, c.order_id, c.shipment_id, c.correction_id, c.idempotency_key,
        c.request_fingerprint, c.former_carrier, c.former_service_name, c.former_number, c.carrier,
        c.service_name, c.tracking_number, c.tracking_website, c.note, c.state, c.absent_readings,
        c.attempts, c.requested_at, c.settled_at, c.problem_code, c.problem_message, c.explanation,
        c.remedy, c.traceparent
    FROM tracking_correction c
    """
_OF_SHIPMENT = (
    " WHERE c.merchant_id = $1 AND c.shop_id = $2 AND c.order_id = $3 AND c.shipment_id = $4"
)
_FIND_BY_IDEMPOTENCY_KEY = (
    _SELECT_CORRECTIONS + " WHERE c.merchant_id = $1 AND c.idempotency_key = $2"
)
_LIST_CORRECTIONS = _SELECT_CORRECTIONS + _OF_SHIPMENT + " ORDER BY c.requested_at, c.correction_id"
_LOAD_CORRECTION = _SELECT_CORRECTIONS + _OF_SHIPMENT + " AND c.correction_id = $5"
_LOCK_CORRECTION = _LOAD_CORRECTION + " FOR UPDATE"
_LIST_OPEN = (
    _SELECT_CORRECTIONS
    + """
    JOIN shipment s USING (merchant_id, shop_id, order_id, shipment_id)
    JOIN shop USING (merchant_id, shop_id)
    WHERE c.state IN ('pending', 'sent') AND s.state IN ('confirmed', 'refused')
        AND shop.is_usable AND c.next_try_at <= $1
        AND NOT is_held($3, c.merchant_id,
            concat_ws('/', c.shop_id, c.order_id, c.shipment_id, c.correction_id), $1)
    ORDER BY c.requested_at, c.correction_id LIMIT $2
    """
)


def key_of(correction: Correction) -> tuple[str, str, str, str, str]:
    """(merchant, shop, order, shipment, correction)."""
    return (
        correction.merchant_id,
        correction.shop_id,
        correction.order_id,
        correction.shipment_id,
        correction.correction_id,
    )


async def erase_notes(
    connection: Connection, merchant_id: str, shop_id: str, order_ids: Sequence[str]
) -> None:
    """Delete what callers wrote freely of these orders' corrections: notes, idempotency keys."""
    await connection.execute(
        """
        UPDATE tracking_correction SET note = NULL, idempotency_key = 'erased/' || correction_id
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = ANY($3)
        """,
        merchant_id,
        shop_id,
        order_ids,
    )


async def find_by_key(
    connection: Connection, merchant_id: str, idempotency_key: str
) -> Correction | None:
    row = await connection.fetchrow(_FIND_BY_IDEMPOTENCY_KEY, merchant_id, idempotency_key)
    return None if row is None else Correction(**row)


async def list_corrections(
    connection: Connection, merchant_id: str, shop_id: str, order_id: str, shipment_id: str
) -> list[Correction]:
    """The shipment's corrections, in the order they were asked for."""
    rows = await connection.fetch(_LIST_CORRECTIONS, merchant_id, shop_id, order_id, shipment_id)
    return [Correction(**row) for row in rows]


async def list_open(
    connection: Connection, job: str, now: datetime, *, limit: int
) -> list[Correction]:
    """The open corrections, the oldest first, of shops that may be called; without those that this
    job is to pass over.

    A parcel whose own outcome is open is settled before it is corrected.
    """
    rows = await connection.fetch(_LIST_OPEN, now, limit, job)
    return [Correction(**row) for row in rows]


async def load_correction(connection: Connection, correction: Correction) -> Correction:
    """The correction as it is now."""
    row = await connection.fetchrow(_LOAD_CORRECTION, *key_of(correction))
    assert row is not None  # noqa: S101 - corrections are never deleted
    return Correction(**row)


async def lock_correction(connection: Connection, correction: Correction) -> Correction:
    """The correction as it is now, its row locked for this transaction."""
    row = await connection.fetchrow(_LOCK_CORRECTION, *key_of(correction))
    assert row is not None  # noqa: S101 - corrections are never deleted
    return Correction(**row)


async def add_correction(connection: Connection, correction: Correction) -> None:
    """Write a new, pending correction.

    Raises asyncpg's `UniqueViolationError` of `KEY_CONSTRAINT`.
    """
    await connection.execute(
        """
        INSERT INTO tracking_correction
            (merchant_id, shop_id, order_id, shipment_id, correction_id, idempotency_key,
             request_fingerprint, former_carrier, former_service_name, former_number, carrier,
             service_name, tracking_number, tracking_website, note, requested_at, next_try_at,
             traceparent)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17)
        """,
        *key_of(correction),
        correction.idempotency_key,
        correction.request_fingerprint,
        correction.former_carrier,
        correction.former_service_name,
        correction.former_number,
        correction.carrier,
        correction.service_name,
        correction.tracking_number,
        correction.tracking_website,
        correction.note,
        correction.requested_at,
        correction.traceparent,
    )
    made_work(connection, CORRECTING)


async def mark_sent(connection: Connection, correction: Correction) -> None:
    """The intent: the call that changes this parcel begins now."""
    await connection.execute(
        """
        UPDATE tracking_correction SET state = 'sent', attempts = attempts + 1,
            absent_readings = 0, problem_code = NULL, problem_message = NULL, explanation = NULL,
            remedy = NULL
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
            AND correction_id = $5
        """,
        *key_of(correction),
    )


async def mark_uncertain(
    connection: Connection, correction: Correction, code: str, message: str
) -> None:
    """AliExpress's answer leaves open whether it has the change: the order is to be read."""
    await connection.execute(
        """
        UPDATE tracking_correction SET problem_code = $6, problem_message = $7
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
            AND correction_id = $5
        """,
        *key_of(correction),
        code,
        message,
    )


async def mark_absent(
    connection: Connection, correction: Correction, readings: int, *, after: timedelta
) -> None:
    """The order was read and did not show what was looked for, for so many readings in a row."""
    await connection.execute(
        """
        UPDATE tracking_correction SET absent_readings = $6, next_try_at = $7, explanation = NULL,
            remedy = NULL
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
            AND correction_id = $5
        """,
        *key_of(correction),
        readings,
        clock.now() + after,
    )
    made_work(connection, CORRECTING, due_after=after)


async def mark_pending(
    connection: Connection,
    correction: Correction,
    *,
    after: timedelta,
    problem: tuple[str | None, str | None],
    refunds: int = 0,
) -> None:
    """AliExpress does not have the change: send it again after this time.

    `problem` is AliExpress's code and message; `refunds` attempts were none.
    """
    await connection.execute(
        """
        UPDATE tracking_correction SET state = 'pending', absent_readings = 0, next_try_at = $6,
            problem_code = $7, problem_message = $8, attempts = attempts - $9, explanation = NULL,
            remedy = NULL
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
            AND correction_id = $5
        """,
        *key_of(correction),
        clock.now() + after,
        *problem,
        refunds,
    )
    made_work(connection, CORRECTING, due_after=after)


async def postpone(
    connection: Connection,
    correction: Correction,
    *,
    after: timedelta,
    attempts: int,
    explained: tuple[str | None, str | None],
) -> None:
    """Look at the correction again after this time; its state stays, and what was answered to it.

    `attempts` is how many were made by now; `explained` is why it waits, and the remedy, where
    that is known.
    """
    await connection.execute(
        """
        UPDATE tracking_correction SET next_try_at = $6, attempts = $7, explanation = $8,
            remedy = $9
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
            AND correction_id = $5
        """,
        *key_of(correction),
        clock.now() + after,
        attempts,
        *explained,
    )
    made_work(connection, CORRECTING, due_after=after)


async def mark_confirmed(connection: Connection, correction: Correction) -> None:
    """The parcel has the new number."""
    await connection.execute(
        """
        UPDATE tracking_correction SET state = 'confirmed', settled_at = $6, problem_code = NULL,
            problem_message = NULL, explanation = NULL, remedy = NULL
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
            AND correction_id = $5
        """,
        *key_of(correction),
        clock.now(),
    )


async def mark_refused(
    connection: Connection, correction: Correction, rejection: Rejection
) -> None:
    """The parcel keeps what it had, for this reason."""
    await connection.execute(
        """
        UPDATE tracking_correction SET state = 'refused', settled_at = $6, problem_code = $7,
            problem_message = $8, explanation = $9, remedy = $10
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND shipment_id = $4
            AND correction_id = $5
        """,
        *key_of(correction),
        clock.now(),
        rejection.code,
        rejection.message,
        rejection.explanation,
        rejection.remedy,
    )
