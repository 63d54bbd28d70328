"""REST over one's own second factor; what changes it asks for the password again."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from auth_service.second_factor.check_code import confirm, disable, enrol
from auth_service.sessions.api import ME, CodeText, PasswordText
from auth_service.sessions.holder import holder_of
from auth_service.sessions.session import Session
from auth_service.sessions.sign_in import Guard, check_password
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from common.web.door import address_of
from common.web.routing import new_router

FACTOR = ME + "/second-factor"
CONFIRM = FACTOR + "/confirm"
DISABLE = FACTOR + "/disable"


class PasswordBody(BaseModel):
    """That it is the person, and not whoever found their session."""

    model_config = ConfigDict(extra="forbid")

    password: PasswordText


class CodeBody(BaseModel):
    """A code of the app."""

    model_config = ConfigDict(extra="forbid")

    code: CodeText


class FactorSecret(BaseModel):
    """What the app is given, shown this once: the secret, or the link that holds it."""

    secret: str
    uri: str


class RecoveryCodes(BaseModel):
    """For when the app is lost, each good once. Shown this once."""

    recovery_codes: list[str]


def factor_router(pool: Pool, guard: Guard) -> APIRouter:
    """The routes of the person who is signed in."""
    router = new_router(tags=["people"])
    mine = Annotated[Session, Depends(holder_of(pool))]

    @router.post(FACTOR, status_code=201)
    async def enrol_factor(
        request: Request, response: Response, session: mine, body: PasswordBody
    ) -> FactorSecret:
        """A secret for an app; it counts once a code of it is confirmed."""
        address = address_of(request.scope)
        await check_password(pool, guard, session.person, body.password, address)
        async with unit_of_work(pool) as connection:
            made = await enrol(connection, guard.vault, session.person)
        response.headers["Cache-Control"] = "no-store"
        return FactorSecret(secret=made.secret, uri=made.uri)

    @router.post(CONFIRM)
    async def confirm_factor(
        request: Request, response: Response, session: mine, body: CodeBody
    ) -> RecoveryCodes:
        """From now on each sign-in asks for a code."""
        address = address_of(request.scope)
        guard.throttle.begin(session.person.email, address)
        async with unit_of_work(pool) as connection:
            codes = await confirm(connection, guard.vault, session.person, body.code)
        guard.throttle.succeeded(session.person.email, address)
        response.headers["Cache-Control"] = "no-store"
        return RecoveryCodes(recovery_codes=codes)

    @router.post(DISABLE, status_code=204)
    async def disable_factor(request: Request, session: mine, body: PasswordBody) -> None:
        """Ask for no codes any more."""
        address = address_of(request.scope)
        await check_password(pool, guard, session.person, body.password, address)
        async with unit_of_work(pool) as connection:
            await disable(connection, session.person)

    return router
