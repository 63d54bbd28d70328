"""`/people`, `/account`, `/audit`."""

import asyncio
from zoneinfo import available_timezones

from fastapi import APIRouter
from starlette.responses import Response

from common.web.routing import IncludedRoute
from console.answers.auth import FactorSecret, Invitation, LivingSessions, Membership, RecoveryCodes
from console.answers.everywhere import Audit
from console.panels import panel
from console.services import AUTH, CATALOG, ORDERS, PUBLISHER, Problem, Refused, path
from console.texts import LANGUAGES
from console.viewer import Member, OfMerchant, Person, SignedIn, see_other

router = APIRouter(route_class=IncludedRoute)
ROLES = ("owner", "agent", "viewer")
SERVICES = (AUTH, CATALOG, PUBLISHER, ORDERS)


@router.get("/people")
async def list_people(viewer: OfMerchant) -> Response:
    return await _people_page(viewer)


async def _people_page(
    viewer: Member,
    problem: Problem | None = None,
    invited: Invitation | None = None,
    email: str = "",
) -> Response:
    members = await panel(
        viewer.listed(
            AUTH,
            viewer.m("/members"),
            of=Membership,
            query={"cursor": viewer.query.get("cursor")},
        )
    )
    return viewer.page(
        "people/people.html",
        status=problem.status if problem else 200,
        problem=problem,
        members=members,
        invited=invited,
        email=email,
        roles=ROLES,
    )


@router.post("/people")
async def invite(viewer: OfMerchant) -> Response:
    form = await viewer.form()
    body = {"email": form.text("email"), "role": form.text("role"), "language": viewer.language}
    try:
        invited = await viewer.send(
            "POST",
            AUTH,
            viewer.m("/members"),
            answer=Invitation,
            body=body,
        )
    except Refused as refused:
        return await _people_page(viewer, refused.problem, email=form.text("email"))
    return await _people_page(viewer, invited=invited)


@router.post("/people/{person_id}/role")
async def change_role(viewer: OfMerchant, person_id: str) -> Response:
    form = await viewer.form()
    return await _change(viewer, "PUT", person_id, {"role": form.text("role")})


@router.post("/people/{person_id}/remove")
async def remove(viewer: OfMerchant, person_id: str) -> Response:
    await viewer.form()
    return await _change(viewer, "DELETE", person_id, None)


async def _change(
    viewer: Member, method: str, person_id: str, body: dict[str, str] | None
) -> Response:
    try:
        await viewer.send(
            method,
            AUTH,
            viewer.m("/members/{}"),
            person_id,
            answer=type(None),
            body=body,
        )
    except Refused as refused:
        return await _people_page(viewer, refused.problem)
    return see_other("/people")


@router.get("/account")
async def account(viewer: SignedIn) -> Response:
    return await _account_page(viewer)


async def _account_page(
    viewer: Person,
    problem: Problem | None = None,
    *,
    factor: FactorSecret | None = None,
    codes: list[str] | None = None,
) -> Response:
    sessions = await panel(viewer.mine("GET", "/v1/me/sessions", LivingSessions))
    return viewer.page(
        "people/account.html",
        status=problem.status if problem else 200,
        problem=problem,
        sessions=sessions,
        zones=sorted(available_timezones()),
        factor=factor,
        codes=codes,
    )


async def _of_mine(
    viewer: Person, method: str, where: str, body: dict[str, str] | None
) -> Response:
    """Change something of one's own; the page comes again, with why it could not be."""
    try:
        await viewer.mine(method, where, type(None), body)
    except Refused as refused:
        return await _account_page(viewer, refused.problem)
    viewer.console.tokens.forget(viewer.session)
    return see_other("/account")


@router.post("/account/profile")
async def save_profile(viewer: SignedIn) -> Response:
    form = await viewer.form()
    language = form.text("language")
    body = {
        "display_name": form.text("display_name"),
        "language": language if language in LANGUAGES else viewer.language,
        "time_zone": form.text("time_zone"),
    }
    return await _of_mine(viewer, "PUT", "/v1/me", body)


@router.post("/account/password")
async def change_password(viewer: SignedIn) -> Response:
    form = await viewer.form()
    body = {"current": form.secret("current_password"), "password": form.secret("password")}
    return await _of_mine(viewer, "PUT", "/v1/me/password", body)


@router.post("/account/sessions/{session_id}")
async def end_session(viewer: SignedIn, session_id: str) -> Response:
    """End one session, or all others."""
    await viewer.form()
    if session_id == "others":
        return await _of_mine(viewer, "DELETE", "/v1/me/sessions?others=true", None)
    return await _of_mine(viewer, "DELETE", path("/v1/me/sessions/{}", session_id), None)


@router.post("/account/second-factor")
async def enrol(viewer: SignedIn) -> Response:
    form = await viewer.form()
    body = {"password": form.secret("password")}
    try:
        made = await viewer.mine("POST", "/v1/me/second-factor", FactorSecret, body)
    except Refused as refused:
        return await _account_page(viewer, refused.problem)
    return await _account_page(viewer, factor=made)


@router.post("/account/second-factor/confirm")
async def confirm(viewer: SignedIn) -> Response:
    form = await viewer.form()
    body = {"code": form.text("code")}
    try:
        made = await viewer.mine("POST", "/v1/me/second-factor/confirm", RecoveryCodes, body)
    except Refused as refused:
        shown = FactorSecret(secret=form.text("secret"), uri=form.text("uri"))
        return await _account_page(viewer, refused.problem, factor=shown)
    viewer.console.tokens.forget(viewer.session)
    viewer.me = await viewer.console.tokens.me(viewer.session)
    return await _account_page(viewer, codes=made.recovery_codes)


@router.post("/account/second-factor/disable")
async def disable(viewer: SignedIn) -> Response:
    form = await viewer.form()
    body = {"password": form.secret("password")}
    return await _of_mine(viewer, "POST", "/v1/me/second-factor/disable", body)


@router.get("/audit")
async def audit(viewer: OfMerchant) -> Response:
    """Who changed what, of every service; each has its own page of its list."""
    service = viewer.query.get("service", "")
    asked = [name for name in SERVICES if name == service] or list(SERVICES)
    limit = 50 if len(asked) == 1 else 20
    lists = await asyncio.gather(
        *(
            panel(
                viewer.listed(
                    name,
                    viewer.m("/audit"),
                    of=Audit,
                    limit=limit,
                    query={
                        "cursor": viewer.query.get("cursor") if len(asked) == 1 else None,
                        "actor": viewer.query.get("actor") or None,
                        "action": viewer.query.get("action") or None,
                    },
                )
            )
            for name in asked
        )
    )
    entries = sorted(
        (entry for found in lists if found.value for entry in found.value.items),
        key=lambda entry: entry.at,
        reverse=True,
    )
    is_one = len(asked) == 1 and lists[0].value is not None
    return viewer.page(
        "people/audit.html",
        lists=lists,
        entries=entries,
        services=SERVICES,
        service=service,
        next_cursor=lists[0].value.next_cursor if is_one and lists[0].value else None,
    )
