"""A person's session: for how long it lives. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from auth_service.people.person import Person
from common.errors import Refusal

IDLE = timedelta(hours=12)
"""A session that nobody used for so long has ended."""
WHOLE = timedelta(days=14)
"""A session ends after so long in any case."""
SEEN_EVERY = timedelta(minutes=1)
"""How often its use is written down at most."""
LONGEST_USER_AGENT = 300


class SignInRefused(Refusal):
    """The address, the password or both are wrong; which one stays open."""

    def __init__(self) -> None:
        super().__init__(
            "the e-mail address or the password is wrong",
            status=401,
            slug="sign-in-refused",
            remedy="Try again, or ask for a link to set a new password.",
        )


class SessionEnded(Refusal):
    """No session of this secret lives."""

    def __init__(self) -> None:
        super().__init__(
            "no session came with the request, or it has ended",
            status=401,
            slug="session-ended",
            remedy="Sign in, and send the session as a bearer token.",
        )


@dataclass(frozen=True)
class Origin:
    """Where a request comes from: a network address and what the browser calls itself."""

    address: str
    user_agent: str


@dataclass(frozen=True)
class Session:
    """A living session and whose it is."""

    session_id: str
    person: Person
    last_seen_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class NewSession:
    """A session just made; its secret is told this once."""

    secret: str
    session_id: str
    person: Person
    ends_at: datetime
