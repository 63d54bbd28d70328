"""Troubles, and what is still to be told of them."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import asyncpg
import sqlalchemy as sa

from auth_service import tables
from auth_service.troubles.trouble import Event, Found, Outcome, Trouble
from common import clock
from common.errors import NotFound
from common.postgres import core
from common.postgres.pool import Connection
from common.postgres.set_aside import RowKey
from common.postgres.unit_of_work import WorkKind, made_work

TELLING = WorkKind()
"""Notices that nobody has been told of."""

_COLUMNS = tuple(tables.trouble.c)
Key = tuple[str, str, str]
"""merchant, kind, subject"""


@dataclass(frozen=True)
class Notice:
    """Something to tell of a trouble; `details` are those of that moment. `event_id` is that of the
    fact on Kafka where there is one."""

    notice_id: int
    merchant_id: str
    trouble_id: str
    event: Event
    event_id: str
    at: datetime
    details: dict[str, str]


@dataclass(frozen=True)
class Wanted:
    """Which troubles a list shows: None for any. `kinds` are those a reader asked for, `unread_by`
    whose unread ones."""

    is_open: bool | None = None
    kinds: Sequence[str] | None = None
    severity: str | None = None
    unread_by: str | None = None


def _trouble(row: asyncpg.Record) -> Trouble:
    values = dict(row)
    values["details"] = json.loads(values["details"])
    return Trouble(**values)


async def lock_subjects(connection: Connection, keys: Sequence[Key]) -> None:
    """Let nobody else open or close troubles of these until this transaction ends."""
    await connection.execute(
        """
        SELECT count(pg_advisory_xact_lock(number))
        FROM (SELECT number FROM unnest($1::bigint[]) AS number ORDER BY number) AS numbers
        """,
        sorted({_number_of(key) for key in keys}),
    )


def _number_of(key: Key) -> int:
    """A number for a lock; that two keys share one costs a wait."""
    return 0x7_7200_0000_0000 + zlib.crc32("\x00".join(key).encode())


async def find_newest(connection: Connection, keys: Sequence[Key]) -> dict[Key, Trouble]:
    """The newest trouble of each of these, open or closed."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (t.merchant_id, t.kind, t.subject) t.* FROM trouble AS t
        JOIN unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, kind, subject)
            USING (merchant_id, kind, subject)
        ORDER BY t.merchant_id, t.kind, t.subject, t.opened_at DESC, t.closed_at DESC NULLS FIRST
        """,
        *(list(part) for part in zip(*keys, strict=True)),
    )
    found = [_trouble(row) for row in rows]
    return {(one.merchant_id, one.kind, one.subject): one for one in found}


async def insert_trouble(
    connection: Connection,
    found: Found,
    *,
    severity: str,
    remind_at: datetime | None,
    source_revision: int,
) -> Trouble:
    """A new open trouble; that of its key is closed."""
    row = await connection.fetchrow(
        """
        INSERT INTO trouble (trouble_id, merchant_id, kind, subject, severity, since, opened_at,
            remind_at, source_revision, shop_id, feed_id, catalogue_id, run_id, order_id, details)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING *
        """,
        uuid4().hex,
        found.merchant_id,
        found.kind,
        found.subject,
        severity,
        found.since,
        clock.now(),
        remind_at,
        source_revision,
        found.shop_id,
        found.feed_id,
        found.catalogue_id,
        found.run_id,
        found.order_id,
        json.dumps(found.details),
    )
    assert row is not None  # noqa: S101 - an insert returns its row
    return _trouble(row)


async def note_found(
    connection: Connection, trouble_id: str, found: Found, *, source_revision: int, is_again: bool
) -> Trouble:
    """The open trouble as it is now; `is_again` where it had ended in between."""
    return await _changed(
        connection,
        trouble_id,
        {
            "details": json.dumps(found.details),
            "run_id": found.run_id,
            "source_revision": source_revision,
            "quiet_since": None,
            "quiet_until": None,
            "times": tables.trouble.c.times + int(is_again),
        },
    )


async def note_quiet(
    connection: Connection,
    trouble_id: str,
    *,
    since: datetime,
    until: datetime,
    source_revision: int,
) -> Trouble:
    """It is over since then, and is closed at `until` unless it comes again."""
    return await _changed(
        connection,
        trouble_id,
        {"quiet_since": since, "quiet_until": until, "source_revision": source_revision},
    )


async def note_heard(connection: Connection, trouble_id: str, source_revision: int) -> Trouble:
    """Nothing changed, by a later word."""
    return await _changed(connection, trouble_id, {"source_revision": source_revision})


async def raise_revision(
    connection: Connection, trouble_id: str, details: dict[str, str]
) -> Trouble:
    """It came nearer: who has read it has not read this."""
    return await _changed(
        connection,
        trouble_id,
        {"revision": tables.trouble.c.revision + 1, "details": json.dumps(details)},
    )


async def close(
    connection: Connection,
    trouble_id: str,
    *,
    ended_at: datetime,
    outcome: Outcome,
    source_revision: int,
) -> Trouble:
    """Close the open trouble."""
    return await _changed(
        connection,
        trouble_id,
        {
            "quiet_since": ended_at,
            "quiet_until": None,
            "closed_at": clock.now(),
            "outcome": outcome,
            "revision": tables.trouble.c.revision + 1,
            "remind_at": None,
            "source_revision": source_revision,
        },
    )


async def note_reminded(
    connection: Connection, trouble_id: str, remind_at: datetime | None
) -> Trouble:
    return await _changed(
        connection,
        trouble_id,
        {"reminders": tables.trouble.c.reminders + 1, "remind_at": remind_at},
    )


async def acknowledge(
    connection: Connection, merchant_id: str, trouble_id: str, by: str
) -> Trouble:
    """Somebody takes care of it: nobody is reminded any more. The first one stays. Raises
    `NotFound`."""
    first = tables.trouble.c
    return await _changed(
        connection,
        trouble_id,
        {
            "acknowledged_at": sa.func.coalesce(
                first.acknowledged_at, sa.literal(clock.now(), sa.DateTime(timezone=True))
            ),
            "acknowledged_by": sa.func.coalesce(first.acknowledged_by, sa.literal(by, sa.Text)),
            "remind_at": None,
        },
        merchant_id=merchant_id,
    )


async def _changed(
    connection: Connection,
    trouble_id: str,
    values: dict[str, object],
    *,
    merchant_id: str | None = None,
) -> Trouble:
    one = sa.update(tables.trouble).where(tables.trouble.c.trouble_id == trouble_id)
    if merchant_id is not None:
        one = one.where(tables.trouble.c.merchant_id == merchant_id)
    row = await core.fetch_one(connection, one.values(**values).returning(*_COLUMNS))
    if row is None:
        raise NotFound("trouble")
    return _trouble(row)


async def load_trouble(connection: Connection, merchant_id: str, trouble_id: str) -> Trouble:
    """The trouble. Raises `NotFound`."""
    row = await connection.fetchrow(
        "SELECT * FROM trouble WHERE merchant_id = $1 AND trouble_id = $2", merchant_id, trouble_id
    )
    if row is None:
        raise NotFound("trouble")
    return _trouble(row)


async def load_many(connection: Connection, ids: Sequence[str]) -> dict[str, Trouble]:
    """These troubles by id."""
    rows = await connection.fetch("SELECT * FROM trouble WHERE trouble_id = ANY($1)", list(ids))
    return {row["trouble_id"]: _trouble(row) for row in rows}


async def is_open(connection: Connection, key: Key) -> bool:
    """Whether a trouble of this key is open and not quiet."""
    found = await connection.fetchval(
        """
        SELECT 1 FROM trouble WHERE merchant_id = $1 AND kind = $2 AND subject = $3
            AND closed_at IS NULL AND quiet_until IS NULL
        """,
        *key,
    )
    return found is not None


async def list_due_to_close(
    connection: Connection, job: str, now: datetime, *, limit: int
) -> list[Trouble]:
    """Those that have been quiet for long enough, and that this job is not to pass over."""
    rows = await connection.fetch(
        """
        SELECT * FROM trouble
        WHERE closed_at IS NULL AND quiet_until <= $1
            AND NOT is_held($2, merchant_id, trouble_id, $1)
        ORDER BY quiet_until LIMIT $3
        """,
        now,
        job,
        limit,
    )
    return [_trouble(row) for row in rows]


async def list_due_to_remind(
    connection: Connection, job: str, now: datetime, *, limit: int
) -> list[RowKey]:
    """Those that last and are due to be reminded of, and that this job is not to pass over."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, trouble_id FROM trouble
        WHERE closed_at IS NULL AND remind_at <= $1 AND quiet_until IS NULL
            AND NOT is_held($2, merchant_id, trouble_id, $1)
        ORDER BY remind_at LIMIT $3
        """,
        now,
        job,
        limit,
    )
    return [RowKey(*row) for row in rows]


async def lock_due_to_remind(
    connection: Connection, ids: Sequence[str], now: datetime
) -> list[Trouble]:
    """Of these, those that are still due and that no other process takes, their rows locked."""
    rows = await connection.fetch(
        """
        SELECT * FROM trouble
        WHERE trouble_id = ANY($2) AND closed_at IS NULL AND remind_at <= $1
            AND quiet_until IS NULL
        ORDER BY trouble_id FOR UPDATE SKIP LOCKED
        """,
        now,
        list(ids),
    )
    return [_trouble(row) for row in rows]


async def forget_closed(connection: Connection, before: datetime, *, limit: int) -> int:
    """Delete troubles closed before then; how many there were."""
    rows = await connection.fetch(
        """
        DELETE FROM trouble WHERE trouble_id IN
            (SELECT trouble_id FROM trouble WHERE closed_at < $1 ORDER BY closed_at LIMIT $2)
        RETURNING 1
        """,
        before,
        limit,
    )
    return len(rows)


async def count_open(connection: Connection) -> dict[tuple[str, str], int]:
    """Open troubles of all merchants by kind and severity."""
    rows = await connection.fetch(
        """
        SELECT kind, severity, count(*) AS number FROM trouble
        WHERE closed_at IS NULL GROUP BY kind, severity
        """
    )
    return {(row["kind"], row["severity"]): row["number"] for row in rows}


# -- lists for people -------------------------------------------------------------------------


def _is_unread(person_id: str) -> sa.ColumnElement[bool]:
    read = tables.trouble_read
    return ~sa.exists().where(
        read.c.trouble_id == tables.trouble.c.trouble_id,
        read.c.person_id == person_id,
        read.c.revision >= tables.trouble.c.revision,
    )


async def list_troubles(
    connection: Connection,
    merchant_id: str,
    wanted: Wanted,
    *,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Trouble]:
    """A page of the merchant's troubles, the newest first."""
    trouble = tables.trouble
    page = sa.select(*_COLUMNS).where(trouble.c.merchant_id == merchant_id)
    if wanted.is_open is not None:
        ends = trouble.c.closed_at
        page = page.where(ends.is_(None) if wanted.is_open else ends.is_not(None))
    if wanted.kinds is not None:
        page = page.where(
            trouble.c.kind == sa.any_(sa.literal(list(wanted.kinds), sa.ARRAY(sa.Text)))
        )
    if wanted.severity is not None:
        page = page.where(trouble.c.severity == wanted.severity)
    if wanted.unread_by is not None:
        page = page.where(_is_unread(wanted.unread_by))
    place = (trouble.c.opened_at, trouble.c.trouble_id)
    if after is not None:
        page = page.where(sa.tuple_(*place) < after)
    rows = await core.fetch(
        connection, page.order_by(*(column.desc() for column in place)).limit(limit)
    )
    return [_trouble(row) for row in rows]


