"""Dead letters and parked records: kept in the batch's transaction, shown on Kafka, replayed.

Replay runs the group's own handler on the stored bytes; nothing is ever written to the source
topic again. A replayed record keeps its coordinates, so its version is what it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import sqlalchemy as sa

from common import clock
from common.contracts.envelope import EncodedEvent, headers_from_json, headers_to_json
from common.contracts.topics import BY_NAME
from common.messaging.outbox import add_encoded
from common.messaging.records import FULL_AT_BYTES, NotApplied, Parked, Record, Rejected
from common.postgres import core
from common.postgres.pool import Connection
from common.postgres.tables import dead_letter, parked_event

PARKED_AT_MOST = 10_000
"""Records kept waiting for one thing; more become dead letters."""
PARKED_FOR_AT_MOST = timedelta(days=7)
_READ_AT_ONCE = 20
"""Parked records read before the size of those claimed is looked at again."""


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
    updated_at: datetime


@dataclass(frozen=True)
class Selection:
    """Which dead letters are meant: those that fit every filter that is not None."""

    merchant_id: str | None = None
    state: str | None = "open"
    reason: str | None = None
    group: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class AuditEntry:
    """What somebody did to a dead letter (`replay`, `replay-edited`, `discard`), and what came of
    it; of a discard, why."""

    action: str
    actor: str
    outcome: str
    at: datetime


@dataclass(frozen=True)
class ParkedWait:
    """How many records of a merchant wait in a group for one thing, and since when the oldest."""

    consumer_group: str
    waits_for: str
    merchant_id: str
    parked: int
    oldest_at: datetime


_KEY_SHOWN = 300
_letter = dead_letter.c
_LISTED: tuple[sa.ColumnElement[Any], ...] = (
    _letter.id,
    _letter.consumer_group,
    _letter.topic,
    _letter.partition,
    _letter.record_offset,
    _letter.record_timestamp_ms,
    sa.func.substring(_letter.key, 1, _KEY_SHOWN).label("key"),
    sa.cast(sa.null(), sa.LargeBinary).label("value"),
    sa.literal_column("'[]'").label("headers"),
    _letter.source,
    _letter.merchant_id,
    _letter.reason,
    _letter.detail,
    _letter.remedy,
    _letter.state,
    _letter.attempts,
    _letter.created_at,
    _letter.updated_at,
)


async def keep_not_applied(
    connection: Connection, group: str, not_applied: Sequence[NotApplied]
) -> None:
    """Keep what the batch could not take, in its transaction."""
    parked = [failure for failure in not_applied if isinstance(failure, Parked)]
    rejected = [failure for failure in not_applied if isinstance(failure, Rejected)]
    if parked:
        rejected += await park(connection, group, parked)
    if rejected:
        await _keep_dead_letters(connection, group, rejected)


async def park(connection: Connection, group: str, parked: Sequence[Parked]) -> list[Rejected]:
    """Park what there is room for; the rest comes back, to become or to stay dead letters."""
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
        """
        INSERT INTO parked_event
            (consumer_group, topic, partition, record_offset, record_timestamp_ms, key, value,
             headers, source, merchant_id, waits_for, parked_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING
        """,
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
        """
        INSERT INTO dead_letter
            (consumer_group, topic, partition, record_offset, record_timestamp_ms, key, value,
             headers, source, merchant_id, reason, detail, remedy, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
        ON CONFLICT (consumer_group, topic, partition, record_offset) DO UPDATE
            SET reason = $11, detail = $12, remedy = $13, updated_at = $14, state = 'open',
                attempts = dead_letter.attempts + 1
        """,
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
    reasons = [
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
        [*record.headers, *reasons],
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
        row["updated_at"],
    )


async def list_dead_letters(
    connection: Connection, selection: Selection, *, after_id: int = 0, limit: int = 50
) -> list[DeadLetter]:
    """Dead letters by rising id, without their values and headers, their keys cut at 300 bytes.

    A page of whole ones could be as large as its number of largest records.
    """
    page = (
        sa.select(*_LISTED)
        .where(*_conditions(selection), _letter.id > after_id)
        .order_by(_letter.id)
        .limit(limit)
    )
    return [_dead_letter(row) for row in await core.fetch(connection, page)]


async def count_dead_letters(
    connection: Connection, selection: Selection, *, after_id: int = 0, up_to_id: int | None = None
) -> tuple[int, int]:
    """How many there are with an id above `after_id` and up to `up_to_id`, and their highest id."""
    counted = sa.select(
        sa.func.count().label("number"),
        sa.func.coalesce(sa.func.max(_letter.id), 0).label("highest"),
    ).where(*_conditions(selection), _letter.id > after_id)
    if up_to_id is not None:
        counted = counted.where(_letter.id <= up_to_id)
    row = await core.fetch_one(connection, counted)
    return (0, 0) if row is None else (row["number"], row["highest"])


def _conditions(selection: Selection) -> list[sa.ColumnElement[bool]]:
    filters = (
        (_letter.merchant_id, selection.merchant_id),
        (_letter.state, selection.state),
        (_letter.reason, selection.reason),
        (_letter.consumer_group, selection.group),
        (_letter.source, selection.source),
    )
    return [column == value for column, value in filters if value is not None]


async def find_dead_letter(
    connection: Connection, dead_letter_id: int, *, merchant_id: str | None
) -> DeadLetter | None:
    """One dead letter, whole, to look at; None when this merchant has none of that id."""
    row = await core.fetch_one(connection, _select_one(dead_letter_id, merchant_id))
    return None if row is None else _dead_letter(row)


async def list_audit(connection: Connection, dead_letter_id: int) -> list[AuditEntry]:
    """What was done to a dead letter, in order."""
    rows = await connection.fetch(
        """
        SELECT action, actor, outcome, at FROM dead_letter_audit
        WHERE dead_letter_id = $1 ORDER BY id
        """,
        dead_letter_id,
    )
    return [AuditEntry(**dict(row)) for row in rows]


async def claim_dead_letter(
    connection: Connection, dead_letter_id: int, *, merchant_id: str | None
) -> DeadLetter | None:
    """Lock one dead letter for this transaction; None when this merchant has none of that id."""
    wanted = _select_one(dead_letter_id, merchant_id).with_for_update()
    row = await core.fetch_one(connection, wanted)
    return None if row is None else _dead_letter(row)


def _select_one(dead_letter_id: int, merchant_id: str | None) -> sa.Select[Any]:
    one = sa.select(dead_letter).where(_letter.id == dead_letter_id)
    return one if merchant_id is None else one.where(_letter.merchant_id == merchant_id)


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
    await connection.execute(
        "UPDATE dead_letter SET state = $2, updated_at = $3 WHERE id = $1",
        dead_letter_id,
        state,
        clock.now(),
    )
    await _audit(connection, dead_letter_id, action, actor, outcome)


async def keep_open(
    connection: Connection, dead_letter_id: int, again: Rejected, *, action: str, actor: str
) -> None:
    """A replay was rejected: the dead letter keeps its bytes and takes the reason of today."""
    await connection.execute(
        """
        UPDATE dead_letter
        SET reason = $2, detail = $3, remedy = $4, attempts = attempts + 1, updated_at = $5
        WHERE id = $1
        """,
        dead_letter_id,
        again.reason,
        _storable(again.detail),
        again.remedy,
        clock.now(),
    )
    await _audit(connection, dead_letter_id, action, actor, f"rejected: {again.reason}")


async def _audit(
    connection: Connection, dead_letter_id: int, action: str, actor: str, outcome: str
) -> None:
    await connection.execute(
        """
        INSERT INTO dead_letter_audit (dead_letter_id, action, actor, outcome, at)
        VALUES ($1, $2, $3, $4, $5)
        """,
        dead_letter_id,
        action,
        actor,
        outcome,
        clock.now(),
    )


async def list_waits(connection: Connection, group: str) -> list[str]:
    """What this group's parked records wait for."""
    rows = await connection.fetch(
        "SELECT DISTINCT waits_for FROM parked_event WHERE consumer_group = $1", group
    )
    return [row["waits_for"] for row in rows]


async def list_parked(
    connection: Connection,
    *,
    merchant_id: str | None,
    after: tuple[str, str, str] | None = None,
    limit: int = 50,
) -> list[ParkedWait]:
    """What is waited for, by group, wait and merchant; of all merchants without `merchant_id`."""
    waiting = parked_event.c
    key = (waiting.consumer_group, waiting.waits_for, waiting.merchant_id)
    page = sa.select(
        *key, sa.func.count().label("parked"), sa.func.min(waiting.parked_at).label("oldest_at")
    )
    if merchant_id is not None:
        page = page.where(waiting.merchant_id == merchant_id)
    if after is not None:
        page = page.where(sa.tuple_(*key) > after)
    page = page.group_by(*key).order_by(*key).limit(limit)
    return [ParkedWait(**dict(row)) for row in await core.fetch(connection, page)]


async def claim_parked(
    connection: Connection, group: str, waits_for: Sequence[str], *, limit: int
) -> list[tuple[int, Record]]:
    """Lock parked records whose wait is over, oldest first: so many, or fewer that are large."""
    over = sa.any_(sa.literal(list(waits_for), sa.ARRAY(sa.Text)))
    return await _claim_parked(connection, group, parked_event.c.waits_for == over, limit)


async def claim_expired(
    connection: Connection, group: str, *, limit: int
) -> list[tuple[int, Record]]:
    """Lock records parked for longer than may be: so many, or fewer that are large."""
    has_expired = parked_event.c.parked_at < clock.now() - PARKED_FOR_AT_MOST
    return await _claim_parked(connection, group, has_expired, limit)


async def _claim_parked(
    connection: Connection, group: str, condition: sa.ColumnElement[bool], limit: int
) -> list[tuple[int, Record]]:
    parked = (
        sa.select(parked_event)
        .where(parked_event.c.consumer_group == group, condition)
        .order_by(parked_event.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    text, values = core.bound(parked)
    claimed, size = [], 0
    async for row in connection.cursor(text, *values, prefetch=_READ_AT_ONCE):
        claimed.append((row["id"], record_of(row)))
        size += len(row["value"] or b"")
        if size >= FULL_AT_BYTES:
            break
    return claimed


async def forget_parked(connection: Connection, ids: Sequence[int]) -> None:
    """Take these out of the park; what became of them is written in the same transaction."""
    await connection.execute("DELETE FROM parked_event WHERE id = ANY($1)", list(ids))


async def erase_kept(connection: Connection, topics: Sequence[str], keys: Sequence[bytes]) -> None:
    """Erase records of these topics and keys that are kept here, as those they are about ask for.

    A dead letter stays with its reason, without its bytes; one still open is discarded.
    """
    rows = await connection.fetch(
        """
        UPDATE dead_letter SET value = NULL, headers = '[]', detail = 'erased', state =
            CASE WHEN state = 'open' THEN 'discarded' ELSE state END, updated_at = $3
        WHERE topic = ANY($1) AND key = ANY($2) AND value IS NOT NULL RETURNING id
        """,
        topics,
        keys,
        clock.now(),
    )
    for row in rows:
        await _audit(connection, row["id"], "erase", "channel", "the buyer's data were erased")
    await connection.execute(
        "DELETE FROM parked_event WHERE topic = ANY($1) AND key = ANY($2)", topics, keys
    )
