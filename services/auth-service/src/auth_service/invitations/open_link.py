"""Open a link: accept an invitation, or set another password. Each opens once.

A link proves that its holder reads the person's mail. It never signs anybody in: the password that
is set does.
"""

from dataclasses import dataclass

from auth_service.clients.secrets import hash_of
from auth_service.invitations import store
from auth_service.invitations.link import Kind, LinkUnusable
from auth_service.merchants.store import load_merchant
from auth_service.people import store as people
from auth_service.people.person import Language, Person, require_time_zone
from auth_service.sessions.passwords import PasswordUnfit, require_good_password
from auth_service.sessions.sign_in import Guard, act_as_person, set_password
from auth_service.sessions.store import find_hash
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading, unit_of_work


@dataclass(frozen=True)
class Opened:
    """What a link will do, for the person to agree to."""

    person: Person
    merchant_name: str | None
    """Of an invitation: whose; None for the installation's."""
    needs_password: bool
    """Whether the person has none yet."""


@dataclass(frozen=True)
class Profile:
    """How the person wants to be called and written to."""

    display_name: str
    language: Language
    time_zone: str


async def show_link(pool: Pool, kind: Kind, secret: str) -> Opened:
    """What the link opens; it still opens afterwards. Raises `LinkUnusable`."""
    async with reading(pool) as connection:
        link = await store.find_link(connection, hash_of(secret), kind)
        if link is None:
            raise LinkUnusable
        person = await _person(connection, link.person_id)
        merchant = await load_merchant(connection, link.merchant_id) if link.merchant_id else None
        hashed = await find_hash(connection, person.person_id)
    return Opened(person, merchant.name if merchant else None, hashed is None)


async def accept_invitation(
    pool: Pool, guard: Guard, secret: str, *, password: str | None, profile: Profile | None = None
) -> Person:
    """The invited person agrees; who has no password yet sets one.

    Raises `LinkUnusable`, `PasswordUnfit`, and `Refusal` for an unknown time zone; the link is
    used up by none of them.
    """
    opened = await show_link(pool, "invitation", secret)
    hashed = None
    if opened.needs_password:
        if not password:
            raise PasswordUnfit("is missing", "Send the password you want to sign in with.")
        require_good_password(password, opened.person.email)
        hashed = await guard.passwords.hash(password)
    if profile is not None:
        require_time_zone(profile.time_zone)
    act_as_person(opened.person)
    async with unit_of_work(pool) as connection:
        link = await store.use_link(connection, hash_of(secret), "invitation")
        if link is None:
            raise LinkUnusable
        person = await _person(connection, link.person_id)
        if hashed is not None and await find_hash(connection, person.person_id) is None:
            await set_password(connection, person, hashed)
        if profile is not None:
            person = await people.save_profile(
                connection,
                person.person_id,
                display_name=profile.display_name,
                language=profile.language,
                time_zone=profile.time_zone,
            )
        await _join(connection, person, link.merchant_id)
    return person


async def reset_password(pool: Pool, guard: Guard, secret: str, password: str) -> Person:
    """Set another password, and end all sessions. Raises `LinkUnusable`, `PasswordUnfit`."""
    opened = await show_link(pool, "reset", secret)
    require_good_password(password, opened.person.email)
    hashed = await guard.passwords.hash(password)
    act_as_person(opened.person)
    async with unit_of_work(pool) as connection:
        if await store.use_link(connection, hash_of(secret), "reset") is None:
            raise LinkUnusable
        await store.delete_links(connection, opened.person.person_id, "reset", None)
        await set_password(connection, opened.person, hashed)
    return opened.person


async def _join(connection: Connection, person: Person, merchant_id: str | None) -> None:
    if merchant_id is None:
        await people.set_operator(connection, person.person_id, is_operator=True)
        await record(connection, "operator.joined", person.email)
        return
    role = await people.accept_membership(connection, merchant_id, person.person_id)
    if role is None:  # the invitation was taken back
        raise LinkUnusable
    await record(connection, "member.joined", person.email, {"role": role}, merchant_id=merchant_id)


async def _person(connection: Connection, person_id: str) -> Person:
    person = await people.find_person(connection, person_id)
    if person is None:
        raise LinkUnusable
    return person
