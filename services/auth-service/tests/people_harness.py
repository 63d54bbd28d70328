"""People of auth-service under test: invited, signed in, with tokens."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from common import clock
from common.postgres.pool import Connection

from .auth_harness import Auth

PASSWORD = "four words nobody guesses"


@dataclass(frozen=True)
class Mail:
    """A mail as it was handed to the queue."""

    to: str
    template: str
    language: str
    parameters: dict[str, str]

    @property
    def secret(self) -> str:
        return secret_of(self.parameters["link"])


class Mailbox:
    """Takes mails in the place of the queue."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def __call__(
        self,
        _connection: Connection,
        to: str,
        template: str,
        language: str,
        parameters: dict[str, str],
    ) -> None:
        self.mails.append(Mail(to, template, language, parameters))


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    """To be asked for before `auth`, which then mails there."""
    box = Mailbox()
    monkeypatch.setattr("auth_service.mailing.queue_mail.MailQueue.queue_mail", box)
    return box


@dataclass(frozen=True)
class SignedIn:
    """A person with a session."""

    email: str
    person_id: str
    session_id: str
    secret: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.secret}"}


def secret_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["link"][0]


async def invited(
    auth: Auth, email: str, role: str | None = "owner", merchant_id: str = "shein"
) -> str:
    """The secret of the invitation that an operator sends; without a role to run everything."""
    path = "/v1/operators" if role is None else f"/v1/merchants/{merchant_id}/members"
    body = {"email": email} | ({} if role is None else {"role": role})
    answer = await auth.http.post(path, json=body, headers=auth.operator)
    assert answer.status_code == 201, answer.text
    return secret_of(answer.json()["link"])


async def accept(auth: Auth, link: str, password: str | None = PASSWORD) -> httpx2.Response:
    body = {"link": link} | ({} if password is None else {"password": password})
    return await auth.http.post("/v1/invitations/accept", json=body)


async def try_sign_in(
    auth: Auth, email: str, password: str = PASSWORD, code: str | None = None
) -> httpx2.Response:
    body = {"email": email, "password": password} | ({} if code is None else {"code": code})
    return await auth.http.post("/v1/sessions", json=body)


async def sign_in(
    auth: Auth, email: str, password: str = PASSWORD, code: str | None = None
) -> SignedIn:
    answer = await try_sign_in(auth, email, password, code)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return SignedIn(email, made["person_id"], made["session_id"], made["session"])


async def join(
    auth: Auth, email: str, role: str | None = "owner", merchant_id: str = "shein"
) -> SignedIn:
    """A person who accepted, and is signed in."""
    answer = await accept(auth, await invited(auth, email, role, merchant_id))
    assert answer.status_code == 204, answer.text
    return await sign_in(auth, email)


async def token(auth: Auth, person: SignedIn, merchant_id: str | None = None) -> dict[str, str]:
    """Headers with the person's token."""
    answer = await auth.http.post(
        "/v1/sessions/token", json={"merchant_id": merchant_id}, headers=person.headers
    )
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def pass_time(time: timedelta) -> None:
    """The test's clock is put back by the fixture `_own_clock`."""
    clock.set_to(clock.now() + time)


async def audited(auth: Auth, action: str) -> list[dict[str, object]]:
    rows = await auth.pool.fetch("SELECT * FROM audit WHERE action = $1 ORDER BY id", action)
    return [dict(row) for row in rows]
