"""REST: people are invited, accept, and set a password they forgot."""

from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from auth_service.access import MemberWriter, operators_only
from auth_service.invitations.invite_person import (
    Invited,
    Sender,
    forgot_password,
    invite_member,
    invite_operator,
    send_reset,
)
from auth_service.invitations.link import Kind
from auth_service.invitations.open_link import (
    Profile,
    accept_invitation,
    reset_password,
    show_link,
)
from auth_service.people import store as people
from auth_service.people.person import Language, Role, require_time_zone
from auth_service.sessions.api import EmailText, NameText, PasswordText, ZoneText
from auth_service.sessions.sign_in import Guard
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.door import address_of
from common.web.identity import Caller, for_everybody
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router

ACCEPT = "/v1/invitations/accept"
FORGOT = "/v1/password/forgot"
RESET = "/v1/password/reset"
SHOW = "/v1/links/show"

LinkText = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")]


class InvitationBody(BaseModel):
    """Whom to invite, and as what; language and time zone are theirs to change."""

    model_config = ConfigDict(extra="forbid")

    email: EmailText
    role: Role
    language: Language = "en"
    time_zone: ZoneText = "UTC"


class EmailBody(BaseModel):
    """A person's e-mail address."""

    model_config = ConfigDict(extra="forbid")

    email: EmailText


class InvitationView(BaseModel):
    """Who was sent a link. `link` is shown to operators alone, once; others' people read it in
    their mail."""

    person_id: str
    email: str
    expires_at: datetime
    link: str | None


class AcceptBody(BaseModel):
    """What stands behind `link=` of the invitation; a password where the person has none yet."""

    model_config = ConfigDict(extra="forbid")

    link: LinkText
    password: PasswordText | None = None
    display_name: NameText | None = None
    language: Language = "en"
    time_zone: ZoneText = "UTC"


class ResetBody(BaseModel):
    """What stands behind `link=` of the mail, and the new password."""

    model_config = ConfigDict(extra="forbid")

    link: LinkText
    password: PasswordText


class ShowBody(BaseModel):
    """What stands behind `link=`, and of which kind it is."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    link: LinkText


class LinkView(BaseModel):
    """What a link opens: for whom, to which merchant's work it invites (null: the installation's),
    and whether the person has no password yet."""

    email: str
    merchant_name: str | None
    needs_password: bool


class PersonView(BaseModel):
    """A person as operators see them."""

    model_config = ConfigDict(from_attributes=True)

    person_id: str
    email: str
    display_name: str
    language: str
    time_zone: str
    is_operator: bool


class PersonPlace(NamedTuple):
    """People are listed by address."""

    email: str


After = Annotated[PersonPlace | None, Depends(Keyset(PersonPlace))]
ByEmail = Annotated[
    str | None, Query(max_length=320, pattern=r"^[^\x00]*$", description="Only this address.")
]


def invitation_router(pool: Pool, sender: Sender, guard: Guard) -> APIRouter:
    """The routes of owners and operators, and those that links open."""
    router = new_router(tags=["people"])
    by_link = Depends(for_everybody)

    @router.post("/v1/merchants/{merchant_id}/members", status_code=201)
    async def post_member(
        caller: Caller, merchant_id: MemberWriter, body: InvitationBody
    ) -> InvitationView:
        """Invite somebody to work for the merchant: they are mailed a link that opens once, within
        seven days. Inviting a member again changes the role."""
        zone = require_time_zone(body.time_zone)
        invited = await invite_member(
            pool,
            sender,
            merchant_id,
            body.email,
            body.role,
            language=body.language,
            time_zone=zone,
        )
        return _view(invited, shows_link=caller.is_operator)

    @router.post("/v1/operators", status_code=201, dependencies=[operators_only])
    async def post_operator(body: EmailBody) -> InvitationView:
        """Invite somebody to run the installation."""
        return _view(await invite_operator(pool, sender, body.email), shows_link=True)

    @router.get("/v1/people", dependencies=[operators_only])
    async def get_people(
        email: ByEmail = None, after: After = None, limit: Limit = 50
    ) -> Page[PersonView]:
        """All people, by address."""
        async with reading(pool) as connection:
            found = await people.list_people(
                connection, email=email, after=after.email if after else "", limit=limit + 1
            )
        page = Page.of(found, limit, lambda last: PersonPlace(last.email))
        return page.with_items([PersonView.model_validate(item) for item in page.items])

    @router.post("/v1/people/reset", status_code=201, dependencies=[operators_only])
    async def post_reset(body: EmailBody) -> InvitationView:
        """A link by which the person sets another password within an hour."""
        return _view(await send_reset(pool, sender, body.email), shows_link=True)

    @router.post(SHOW, dependencies=[by_link])
    async def show(body: ShowBody) -> LinkView:
        """What the link will do, for its holder to agree to; it still opens afterwards."""
        opened = await show_link(pool, body.kind, body.link)
        return LinkView(
            email=opened.person.email,
            merchant_name=opened.merchant_name,
            needs_password=opened.needs_password,
        )

    @router.post(ACCEPT, status_code=204, dependencies=[by_link])
    async def accept(body: AcceptBody) -> None:
        """Accept the invitation; afterwards sign in."""
        profile = (
            Profile(body.display_name, body.language, body.time_zone)
            if body.display_name is not None
            else None
        )
        await accept_invitation(pool, guard, body.link, password=body.password, profile=profile)

    @router.post(FORGOT, status_code=202, dependencies=[by_link])
    async def forgot(
        request: Request, background: BackgroundTasks, response: Response, body: EmailBody
    ) -> None:
        """Mail a link to set another password, if there is such a person; nobody is told whether.

        The work is done after the answer, so that its time tells nothing either.
        """
        guard.throttle.begin_forgotten(address_of(request.scope))
        response.headers["Cache-Control"] = "no-store"
        background.add_task(forgot_password, pool, sender, body.email)

    @router.post(RESET, status_code=204, dependencies=[by_link])
    async def reset(body: ResetBody) -> None:
        """Set another password; all sessions end."""
        await reset_password(pool, guard, body.link, body.password)

    return router


def _view(invited: Invited, *, shows_link: bool) -> InvitationView:
    return InvitationView(
        person_id=invited.person.person_id,
        email=invited.person.email,
        expires_at=invited.expires_at,
        link=invited.link if shows_link else None,
    )
