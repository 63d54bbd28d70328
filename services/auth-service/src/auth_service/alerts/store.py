"""What people chose to be told, what is to be mailed to them, and what they have read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from auth_service.alerts.subscriptions import Channel
from auth_service.troubles.store import TELLING
from auth_service.troubles.trouble import Event
from common import clock
from common.postgres.pool import Connection
from common.postgres.set_aside import RowKey
from common.postgres.unit_of_work import made_work

_TURN = 0x7_6100_0000_0001
"""The number of the lock of who tells."""


@dataclass(frozen=True)
class Notification:
    """Something a person is to be mailed."""

    notification_id: int
    merchant_id: str
    person_id: str
    trouble_id: str
    event: Event
    at: datetime
    details: dict[str, str]


async def try_turn(connection: Connection) -> bool:
    """Whether this transaction alone tells; the next waits for its end."""
    return bool(await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _TURN))


# -- subscriptions ----------------------------------------------------------------------------


async def load_choices(
    connection: Connection, merchant_id: str
) -> dict[str, dict[tuple[str, Channel], bool]]:
    """What each person chose for this merchant."""
    rows = await connection.fetch(
        "SELECT person_id, kind, channel, is_on FROM alert_subscription WHERE merchant_id = $1",
        merchant_id,
    )
    chosen: dict[str, dict[tuple[str, Channel], bool]] = {}
    for row in rows:
        chosen.setdefault(row["person_id"], {})[row["kind"], row["channel"]] = row["is_on"]
    return chosen


async def save_choices(
    connection: Connection,
    merchant_id: str,
    person_id: str,
    chosen: Mapping[tuple[str, Channel], bool],
) -> None:
    """These are the person's choices, in place of all before."""
    await connection.execute(
        "DELETE FROM alert_subscription WHERE merchant_id = $1 AND person_id = $2",
        merchant_id,
        person_id,
    )
    await connection.execute(
        """
        INSERT INTO alert_subscription (merchant_id, person_id, kind, channel, is_on)
        SELECT $1, $2, c.* FROM unnest($3::text[], $4::text[], $5::boolean[]) AS c
        """,
        merchant_id,
        person_id,
        [kind for kind, _ in chosen],
        [channel for _, channel in chosen],
        list(chosen.values()),
    )


# -- read marks -------------------------------------------------------------------------------


async def load_read(
    connection: Connection, person_id: str, trouble_ids: Sequence[str]
) -> dict[str, int]:
    """The highest revision of each of these troubles that the person has read."""
    rows = await connection.fetch(
        """
        SELECT trouble_id, revision FROM trouble_read
        WHERE person_id = $1 AND trouble_id = ANY($2)
        """,
        person_id,
        list(trouble_ids),
    )
    return {row["trouble_id"]: row["revision"] for row in rows}


async def mark_read(
    connection: Connection,
    merchant_id: str,
    person_id: str,
    trouble_ids: Sequence[str] | None,
) -> int:
    """The person has read these troubles of the merchant, or all, as they are now; how many."""
    rows = await connection.fetch(
        """
        INSERT INTO trouble_read AS r (merchant_id, person_id, trouble_id, revision)
        SELECT merchant_id, $2, trouble_id, revision FROM trouble
        WHERE merchant_id = $1 AND ($3::text[] IS NULL OR trouble_id = ANY($3))
        ORDER BY trouble_id
        ON CONFLICT (person_id, trouble_id) DO UPDATE
            SET revision = greatest(r.revision, excluded.revision)
        RETURNING 1
        """,
        merchant_id,
        person_id,
        None if trouble_ids is None else list(trouble_ids),
    )
    return len(rows)


# -- notifications ----------------------------------------------------------------------------


async def add_notification(
    connection: Connection,
    *,
    merchant_id: str,
    person_ids: Sequence[str],
    trouble_id: str,
    event: Event,
    at: datetime,
    details: dict[str, str],
) -> None:
    """These people are to be mailed this. Of an end only those are told who were told of the
    trouble."""
    await connection.execute(
        """
        INSERT INTO notification (merchant_id, person_id, trouble_id, event, at, details)
        SELECT $1, p.person_id, $3, $4, $5, $6
        FROM unnest($2::text[]) WITH ORDINALITY AS p (person_id, place)
        WHERE $4 <> 'closed' OR EXISTS (
            SELECT FROM notification AS n
            WHERE n.trouble_id = $3 AND n.person_id = p.person_id)
        ORDER BY p.place
        """,
        merchant_id,
        list(person_ids),
        trouble_id,
        event,
        at,
        json.dumps(details),
    )
    made_work(connection, TELLING)


async def list_people_to_tell(
    connection: Connection, job: str, now: datetime, *, limit: int
) -> list[RowKey]:
    """Who waits to be mailed, by merchant and person, and is not to be passed over by this job."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, person_id FROM notification
        WHERE told_at IS NULL AND NOT is_held($1, merchant_id, person_id, $2)
        GROUP BY merchant_id, person_id ORDER BY min(notification_id) LIMIT $3
        """,
        job,
        now,
        limit,
    )
    return [RowKey(*row) for row in rows]


async def list_waiting(connection: Connection, row: RowKey) -> list[Notification]:
    """What this person is to be mailed of this merchant, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT notification_id, merchant_id, person_id, trouble_id, event, at, details
        FROM notification
        WHERE told_at IS NULL AND merchant_id = $1 AND person_id = $2 ORDER BY notification_id
        """,
        *row,
    )
    return [Notification(**{**dict(row), "details": json.loads(row["details"])}) for row in rows]


async def load_told(
    connection: Connection, merchant_id: str, person_id: str, since: datetime
) -> list[datetime]:
    """When the person was told of the merchant's troubles, since then."""
    rows = await connection.fetch(
        """
        SELECT told_at FROM notification
        WHERE told_at > $3 AND merchant_id = $1 AND person_id = $2
        """,
        merchant_id,
        person_id,
        since,
    )
    return [row["told_at"] for row in rows]


async def mark_told(connection: Connection, ids: Sequence[int]) -> None:
    """Their mails are queued."""
    await connection.execute(
        "UPDATE notification SET told_at = $2 WHERE notification_id = ANY($1)",
        list(ids),
        clock.now(),
    )
