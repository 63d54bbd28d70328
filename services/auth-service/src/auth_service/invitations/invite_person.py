"""Invite people, and send links to those who forgot their password."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from auth_service.clients.secrets import hash_of, new_secret
from auth_service.invitations import store
from auth_service.invitations.link import (
    FORGOTTEN_AT_ONCE,
    KEPT_AFTER_END,
    LIFETIMES,
    RESETS_PER_HOUR,
    Kind,
    address_of_link,
)
from auth_service.merchants.store import load_merchant
from auth_service.people import store as people
from auth_service.people.membership import require_owner_left
from auth_service.people.person import EmailUnusable, Language, Person, Role, normal_email
from common import clock
from common.errors import NotFound
from common.postgres.acting import EVERYBODY, acting_for
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading, unit_of_work


class MailQueue(Protocol):
    """Takes a mail in the transaction that is the reason for it."""

    async def __call__(
        self,
        connection: Connection,
        to: str,
        template: str,
        language: str,
        parameters: dict[str, str],
        /,
    ) -> None: ...


@dataclass(frozen=True)
class Sender:
    """What links are made and sent with."""

    base_url: str
    """Where the pages are that links lead to."""
    queue_mail: MailQueue


@dataclass(frozen=True)
class Invited:
    """Who was invited, and the link that was mailed to them."""

    person: Person
    link: str
    expires_at: datetime


async def invite_member(
    pool: Pool,
    sender: Sender,
    merchant_id: str,
    email: str,
    role: Role,
    *,
    language: Language = "en",
    time_zone: str = "UTC",
) -> Invited:
    """Invite somebody to work for the merchant; one who is a member already gets the role.

    An earlier invitation of theirs to this merchant closes. Raises `NotFound`, `EmailUnusable`
    and `LastOwner`.
    """
    normal = normal_email(email)
    # people are nobody's: who is invited may work for other merchants already
    with acting_for(EVERYBODY):
        async with unit_of_work(pool) as connection:
            merchant = await load_merchant(connection, merchant_id)
            person = await people.ensure_person(
                connection, normal, language=language, time_zone=time_zone
            )
            members = await people.lock_members(connection, merchant_id)
            if role != "owner" and any(m.person_id == person.person_id for m in members):
                require_owner_left(members, person.person_id)
            await people.save_membership(
                connection, merchant_id, person.person_id, role, accepted_at=None
            )
            invited = await _send_link(
                connection,
                sender,
                person,
                "invitation",
                merchant_id=merchant_id,
                more={"merchant": merchant.name},
            )
            await record(
                connection, "member.invited", normal, {"role": role}, merchant_id=merchant_id
            )
    return invited


async def invite_operator(pool: Pool, sender: Sender, email: str) -> Invited:
    """Invite somebody to run the installation. Raises `EmailUnusable`."""
    normal = normal_email(email)
    async with unit_of_work(pool) as connection:
        person = await people.ensure_person(connection, normal)
        invited = await _send_link(connection, sender, person, "invitation")
        await record(connection, "operator.invited", normal)
    return invited


async def invite_first_operator(pool: Pool, sender: Sender, email: str) -> Invited | None:
    """The invitation of the operator named in the settings; None when they are one, or hold a link
    that still opens. Of replicas that start at once one invites."""
    normal = normal_email(email)
    async with unit_of_work(pool) as connection:
        person = await people.ensure_person(connection, normal)
        is_open = await store.has_open_operators_link(connection, person.person_id)
        if person.is_operator or is_open:
            return None
        invited = await _send_link(connection, sender, person, "invitation")
        await record(connection, "operator.invited", normal, {"by": "AUTH_BOOTSTRAP_OPERATOR"})
    return invited


async def send_reset(pool: Pool, sender: Sender, email: str) -> Invited:
    """A link by which the person sets another password, at an operator's request.

    Raises `NotFound` and `EmailUnusable`.
    """
    normal = normal_email(email)
    async with unit_of_work(pool) as connection:
        person = await people.find_by_email(connection, normal)
        if person is None:
            raise NotFound("person", remedy="Invite them first.")
        invited = await _send_link(connection, sender, person, "reset")
        await record(connection, "password.link-made", normal)
    return invited


async def forgot_password(pool: Pool, sender: Sender, email: str) -> None:
    """Mail a link to the person, if there is one, and not too often. Tells nobody whether."""
    try:
        normal = normal_email(email)
    except EmailUnusable:
        return
    async with reading(pool) as connection:
        known = await people.find_by_email(connection, normal)
    if known is None:
        return
    async with unit_of_work(pool) as connection:
        person = await people.ensure_person(connection, normal)  # locks the row
        hour_ago = clock.now() - timedelta(hours=1)
        fresh = await store.count_fresh(connection, person.person_id, "reset", hour_ago)
        if fresh < RESETS_PER_HOUR:
            await _send_link(connection, sender, person, "reset", closes_earlier=False)
            await record(connection, "password.forgotten", normal)


async def forget_old_links(pool: Pool) -> bool:
    """Delete links that ended long ago. Whether there may be more."""
    before = clock.now() - KEPT_AFTER_END
    async with unit_of_work(pool) as connection:
        return await store.delete_old(connection, before, FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE


async def _send_link(
    connection: Connection,
    sender: Sender,
    person: Person,
    kind: Kind,
    *,
    merchant_id: str | None = None,
    more: Mapping[str, str] = MappingProxyType({}),
    closes_earlier: bool = True,
) -> Invited:
    """A new link of the person's, mailed; by default the earlier ones like it close."""
    secret, expires_at = new_secret(), clock.now() + LIFETIMES[kind]
    if closes_earlier:
        await store.delete_links(connection, person.person_id, kind, merchant_id)
    await store.insert_link(
        connection,
        hash_of(secret),
        person.person_id,
        kind,
        merchant_id=merchant_id,
        expires_at=expires_at,
    )
    link = address_of_link(sender.base_url, kind, secret)
    parameters = {
        "name": person.display_name,
        "link": link,
        "expires_at": expires_at.isoformat(),
        **more,
    }
    await sender.queue_mail(connection, person.email, kind, person.language, parameters)
    return Invited(person, link, expires_at)
