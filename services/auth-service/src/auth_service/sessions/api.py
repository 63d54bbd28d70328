"""REST: people sign in, see and end their sessions, and exchange one for a token."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from auth_service.access import PersonId, SessionId, operators_only
from auth_service.clients.signing_keys import SigningKeys
from auth_service.people.person import Language, Person, require_time_zone
from auth_service.people.store import find_person, roles_of, save_profile
from auth_service.second_factor.store import is_confirmed
from auth_service.sessions import store
from auth_service.sessions.exchange_session import exchange_session
from auth_service.sessions.holder import holder_of, origin_of
from auth_service.sessions.passwords import LONGEST
from auth_service.sessions.session import Session
from auth_service.sessions.sign_in import (
    Credentials,
    Guard,
    change_password,
    end_session,
    end_sessions,
    sign_in,
)
from common.errors import NotFound
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.door import address_of
from common.web.identity import IDENTIFIER_PATTERN, for_everybody
from common.web.routing import new_router

SIGN_IN = "/v1/sessions"
EXCHANGE = "/v1/sessions/token"
ME = "/v1/me"
PASSWORD = "/v1/me/password"  # noqa: S105 - a path

PasswordText = Annotated[str, Field(min_length=1, max_length=4 * LONGEST, pattern=r"^[^\x00]+$")]
EmailText = Annotated[str, Field(min_length=1, max_length=320, pattern=r"^[^\x00]+$")]
CodeText = Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")]
NameText = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
ZoneText = Annotated[str, Field(max_length=64)]


class SignIn(BaseModel):
    """Who signs in; `code` is of the second factor, or a recovery code."""

    model_config = ConfigDict(extra="forbid")

    email: EmailText
    password: PasswordText
    code: CodeText | None = None


class SessionSecret(BaseModel):
    """A new session; `session` is shown this once. It ends when nobody used it for twelve hours,
    and at `ends_at` in any case."""

    session: str
    session_id: str
    person_id: str
    ends_at: datetime


class TokenFor(BaseModel):
    """For which merchant; without one an operator's token, or that of the only merchant."""

    model_config = ConfigDict(extra="forbid")

    merchant_id: Annotated[str, Field(pattern=IDENTIFIER_PATTERN)] | None = None


class PersonToken(BaseModel):
    """A bearer token as API clients get them; `role` is owner, agent, viewer or operator."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the kind of token
    expires_in: int
    merchant_id: str | None
    role: str
    scopes: list[str]


class MembershipView(BaseModel):
    """What the person is to a merchant."""

    merchant_id: str
    role: str


class MeView(BaseModel):
    """Who is signed in."""

    person_id: str
    email: str
    display_name: str
    language: str
    time_zone: str
    is_operator: bool
    has_second_factor: bool
    memberships: list[MembershipView]


class ProfileBody(BaseModel):
    """What the person is called, in which language and time zone they are written to."""

    model_config = ConfigDict(extra="forbid")

    display_name: NameText
    language: Language
    time_zone: ZoneText


class PasswordChange(BaseModel):
    """The password so far, and the new one: 12 to 1,000 characters, and not the address."""

    model_config = ConfigDict(extra="forbid")

    current: PasswordText
    password: PasswordText


class SessionView(BaseModel):
    """A living session; `is_this` says that the request came with it."""

    session_id: str
    made_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    address: str
    user_agent: str
    is_this: bool


class Sessions(BaseModel):
    """A person's living sessions, the last used first."""

    items: list[SessionView]


class Ended(BaseModel):
    """How many sessions were ended."""

    ended: int


def session_router(pool: Pool, guard: Guard, keys: SigningKeys) -> APIRouter:
    """The routes of the person who is signed in, and operators' over others' sessions."""
    router = new_router(tags=["people"])
    mine = Annotated[Session, Depends(holder_of(pool))]

    @router.post(SIGN_IN, status_code=201, dependencies=[Depends(for_everybody)])
    async def post_session(request: Request, response: Response, body: SignIn) -> SessionSecret:
        """Sign in. An unknown address and a wrong password are answered alike."""
        credentials = Credentials(body.email, body.password, body.code)
        made = await sign_in(pool, guard, credentials, origin_of(request))
        response.headers["Cache-Control"] = "no-store"
        return SessionSecret(
            session=made.secret,
            session_id=made.session_id,
            person_id=made.person.person_id,
            ends_at=made.ends_at,
        )

    @router.post(EXCHANGE)
    async def exchange(session: mine, response: Response, body: TokenFor) -> PersonToken:
        """A token for ten minutes, with what the person may do there."""
        given = await exchange_session(pool, keys, session.person, body.merchant_id)
        response.headers["Cache-Control"] = "no-store"
        return PersonToken(
            access_token=given.grant.access_token,
            expires_in=int(given.grant.lifetime.total_seconds()),
            merchant_id=given.merchant_id,
            role=given.role,
            scopes=given.scopes,
        )

    _add_me(router, pool, guard)
    _add_sessions(router, pool)
    return router


