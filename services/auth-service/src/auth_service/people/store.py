"""People by e-mail address, and whose members they are."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa

from auth_service import tables
from auth_service.people.person import Member, Person, Role, name_of
from common import clock
from common.errors import NotFound
from common.postgres import core
from common.postgres.pool import Connection


@dataclass(frozen=True)
class Membership:
    """A member as listed; `accepted_at` is None while the invitation is open."""

    person_id: str
    email: str
    display_name: str
    language: str
    time_zone: str
    role: str
    created_at: datetime
    accepted_at: datetime | None


async def members_of(connection: Connection, merchant_id: str) -> list[Member]:
    """Who works for the merchant, by address; those who have only been invited do not yet."""
    rows = await connection.fetch(
        """
        SELECT p.person_id, p.email, p.display_name, p.language, p.time_zone, m.role
        FROM membership AS m JOIN person AS p USING (person_id)
        WHERE m.merchant_id = $1 AND m.accepted_at IS NOT NULL ORDER BY p.email
        """,
        merchant_id,
    )
    return [Member(**row) for row in rows]


async def operators(connection: Connection) -> list[Person]:
    """The operators of the installation, by address."""
    rows = await connection.fetch(
        """
        SELECT person_id, email, display_name, language, time_zone, is_operator
        FROM person WHERE is_operator ORDER BY email
        """
    )
    return [Person(**row) for row in rows]


async def find_person(connection: Connection, person_id: str) -> Person | None:
    row = await connection.fetchrow(
        """
        SELECT person_id, email, display_name, language, time_zone, is_operator
        FROM person WHERE person_id = $1
        """,
        person_id,
    )
    return None if row is None else Person(**row)


async def find_by_email(connection: Connection, email: str) -> Person | None:
    """The person of this address, given as `normal_email` has it."""
    row = await connection.fetchrow(
        """
        SELECT person_id, email, display_name, language, time_zone, is_operator
        FROM person WHERE email = $1
        """,
        email,
    )
    return None if row is None else Person(**row)


async def ensure_person(
    connection: Connection, email: str, *, language: str = "en", time_zone: str = "UTC"
) -> Person:
    """The person of this address, made when there is none; their row is locked."""
    row = await connection.fetchrow(
        """
        INSERT INTO person (person_id, email, display_name, language, time_zone, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (email) DO UPDATE SET email = excluded.email
        RETURNING person_id, email, display_name, language, time_zone, is_operator
        """,
        str(uuid4()),
        email,
        name_of(email),
        language,
        time_zone,
        clock.now(),
    )
    assert row is not None  # noqa: S101 - an upsert returns its row
    return Person(**row)


async def save_profile(
    connection: Connection, person_id: str, *, display_name: str, language: str, time_zone: str
) -> Person:
    """Say what the person is called, in which language and at which time. Raises `NotFound`."""
    row = await connection.fetchrow(
        """
        UPDATE person SET display_name = $2, language = $3, time_zone = $4
        WHERE person_id = $1
        RETURNING person_id, email, display_name, language, time_zone, is_operator
        """,
        person_id,
        display_name,
        language,
        time_zone,
    )
    if row is None:
        raise NotFound("person")
    return Person(**row)


async def set_operator(connection: Connection, person_id: str, *, is_operator: bool) -> None:
    """Make the person an operator of the installation, or no longer."""
    await connection.execute(
        "UPDATE person SET is_operator = $2 WHERE person_id = $1", person_id, is_operator
    )


async def lock_operators(connection: Connection) -> list[str]:
    """The ids of all operators, their rows locked: one is only taken away beside another."""
    rows = await connection.fetch(
        "SELECT person_id FROM person WHERE is_operator ORDER BY person_id FOR UPDATE"
    )
    return [row["person_id"] for row in rows]


async def save_membership(
    connection: Connection,
    merchant_id: str,
    person_id: str,
    role: Role,
    *,
    accepted_at: datetime | None,
) -> None:
    """Make the person a member in this role. One who is a member already keeps the time of their
    agreement and gets the role."""
    await connection.execute(
        """
        INSERT INTO membership (merchant_id, person_id, role, created_at, accepted_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (merchant_id, person_id) DO UPDATE
        SET role = $3, accepted_at = coalesce(membership.accepted_at, $5)
        """,
        merchant_id,
        person_id,
        role,
        clock.now(),
        accepted_at,
    )


async def accept_membership(connection: Connection, merchant_id: str, person_id: str) -> str | None:
    """The invited person agrees: their role, or None when they are no longer invited."""
    role: str | None = await connection.fetchval(
        """
        UPDATE membership SET accepted_at = coalesce(accepted_at, $3)
        WHERE merchant_id = $1 AND person_id = $2 RETURNING role
        """,
        merchant_id,
        person_id,
        clock.now(),
    )
    return role


async def lock_members(connection: Connection, merchant_id: str) -> list[Membership]:
    """All members and invited ones, by person, their memberships locked: so that two who leave at
    once do not leave the merchant without an owner."""
    rows = await connection.fetch(
        """
        WITH locked AS (
            SELECT * FROM membership WHERE merchant_id = $1 ORDER BY person_id FOR UPDATE
        )
        SELECT p.person_id, p.email, p.display_name, p.language, p.time_zone, m.role,
            m.created_at, m.accepted_at
        FROM locked AS m JOIN person AS p USING (person_id) ORDER BY p.person_id
        """,
        merchant_id,
    )
    return [Membership(**row) for row in rows]


async def set_role(connection: Connection, merchant_id: str, person_id: str, role: Role) -> None:
    await connection.execute(
        "UPDATE membership SET role = $3 WHERE merchant_id = $1 AND person_id = $2",
        merchant_id,
        person_id,
        role,
    )


async def delete_membership(connection: Connection, merchant_id: str, person_id: str) -> None:
    await connection.execute(
        "DELETE FROM membership WHERE merchant_id = $1 AND person_id = $2", merchant_id, person_id
    )


async def list_members(
    connection: Connection, merchant_id: str, *, after: str, limit: int
) -> list[Membership]:
    """A page of the merchant's members and invited ones, by address."""
    person, member = tables.person.c, tables.membership.c
    page = (
        sa.select(
            person.person_id,
            person.email,
            person.display_name,
            person.language,
            person.time_zone,
            member.role,
            member.created_at,
            member.accepted_at,
        )
        .join_from(tables.membership, tables.person)
        .where(member.merchant_id == merchant_id, person.email > after)
        .order_by(person.email)
        .limit(limit)
    )
    return [Membership(**row) for row in await core.fetch(connection, page)]


async def roles_of(connection: Connection, person_id: str) -> dict[str, str]:
    """The person's role with each merchant whose member they are, by merchant."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, role FROM membership
        WHERE person_id = $1 AND accepted_at IS NOT NULL ORDER BY merchant_id
        """,
        person_id,
    )
    return {row["merchant_id"]: row["role"] for row in rows}


async def list_people(
    connection: Connection, *, email: str | None, after: str, limit: int
) -> list[Person]:
    """A page of all people, by address, or the one of this address."""
    c = tables.person.c
    page = (
        sa.select(c.person_id, c.email, c.display_name, c.language, c.time_zone, c.is_operator)
        .where(c.email > after)
        .order_by(c.email)
        .limit(limit)
    )
    if email is not None:
        page = page.where(c.email == email.strip().lower())
    return [Person(**row) for row in await core.fetch(connection, page)]
