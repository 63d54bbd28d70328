"""Dead letters and parked records: kept in the batch's transaction, shown on Kafka, replayed.

Replay runs the group's own handler on the stored bytes; nothing is ever written to the source
topic again. A replayed record keeps its coordinates, so its version is what it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from common import clock
from common.contracts.envelope import EncodedEvent, headers_from_json, headers_to_json
from common.contracts.topics import BY_NAME
from common.messaging.outbox import add_encoded
from common.messaging.records import Parked, Record, Rejected, Setback
from common.postgres.pool import Connection

PARKED_AT_MOST = 10_000
"""Records kept waiting for one thing; more become dead letters."""
PARKED_FOR_AT_MOST = timedelta(days=7)


@dataclass(frozen=True)
class DeadLetter:
    """A kept record with why it is here and what became of it."""

    id: int
    consumer_group: str
    record: Record
    source: str
    merchant_id: str
    reason: str
    detail: str
    remedy: str
    state: str
    attempts: int
    created_at: datetime


_RECORD_COLUMNS = """topic, partition, record_offset, record_timestamp_ms, key, value, headers"""
_COLUMNS = f"""id, consumer_group, {_RECORD_COLUMNS}, source, merchant_id, reason, detail, remedy,
    state, attempts, created_at"""


async def keep_setbacks(connection: Connection, group: str, setbacks: Sequence[Setback]) -> None:
    """Keep what the batch could not take, in its transaction."""
    parked = [setback for setback in setbacks if isinstance(setback, Parked)]
    rejected = [setback for setback in setbacks if isinstance(setback, Rejected)]
    if parked:
        rejected += await _park(connection, group, parked)
    if rejected:
        await _keep_dead_letters(connection, group, rejected)


async def _park(connection: Connection, group: str, parked: Sequence[Parked]) -> list[Rejected]:
    """Park what there is room for; the rest comes back as dead letters."""
    waiting = await connection.fetch(
        """
        SELECT waits_for, count(*) AS parked FROM parked_event
        WHERE consumer_group = $1 AND waits_for = ANY($2) GROUP BY waits_for
        """,
        group,
        list({item.waits_for for item in parked}),
    )
    room = {row["waits_for"]: PARKED_AT_MOST - row["parked"] for row in waiting}
    taken, refused = [], []
    for item in parked:
        left = room.get(item.waits_for, PARKED_AT_MOST)
        room[item.waits_for] = left - 1
        if left > 0:
            taken.append(item)
        else:
            refused.append(
                Rejected(
                    item.record,
                    "park-full",
                    f"{PARKED_AT_MOST} records already wait for {item.waits_for}",
                    "Provide what they wait for, then replay this dead letter.",
                )
            )
    await connection.executemany(
        f"""
        INSERT INTO parked_event
            (consumer_group, {_RECORD_COLUMNS}, source, merchant_id, waits_for, parked_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING
        """,  # noqa: S608 - a constant list of columns
        [
            (
                group,
                *_record_values(item.record),
                item.record.source,
                item.record.merchant_id,
                item.waits_for,
                clock.now(),
            )
            for item in taken
        ],
    )
    return refused


async def _keep_dead_letters(
    connection: Connection, group: str, rejected: Sequence[Rejected]
) -> None:
    await connection.executemany(
        f"""
        INSERT INTO dead_letter
            (consumer_group, {_RECORD_COLUMNS}, source, merchant_id, reason, detail, remedy,
             created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
        ON CONFLICT (consumer_group, topic, partition, record_offset) DO UPDATE
            SET reason = $11, detail = $12, remedy = $13, updated_at = $14, state = 'open',
                attempts = dead_letter.attempts + 1
        """,  # noqa: S608 - a constant list of columns
        [
            (
                group,
                *_record_values(item.record),
                item.record.source,
                item.record.merchant_id,
                item.reason,
                _storable(item.detail),
                item.remedy,
                clock.now(),
            )
            for item in rejected
        ],
    )
    await add_encoded(connection, [_shown(group, item) for item in rejected])


def _shown(group: str, item: Rejected) -> EncodedEvent:
    record = item.record
    told = [
        ("dead-letter-group", group.encode()),
        ("dead-letter-reason", item.reason.encode()),
        ("dead-letter-detail", _storable(item.detail)[:1_000].encode()),
        ("dead-letter-place", f"{record.topic}/{record.partition}/{record.offset}".encode()),
    ]
    value = record.value or b""
    return EncodedEvent(
        BY_NAME[record.topic].dead_letter_name,
        record.key or b"",
        value[:1_000_000],
        [*record.headers, *told],
    )


def _storable(text: str) -> str:
    return text.replace("\x00", "\\0").encode(errors="replace").decode()[:4_000]


def _record_values(record: Record) -> tuple[object, ...]:
    return (
        record.topic,
        record.partition,
        record.offset,
        record.timestamp_ms,
        record.key,
        record.value,
        headers_to_json(record.headers).decode().replace("\\u0000", ""),
    )


def record_of(row: asyncpg.Record) -> Record:
    """The record a row keeps."""
    return Record(
        row["topic"],
        row["partition"],
        row["record_offset"],
        row["record_timestamp_ms"],
        row["key"],
        row["value"],
        headers_from_json(row["headers"]),
    )


def _dead_letter(row: asyncpg.Record) -> DeadLetter:
    return DeadLetter(
        row["id"],
        row["consumer_group"],
        record_of(row),
        row["source"],
        row["merchant_id"],
        row["reason"],
        row["detail"],
        row["remedy"],
        row["state"],
        row["attempts"],
        row["created_at"],
    )


async def list_dead_letters(
    connection: Connection,
    *,
    merchant_id: str | None,
    state: str | None = "open",
    reason: str | None = None,
    after_id: int = 0,
    limit: int = 50,
) -> list[DeadLetter]:
    """Dead letters by rising id; of all merchants when `merchant_id` is None (operators)."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM dead_letter
        WHERE ($1::text IS NULL OR merchant_id = $1) AND ($2::text IS NULL OR state = $2)
            AND ($3::text IS NULL OR reason = $3) AND id > $4
        ORDER BY id LIMIT $5
        """,  # noqa: S608 - a constant list of columns
        merchant_id,
        state,
        reason,
        after_id,
        limit,
    )
    return [_dead_letter(row) for row in rows]


async def claim_dead_letter(
    connection: Connection, dead_letter_id: int, *, merchant_id: str | None
) -> DeadLetter | None:
    """Lock one dead letter for this transaction; None when this merchant has none of that id."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM dead_letter
        WHERE id = $1 AND ($2::text IS NULL OR merchant_id = $2) FOR UPDATE
        """,  # noqa: S608 - a constant list of columns
        dead_letter_id,
        merchant_id,
    )
    return None if row is None else _dead_letter(row)


async def settle_dead_letter(
    connection: Connection,
    dead_letter_id: int,
    *,
    state: str,
    action: str,
    actor: str,
    outcome: str,
) -> None:
    """Write what became of a dead letter, and who did it."""
    now = clock.now()
    await connection.execute(
        "UPDATE dead_letter SET state = $2, updated_at = $3 WHERE id = $1",
        dead_letter_id,
        state,
        now,
    )
    await connection.execute(
        """
        INSERT INTO dead_letter_audit (dead_letter_id, action, actor, outcome, at)
        VALUES ($1, $2, $3, $4, $5)
        """,
        dead_letter_id,
        action,
        actor,
        outcome,
        now,
    )


async def list_waits(connection: Connection, group: str) -> list[str]:
    """What this group's parked records wait for."""
    rows = await connection.fetch(
        "SELECT DISTINCT waits_for FROM parked_event WHERE consumer_group = $1", group
    )
    return [row["waits_for"] for row in rows]


async def claim_parked(
    connection: Connection, group: str, waits_for: Sequence[str], *, limit: int
) -> list[tuple[int, Record]]:
    """Lock parked records whose wait is over, oldest first."""
    rows = await connection.fetch(
        f"""
        SELECT id, {_RECORD_COLUMNS} FROM parked_event
        WHERE consumer_group = $1 AND waits_for = ANY($2)
        ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
        """,  # noqa: S608 - a constant list of columns
        group,
        list(waits_for),
        limit,
    )
    return [(row["id"], record_of(row)) for row in rows]


async def claim_expired(
    connection: Connection, group: str, *, limit: int
) -> list[tuple[int, Record]]:
    """Lock records parked for longer than may be."""
    rows = await connection.fetch(
        f"""
        SELECT id, {_RECORD_COLUMNS} FROM parked_event
        WHERE consumer_group = $1 AND parked_at < $2
        ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
        """,  # noqa: S608 - a constant list of columns
        group,
        clock.now() - PARKED_FOR_AT_MOST,
        limit,
    )
    return [(row["id"], record_of(row)) for row in rows]


async def forget_parked(connection: Connection, ids: Sequence[int]) -> None:
    """Take these out of the park; what became of them is written in the same transaction."""
    await connection.execute("DELETE FROM parked_event WHERE id = ANY($1)", list(ids))
