"""Add events inside a transaction; the relay publishes them after the commit.

Lock the aggregate's rows (update them, in key order) before adding its events: that makes ids rise
per key in commit order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from common import clock
from common.contracts.envelope import EncodedEvent, encode, headers_to_json
from common.contracts.event import Event
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work
from common.telemetry.tracing import current_traceparent

PUBLISHING = WorkKind()
"""Events wait for the relay."""


@dataclass(frozen=True)
class Caused:
    """An event and the trace that caused it, where that is not the current span's: of a turn that
    works for many causes, each has its own, or None. Put into the turn's trace instead, thousands
    of events would each have a span there: normalizing took a third more processor time."""

    event: Event
    traceparent: str | None


async def add_events(
    connection: Connection, events: Iterable[Event | Caused], *, source: str
) -> None:
    """Write the events into the outbox, in this order, in the caller's transaction.

    `source` is the service (`/catalog-service`). Raises `RecordTooLarge`: then nothing is written.
    """
    here = current_traceparent()
    encoded = []
    for item in events:
        event, cause = (item.event, item.traceparent) if isinstance(item, Caused) else (item, here)
        encoded.append(encode(event, source=source, traceparent=cause))
    await add_encoded(connection, encoded)


async def add_encoded(connection: Connection, encoded: Sequence[EncodedEvent]) -> None:
    """Write records that are already encoded."""
    if not encoded:
        return
    await connection.execute(
        """
        INSERT INTO outbox (topic, key, value, headers, added_at)
        SELECT topic, key, value, headers, $5
        FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::text[])
            WITH ORDINALITY AS e (topic, key, value, headers, place)
        ORDER BY place
        """,
        [event.topic for event in encoded],
        [event.key for event in encoded],
        [event.value for event in encoded],
        [headers_to_json(event.headers).decode() for event in encoded],
        clock.now(),
    )
    made_work(connection, PUBLISHING)


async def list_lowest(
    connection: Connection, *, limit: int, without: Sequence[int] = ()
) -> list[asyncpg.Record]:
    """The records with the lowest ids: `id`, `topic`, `key`, `value`, `headers`."""
    return await connection.fetch(
        """
        SELECT id, topic, key, value, headers FROM outbox
        WHERE id <> ALL($2::bigint[]) ORDER BY id LIMIT $1
        """,
        limit,
        list(without),
    )


async def forget_published(connection: Connection, ids: Sequence[int]) -> None:
    """Delete records that Kafka has acknowledged."""
    await connection.execute("DELETE FROM outbox WHERE id = ANY($1)", ids)


@dataclass(frozen=True)
class Pending:
    """A record that Kafka has not acknowledged."""

    id: int
    topic: str
    value: bytes


async def list_pending(connection: Connection, keys: Sequence[bytes]) -> list[Pending]:
    """The pending records of these keys, by rising id."""
    rows = await connection.fetch(
        "SELECT id, topic, value FROM outbox WHERE key = ANY($1) ORDER BY id", keys
    )
    return [Pending(row["id"], row["topic"], row["value"]) for row in rows]


async def rewrite_pending(connection: Connection, values: Mapping[int, bytes]) -> None:
    """Give pending records (by id) other values; those published meanwhile are left out."""
    await connection.execute(
        """
        UPDATE outbox SET value = changed.value
        FROM unnest($1::bigint[], $2::bytea[]) AS changed (id, value)
        WHERE outbox.id = changed.id
        """,
        list(values),
        list(values.values()),
    )