def _add_me(router: APIRouter, pool: Pool, guard: Guard) -> None:
    mine = Annotated[Session, Depends(holder_of(pool))]

    @router.get(ME)
    async def get_me(session: mine) -> MeView:
        """Who is signed in, and as what."""
        return await _me(pool, session.person)

    @router.put(ME)
    async def put_me(session: mine, body: ProfileBody) -> MeView:
        """Change one's own name, language and time zone."""
        zone = require_time_zone(body.time_zone)
        async with unit_of_work(pool) as connection:
            person = await save_profile(
                connection,
                session.person.person_id,
                display_name=body.display_name,
                language=body.language,
                time_zone=zone,
            )
            await record(connection, "person.profile-changed", person.email)
        return await _me(pool, person)

    @router.put(PASSWORD, status_code=204)
    async def put_password(request: Request, session: mine, body: PasswordChange) -> None:
        """Change one's own password; all other sessions end."""
        address = address_of(request.scope)
        await change_password(
            pool, guard, session, current=body.current, new=body.password, address=address
        )


def _add_sessions(router: APIRouter, pool: Pool) -> None:
    mine = Annotated[Session, Depends(holder_of(pool))]

    @router.get(ME + "/sessions")
    async def get_sessions(session: mine) -> Sessions:
        """One's own living sessions."""
        return await _sessions(pool, session.person.person_id, session.session_id)

    @router.delete(ME + "/sessions")
    async def delete_sessions(session: mine, others: bool = False) -> Ended:
        """End all of one's sessions; with `others` all but this one."""
        kept = session.session_id if others else None
        return Ended(ended=await end_sessions(pool, session.person, besides=kept))

    @router.delete(ME + "/sessions/{session_id}", status_code=204)
    async def delete_session(session: mine, session_id: SessionId) -> None:
        """End one of one's sessions: `current` is the one the request came with."""
        ended = session.session_id if session_id == "current" else session_id
        if not await end_session(pool, session.person, ended):
            raise NotFound("session", remedy="List your sessions.")

    @router.get("/v1/people/{person_id}/sessions", dependencies=[operators_only])
    async def get_sessions_of(person_id: PersonId) -> Sessions:
        """The person's living sessions, for operators."""
        await _person(pool, person_id)
        return await _sessions(pool, person_id, None)

    @router.delete("/v1/people/{person_id}/sessions", dependencies=[operators_only])
    async def delete_sessions_of(person_id: PersonId) -> Ended:
        """End all sessions of the person, for operators."""
        return Ended(ended=await end_sessions(pool, await _person(pool, person_id)))


async def _person(pool: Pool, person_id: str) -> Person:
    async with reading(pool) as connection:
        person = await find_person(connection, person_id)
    if person is None:
        raise NotFound("person", remedy="List the people.")
    return person


async def _me(pool: Pool, person: Person) -> MeView:
    async with reading(pool) as connection:
        roles = await roles_of(connection, person.person_id)
        has_factor = await is_confirmed(connection, person.person_id)
    return MeView(
        person_id=person.person_id,
        email=person.email,
        display_name=person.display_name,
        language=person.language,
        time_zone=person.time_zone,
        is_operator=person.is_operator,
        has_second_factor=has_factor,
        memberships=[MembershipView(merchant_id=m, role=role) for m, role in roles.items()],
    )


async def _sessions(pool: Pool, person_id: str, this: str | None) -> Sessions:
    async with reading(pool) as connection:
        found = await store.list_sessions(connection, person_id)
    return Sessions(
        items=[
            SessionView(
                session_id=row.session_id,
                made_at=row.made_at,
                last_seen_at=row.last_seen_at,
                ends_at=row.ends_at,
                address=row.address,
                user_agent=row.user_agent,
                is_this=row.session_id == this,
            )
            for row in found
        ]
    )
