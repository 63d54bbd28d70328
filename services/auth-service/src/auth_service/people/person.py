"""What a person is: an e-mail address, a language, a time zone, and a role per merchant. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from common.errors import Refusal

Language = Literal["en", "fr", "es"]
Role = Literal["owner", "agent", "viewer"]
ROLES: tuple[Role, ...] = ("owner", "agent", "viewer")
EMAIL_LENGTH = 254
"""The longest address that can be written to (RFC 5321 4.5.3.1.3)."""
_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f<>()\[\],;:\\\"]{1,64}@[^\s@\x00-\x1f\x7f<>()\[\],;:\\\"]+")


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in, once a password is set."""

    person_id: str
    email: str
    display_name: str
    language: str
    time_zone: str
    is_operator: bool


@dataclass(frozen=True)
class Member:
    """A person that works for a merchant, and as what."""

    person_id: str
    email: str
    display_name: str
    language: str
    time_zone: str
    role: str


class EmailUnusable(Refusal):
    """No mail can be sent to this address."""

    def __init__(self, email: str) -> None:
        super().__init__(
            f"{email[:80]!r} is not an e-mail address",
            status=422,
            slug="email-unusable",
            field="email",
            remedy="Send it as name@domain, without a display name.",
        )


def normal_email(email: str) -> str:
    """The address as it is stored and compared: composed, without blanks around, in lower case.

    Mail servers may tell upper from lower case before the @; none that is in use does, and two
    people whose addresses differ by that alone would be one trap. Raises `EmailUnusable`.
    """
    normal = unicodedata.normalize("NFC", email).strip().lower()
    if len(normal) > EMAIL_LENGTH or not _EMAIL.fullmatch(normal):
        raise EmailUnusable(email)
    return normal


def require_time_zone(name: str) -> str:
    """The name, if it is one of the IANA time zones. Raises `Refusal`."""
    if name not in available_timezones():
        raise Refusal(
            f"{name[:80]!r} is not a time zone",
            status=422,
            slug="time-zone-unknown",
            field="time_zone",
            remedy="Send a name of the IANA database, such as Europe/Paris or UTC.",
        )
    return ZoneInfo(name).key


def name_of(email: str) -> str:
    """What a person is called who has not said it yet."""
    return email.partition("@")[0]
