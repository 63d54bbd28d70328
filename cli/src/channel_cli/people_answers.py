"""What auth-service answers of people and clients, and every service of its audit."""

from datetime import datetime
from typing import Any

import msgspec

from channel_cli.answers import Answer


class Member(Answer, frozen=True, kw_only=True):
    """Who works for a merchant, or is invited to (`accepted_at` is None)."""

    person_id: str
    email: str
    role: str
    display_name: str | None = None
    language: str | None = None
    time_zone: str | None = None
    accepted_at: datetime | None = None


class Person(Answer, frozen=True, kw_only=True):
    """A person as operators see them."""

    person_id: str
    email: str
    display_name: str
    language: str
    time_zone: str
    is_operator: bool = True


class Operators(Answer, frozen=True, kw_only=True):
    """The people who run the installation."""

    items: list[Person]


class InvitedPerson(Answer, frozen=True, kw_only=True):
    """Who was sent a link; operators are shown it."""

    person_id: str
    email: str
    expires_at: datetime
    link: str | None = None


class SessionRow(Answer, frozen=True, kw_only=True):
    """A living session of a person."""

    session_id: str
    made_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    address: str
    user_agent: str


class PersonSessions(Answer, frozen=True, kw_only=True):
    """A person's living sessions."""

    items: list[SessionRow]


class EndedSessions(Answer, frozen=True, kw_only=True):
    """How many sessions were ended."""

    ended: int


class ListedClient(Answer, frozen=True, kw_only=True):
    """An API client without its secrets."""

    client_id: str
    name: str
    scopes: list[str]
    created_at: datetime
    merchant_id: str | None = None
    rotated_at: datetime | None = None
    previous_ends_at: datetime | None = None
    revoked_at: datetime | None = None


class RotatedClient(Answer, frozen=True, kw_only=True):
    """A client's new secret, shown this once; the old one is taken until `previous_ends_at`."""

    client_id: str
    client_secret: str
    previous_ends_at: datetime


class AuditRow(Answer, frozen=True, kw_only=True):
    """Who did what to what, when and from where."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    merchant_id: str | None = None
    actor_email: str | None = None
    details: dict[str, Any] = msgspec.field(default_factory=dict)
    address: str | None = None
