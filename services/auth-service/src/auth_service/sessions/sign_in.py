"""Sign in by e-mail address and password, and a code where the person has a second factor.

Every sign-in makes a session of its own (no secret is taken over from before, so none can be
planted), and an address that nobody has costs the same work and answers the same.
"""

from dataclasses import dataclass

from auth_service.clients.secrets import hash_of, new_secret
from auth_service.people.person import EmailUnusable, Person, normal_email
from auth_service.people.store import find_by_email
from auth_service.sealing.token_vault import TokenVault
from auth_service.second_factor.check_code import CodeNeeded, require_code
from auth_service.sessions import store
from auth_service.sessions.passwords import Passwords, require_good_password
from auth_service.sessions.session import (
    SEEN_EVERY,
    WHOLE,
    NewSession,
    Origin,
    Session,
    SessionEnded,
    SignInRefused,
)
from auth_service.sessions.throttle import SignInThrottle
from common import clock
from common.postgres import audit
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.identity import PERSON

FORGOTTEN_AT_ONCE = 1_000


@dataclass(frozen=True)
class Credentials:
    """What somebody types to sign in."""

    email: str
    password: str
    code: str | None = None


@dataclass(frozen=True)
class Guard:
    """What stands before every password: how it is hashed, who has to wait, what opens codes."""

    passwords: Passwords
    throttle: SignInThrottle
    vault: TokenVault


async def sign_in(pool: Pool, guard: Guard, credentials: Credentials, origin: Origin) -> NewSession:
    """A new session. Raises `TooManySignIns`, `SignInRefused`, `CodeNeeded` and `CodeWrong`."""
    email = _looked_for(credentials.email)
    guard.throttle.begin(email, origin.address)
    async with reading(pool) as connection:
        person = await find_by_email(connection, email)
        stored = await store.find_hash(connection, person.person_id if person else "")
    verdict = await guard.passwords.verify(stored, credentials.password)
    if person is None or stored is None or not verdict.is_right:
        raise SignInRefused
    renewed = await guard.passwords.hash(credentials.password) if verdict.needs_rehash else None
    act_as_person(person)
    async with unit_of_work(pool) as connection:
        # a password that was changed meanwhile is not the one that was verified
        if await store.lock_hash(connection, person.person_id) != stored:
            raise SignInRefused
        try:
            await require_code(connection, guard.vault, person, credentials.code)
        except CodeNeeded:  # nothing was wrong so far
            guard.throttle.succeeded(email, origin.address)
            raise
        if renewed is not None:
            await store.save_hash(connection, person.person_id, renewed)
        session = await begin_session(connection, person, origin)
    guard.throttle.succeeded(email, origin.address)
    return session


def _looked_for(email: str) -> str:
    """The address as it is stored; of what is none, nobody's."""
    try:
        return normal_email(email)
    except EmailUnusable:
        return "nobody"


async def begin_session(connection: Connection, person: Person, origin: Origin) -> NewSession:
    """A session of the person's, who has proven who they are."""
    secret, ends_at = new_secret(), clock.now() + WHOLE
    session_id = await store.insert_session(
        connection,
        person.person_id,
        secret_hash=hash_of(secret),
        ends_at=ends_at,
        origin=origin,
    )
    await record(connection, "session.began", person.email, {"session": session_id})
    return NewSession(secret, session_id, person, ends_at)


async def open_session(pool: Pool, secret: str) -> Session:
    """The living session of this secret; whoever acts from here on is its person.

    Raises `SessionEnded`.
    """
    async with reading(pool) as connection:
        session = await store.find_session(connection, hash_of(secret))
        if session is None:
            raise SessionEnded
    if clock.now() - session.last_seen_at >= SEEN_EVERY:
        async with unit_of_work(pool) as connection:
            await store.touch_session(connection, session.session_id)
    act_as_person(session.person)
    return session


async def check_password(
    pool: Pool, guard: Guard, person: Person, password: str, address: str
) -> None:
    """That who holds the session knows the password, too. Raises as `sign_in` does."""
    guard.throttle.begin(person.email, address)
    async with reading(pool) as connection:
        stored = await store.find_hash(connection, person.person_id)
    verdict = await guard.passwords.verify(stored, password)
    if not verdict.is_right:
        raise SignInRefused
    guard.throttle.succeeded(person.email, address)


async def change_password(
    pool: Pool, guard: Guard, session: Session, *, current: str, new: str, address: str
) -> None:
    """Set another password, and end all other sessions. Raises as `sign_in` does, and
    `PasswordUnfit`."""
    person = session.person
    require_good_password(new, person.email)
    await check_password(pool, guard, person, current, address)
    hashed = await guard.passwords.hash(new)
    async with unit_of_work(pool) as connection:
        await set_password(connection, person, hashed, keeping=session.session_id)


async def set_password(
    connection: Connection, person: Person, hashed: str, *, keeping: str | None = None
) -> None:
    """Store the new password's hash, and end every session but the one that is kept."""
    await store.lock_hash(connection, person.person_id)
    await store.save_hash(connection, person.person_id, hashed)
    ended = await store.delete_sessions(connection, person.person_id, besides=keeping)
    await record(connection, "password.changed", person.email, {"sessions_ended": ended})


async def end_session(pool: Pool, person: Person, session_id: str) -> bool:
    """End one session of the person's; whether there was one."""
    async with unit_of_work(pool) as connection:
        is_ended = await store.delete_session(connection, person.person_id, session_id)
        if is_ended:
            await record(connection, "session.ended", person.email, {"session": session_id})
    return is_ended


async def end_sessions(pool: Pool, person: Person, *, besides: str | None = None) -> int:
    """End all sessions of the person's, besides one; how many."""
    async with unit_of_work(pool) as connection:
        ended = await store.delete_sessions(connection, person.person_id, besides=besides)
        if ended:
            await record(connection, "session.ended", person.email, {"sessions": ended})
    return ended


async def forget_ended_sessions(pool: Pool) -> bool:
    """Delete the rows of sessions that have ended. Whether there may be more."""
    async with unit_of_work(pool) as connection:
        return await store.delete_ended(connection, FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE


def act_as_person(person: Person) -> None:
    """Whatever is written down from here on was done by this person."""
    audit.act_as(PERSON + person.person_id, person.email)
