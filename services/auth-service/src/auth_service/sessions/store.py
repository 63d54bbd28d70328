"""Passwords' hashes, and sessions by the hash of their secret."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from auth_service.people.person import Person
from auth_service.sessions.session import IDLE, LONGEST_USER_AGENT, Origin, Session
from common import clock
from common.postgres.pool import Connection


@dataclass(frozen=True)
class SessionRow:
    """A living session as listed."""

    session_id: str
    made_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    address: str
    user_agent: str


async def find_hash(connection: Connection, person_id: str) -> str | None:
    """The hash of the person's password; None before they have set one."""
    found: str | None = await connection.fetchval(
        "SELECT hash FROM person_password WHERE person_id = $1", person_id
    )
    return found


async def lock_hash(connection: Connection, person_id: str) -> str | None:
    """The same, its row locked: it is not changed beside a sign-in."""
    found: str | None = await connection.fetchval(
        "SELECT hash FROM person_password WHERE person_id = $1 FOR UPDATE", person_id
    )
    return found


async def save_hash(connection: Connection, person_id: str, hashed: str) -> None:
    await connection.execute(
        """
        INSERT INTO person_password (person_id, hash, changed_at) VALUES ($1, $2, $3)
        ON CONFLICT (person_id) DO UPDATE SET hash = $2, changed_at = $3
        """,
        person_id,
        hashed,
        clock.now(),
    )


async def insert_session(
    connection: Connection,
    person_id: str,
    *,
    secret_hash: bytes,
    ends_at: datetime,
    origin: Origin,
) -> str:
    """Store a new session; its id."""
    session_id = str(uuid4())
    await connection.execute(
        """
        INSERT INTO person_session (session_hash, session_id, person_id, made_at, last_seen_at,
            ends_at, address, user_agent)
        VALUES ($1, $2, $3, $4, $4, $5, $6, $7)
        """,
        secret_hash,
        session_id,
        person_id,
        clock.now(),
        ends_at,
        origin.address,
        origin.user_agent.replace("\x00", "")[:LONGEST_USER_AGENT],
    )
    return session_id


async def find_session(connection: Connection, secret_hash: bytes) -> Session | None:
    """The session of this secret, if it lives, and its person."""
    now = clock.now()
    row = await connection.fetchrow(
        """
        SELECT s.session_id, s.last_seen_at, s.ends_at, p.person_id, p.email, p.display_name,
            p.language, p.time_zone, p.is_operator
        FROM person_session AS s JOIN person AS p USING (person_id)
        WHERE s.session_hash = $1 AND s.ends_at > $2 AND s.last_seen_at > $3
        """,
        secret_hash,
        now,
        now - IDLE,
    )
    if row is None:
        return None
    return Session(row[0], Person(*row[3:]), row["last_seen_at"], row["ends_at"])


async def touch_session(connection: Connection, session_id: str) -> None:
    """Somebody uses it."""
    await connection.execute(
        "UPDATE person_session SET last_seen_at = greatest(last_seen_at, $2) WHERE session_id = $1",
        session_id,
        clock.now(),
    )


async def list_sessions(connection: Connection, person_id: str) -> list[SessionRow]:
    """The person's living sessions, the last used first; a person has a few."""
    now = clock.now()
    rows = await connection.fetch(
        """
        SELECT session_id, made_at, last_seen_at, ends_at, address, user_agent
        FROM person_session
        WHERE person_id = $1 AND ends_at > $2 AND last_seen_at > $3
        ORDER BY last_seen_at DESC, session_id LIMIT 200
        """,
        person_id,
        now,
        now - IDLE,
    )
    return [SessionRow(**row) for row in rows]


async def delete_session(connection: Connection, person_id: str, session_id: str) -> bool:
    """End one; whether there was one."""
    deleted = await connection.fetchval(
        "DELETE FROM person_session WHERE person_id = $1 AND session_id = $2 RETURNING 1",
        person_id,
        session_id,
    )
    return deleted is not None


async def delete_sessions(
    connection: Connection, person_id: str, *, besides: str | None = None
) -> int:
    """End all of the person's sessions, besides one; how many."""
    status: str = await connection.execute(
        "DELETE FROM person_session WHERE person_id = $1 AND session_id IS DISTINCT FROM $2",
        person_id,
        besides,
    )
    return int(status.rpartition(" ")[2])


async def delete_ended(connection: Connection, limit: int) -> int:
    """Forget sessions that have ended; how many."""
    now = clock.now()
    status: str = await connection.execute(
        """
        DELETE FROM person_session WHERE session_hash IN (
            SELECT session_hash FROM person_session WHERE ends_at <= $1 OR last_seen_at <= $2
            LIMIT $3 FOR UPDATE SKIP LOCKED
        )
        """,
        now,
        now - IDLE,
        limit,
    )
    return int(status.rpartition(" ")[2])