async def count_unread(
    connection: Connection, merchant_id: str, person_id: str, kinds: Sequence[str], since: datetime
) -> int:
    """How many of these kinds the person has not read, of those open or closed since then."""
    trouble = tables.trouble
    counted = await core.fetch_value(
        connection,
        sa.select(sa.func.count())
        .select_from(trouble)
        .where(
            trouble.c.merchant_id == merchant_id,
            trouble.c.kind == sa.any_(sa.literal(list(kinds), sa.ARRAY(sa.Text))),
            sa.or_(trouble.c.closed_at.is_(None), trouble.c.closed_at >= since),
            _is_unread(person_id),
        ),
    )
    return int(str(counted))


# -- what is still to be told -----------------------------------------------------------------


async def add_notice(
    connection: Connection, trouble: Trouble, event: Event, event_id: str | None = None
) -> None:
    """Say in this transaction that this is to be told of the trouble."""
    await connection.execute(
        """
        INSERT INTO trouble_notice (merchant_id, trouble_id, event, event_id, at, details)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        trouble.merchant_id,
        trouble.trouble_id,
        event,
        event_id or uuid4().hex,
        clock.now(),
        json.dumps(trouble.details),
    )
    made_work(connection, TELLING)


async def list_merchants_to_tell(
    connection: Connection, job: str, now: datetime, *, limit: int
) -> list[RowKey]:
    """The merchants that have notices, and that this job is not to pass over."""
    rows = await connection.fetch(
        """
        SELECT merchant_id FROM trouble_notice
        WHERE NOT is_held($1, merchant_id, 'notices', $2)
        GROUP BY merchant_id ORDER BY min(notice_id) LIMIT $3
        """,
        job,
        now,
        limit,
    )
    return [RowKey(row["merchant_id"], "notices") for row in rows]


async def take_notices(
    connection: Connection, merchant_ids: Sequence[str], *, limit: int
) -> list[Notice]:
    """The oldest notices of these merchants, which this transaction tells of and forgets."""
    rows = await connection.fetch(
        """
        DELETE FROM trouble_notice WHERE notice_id IN
            (SELECT notice_id FROM trouble_notice WHERE merchant_id = ANY($1)
            ORDER BY notice_id LIMIT $2)
        RETURNING notice_id, merchant_id, trouble_id, event, event_id, at, details
        """,
        list(merchant_ids),
        limit,
    )
    notices = [Notice(**{**dict(row), "details": json.loads(row["details"])}) for row in rows]
    return sorted(notices, key=lambda notice: notice.notice_id)
