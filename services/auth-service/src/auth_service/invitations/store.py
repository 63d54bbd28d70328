"""Links, by the hash of their secret; each is good once."""

from dataclasses import dataclass
from datetime import datetime

from auth_service.invitations.link import Kind
from common import clock
from common.postgres.pool import Connection


@dataclass(frozen=True)
class Link:
    """What a link opens: for whom, and of an invitation whose (None: the installation's)."""

    person_id: str
    kind: Kind
    merchant_id: str | None
    expires_at: datetime


async def insert_link(
    connection: Connection,
    link_hash: bytes,
    person_id: str,
    kind: Kind,
    *,
    merchant_id: str | None,
    expires_at: datetime,
) -> None:
    await connection.execute(
        """
        INSERT INTO single_use_link (link_hash, person_id, kind, merchant_id, made_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        link_hash,
        person_id,
        kind,
        merchant_id,
        clock.now(),
        expires_at,
    )


async def find_link(connection: Connection, link_hash: bytes, kind: Kind) -> Link | None:
    """The link if it is of this kind and still opens."""
    row = await connection.fetchrow(
        """
        SELECT person_id, kind, merchant_id, expires_at FROM single_use_link
        WHERE link_hash = $1 AND kind = $2 AND used_at IS NULL AND expires_at > $3
        """,
        link_hash,
        kind,
        clock.now(),
    )
    return None if row is None else Link(**row)


async def use_link(connection: Connection, link_hash: bytes, kind: Kind) -> Link | None:
    """Use the link up; None for one unknown, of another kind, used or too old."""
    row = await connection.fetchrow(
        """
        UPDATE single_use_link SET used_at = $3
        WHERE link_hash = $1 AND kind = $2 AND used_at IS NULL AND expires_at > $3
        RETURNING person_id, kind, merchant_id, expires_at
        """,
        link_hash,
        kind,
        clock.now(),
    )
    return None if row is None else Link(**row)


async def count_fresh(connection: Connection, person_id: str, kind: Kind, since: datetime) -> int:
    """How many links of the kind were made for the person since then."""
    made: int = await connection.fetchval(
        "SELECT count(*) FROM single_use_link WHERE person_id = $1 AND kind = $2 AND made_at > $3",
        person_id,
        kind,
        since,
    )
    return made


async def has_open_operators_link(connection: Connection, person_id: str) -> bool:
    """Whether an invitation to run the installation still opens."""
    found: bool = await connection.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM single_use_link
            WHERE person_id = $1 AND kind = 'invitation' AND merchant_id IS NULL
                AND used_at IS NULL AND expires_at > $2
        )
        """,
        person_id,
        clock.now(),
    )
    return found


async def delete_links(
    connection: Connection, person_id: str, kind: Kind, merchant_id: str | None
) -> None:
    """Close the links of this kind and merchant that were made before."""
    await connection.execute(
        """
        DELETE FROM single_use_link
        WHERE person_id = $1 AND kind = $2 AND merchant_id IS NOT DISTINCT FROM $3
            AND used_at IS NULL
        """,
        person_id,
        kind,
        merchant_id,
    )


async def delete_old(connection: Connection, before: datetime, limit: int) -> int:
    """Forget links that ended before then; how many."""
    status: str = await connection.execute(
        """
        DELETE FROM single_use_link WHERE link_hash IN (
            SELECT link_hash FROM single_use_link WHERE expires_at < $1
            LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        before,
        limit,
    )
    return int(status.rpartition(" ")[2])
