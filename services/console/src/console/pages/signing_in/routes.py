"""The pages of those who are not signed in yet."""

import re
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from common.web.forms import safe_next
from common.web.identity import IDENTIFIER_PATTERN
from common.web.routing import IncludedRoute
from console.answers.auth import Invitation, LinkShown, NewSession, ServiceToken
from console.browser import is_of_ours
from console.forms import Form, FormUnreadable
from console.pages.signing_in import kept_form
from console.pages.signing_in.kept_form import KeptForm
from console.services import AUTH, Away, Problem, Refused
from console.texts import LANGUAGES, N_
from console.tokens import Me
from console.viewer import AnyVisitor, Person, SignedIn, Visitor, see_other

router = APIRouter(route_class=IncludedRoute)
T = TypeVar("T")
FORTNIGHT = 14 * 24 * 3600
PAGES = {"invitation": "invitation", "reset": "reset-password"}
"""Where each kind of link leads."""
_ID = re.compile(IDENTIFIER_PATTERN)
_LINK = re.compile(r"[?&]link=([A-Za-z0-9_-]{1,128})")


@router.get("/sign-in")
async def show_sign_in(viewer: AnyVisitor) -> Response:
    return _sign_in_page(viewer)


@router.post("/sign-in")
async def sign_in(viewer: AnyVisitor) -> Response:
    form = await viewer.form()
    kept = kept_form.read(form.text("kept"))
    try:
        return await _signed_in(viewer, form, safe_next(form.text("next")) or "/", kept)
    except Refused as refused:
        return _sign_in_page(viewer, form, refused.problem)


async def keep_form(viewer: Visitor) -> Response:
    """The page to sign in, for a form that was sent after its session had ended: it is kept there,
    or the person is told that it is not."""
    console, request = viewer.console, viewer.request
    text, cookies = None, request.cookies
    with suppress(FormUnreadable):
        form = await viewer.sent()
        if not form.has("typed_by"):
            return see_other("/sign-in")  # nothing is typed into it, such as to sign out
        if is_of_ours(cookies, console.names, form.text("csrf"), request.headers):
            kept = kept_form.kept_of(form, viewer.address)
            text = kept_form.written(kept) if kept else None
    problem = kept_form.KEPT if text else kept_form.NOT_KEPT
    return _sign_in_page(viewer, Form([("kept", text or "")]), problem)


async def show_again(viewer: Visitor) -> Response | None:
    """The form of a page whose session has ended, sent by the same person who has signed in again
    elsewhere: shown before it is sent. None for any other that is not of this session."""
    console, request = viewer.console, viewer.request
    session = request.cookies.get(console.names.session)
    if session is None or request.headers.get("sec-fetch-site") != "same-origin":
        return None
    try:
        form = await viewer.sent()
        kept = kept_form.read(form.text("kept")) or kept_form.kept_of(form, viewer.address)
        me = await console.tokens.me(session)
    except (FormUnreadable, Refused, Away):
        return None
    is_theirs = kept is not None and kept.is_of(me)
    return _kept_page(viewer, me, session, kept, status=403) if kept and is_theirs else None


def _kept_page(
    viewer: Visitor, me: Me, session: str, kept: KeptForm, *, status: int = 200
) -> Response:
    """What was typed, not sent yet, for the merchant it was typed for."""
    chosen = kept.merchant_id or None
    person = Person(viewer.request, viewer.console, me=me, session=session, merchant_id=chosen)
    response = person.page("signing_in/kept.html", status=status, form=kept)
    if chosen is not None:
        viewer.keep(response, viewer.console.names.merchant, chosen)
    return response


async def _signed_in(
    viewer: Visitor, form: Form, then: str, kept: KeptForm | None = None
) -> Response:
    """A new session in the browser's cookie, whatever it held before. A form that was kept is shown
    to the person who typed it, and to nobody else."""
    body = {"email": form.text("email"), "password": form.secret("password")}
    if code := form.text("code"):
        body["code"] = code
    made = await _auth(viewer, "POST", "/v1/sessions", NewSession, body)
    names = viewer.console.names
    me = await viewer.console.tokens.me(made.session) if kept else None
    if kept is None or me is None or not kept.is_of(me):
        response: Response = see_other(then)
        viewer.forget(response, names.merchant)
    else:
        response = _kept_page(viewer, me, made.session, kept)
    viewer.keep(response, names.session, made.session, seconds=FORTNIGHT)
    viewer.forget(response, names.form)
    return response


def _sign_in_page(
    viewer: Visitor, form: Form | None = None, problem: Problem | None = None
) -> Response:
    values = form.values if form else {}
    wanted = safe_next(values.get("next") or viewer.query.get("next", "")) or ""
    return viewer.page(
        "signing_in/sign_in.html",
        status=problem.status if problem else 200,
        problem=problem,
        here=f"/sign-in?{urlencode({'next': wanted})}" if wanted else "/sign-in",
        kept=values.get("kept", ""),
        email=values.get("email") or viewer.query.get("email", ""),
        needs_code=problem is not None and problem.slug.startswith("code"),
        next_path=wanted,
    )


@router.post("/sign-out")
async def sign_out(viewer: SignedIn) -> Response:
    await viewer.form()
    with suppress(Refused):  # it had ended already
        await viewer.mine("DELETE", "/v1/me/sessions/current", type(None))
    viewer.console.tokens.forget(viewer.session)
    response = see_other("/sign-in")
    viewer.forget(response, viewer.console.names.session)
    viewer.forget(response, viewer.console.names.merchant)
    return response


@router.post("/language")
async def choose_language(viewer: AnyVisitor) -> Response:
    form = await viewer.form()
    language = form.text("language") if form.text("language") in LANGUAGES else viewer.language
    response: Response = see_other(safe_next(form.text("next")) or "/sign-in")
    if form.text("kept"):  # what waits on the page to sign in stays there
        viewer.language = language
        response = _sign_in_page(viewer, Form([("kept", form.text("kept"))]))
    if form.text("language") in LANGUAGES:
        viewer.keep(response, viewer.console.names.language, language, seconds=FORTNIGHT * 26)
    return response


@router.get("/merchants")
async def show_merchants(viewer: SignedIn) -> Response:
    problem = None
    if not viewer.me.memberships and not viewer.is_operator:
        problem = Problem(
            title=N_("You work for no merchant yet"),
            status=200,
            remedy=N_("Ask an owner of the merchant to invite you."),
        )
    return viewer.page("signing_in/merchants.html", problem=problem)


@router.post("/merchants")
async def choose_merchant(viewer: SignedIn) -> Response:
    form = await viewer.form()
    chosen = form.text("merchant")
    if not _ID.fullmatch(chosen) or not (viewer.is_operator or chosen in viewer.roles):
        return see_other("/merchants")
    response = see_other("/")
    viewer.keep(response, viewer.console.names.merchant, chosen)
    return response


@router.get("/forgot-password")
async def show_forgot(viewer: AnyVisitor) -> Response:
    return viewer.page("signing_in/forgot.html", is_sent=False, email="")


@router.post("/forgot-password")
async def forgot(viewer: AnyVisitor) -> Response:
    form = await viewer.form()
    try:
        body = {"email": form.text("email")}
        await _auth(viewer, "POST", "/v1/password/forgot", type(None), body)
    except Refused as refused:
        return viewer.page(
            "signing_in/forgot.html",
            status=refused.problem.status,
            problem=refused.problem,
            here="/forgot-password",
            is_sent=False,
            email=form.text("email"),
        )
    return viewer.page("signing_in/forgot.html", here="/forgot-password", is_sent=True, email="")


@router.get("/reset-password")
async def show_reset(viewer: AnyVisitor) -> Response:
    return await _link_page(viewer, "reset", viewer.query.get("link", ""))


@router.post("/reset-password")
async def reset(viewer: AnyVisitor) -> Response:
    form = await viewer.form()
    try:
        opened = await _show(viewer, "reset", form.text("link"))
        body = {"link": form.text("link"), "password": form.secret("password")}
        await _auth(viewer, "POST", "/v1/password/reset", type(None), body)
    except Refused as refused:
        return await _link_page(viewer, "reset", form.text("link"), form, refused.problem)
    return await _entered(viewer, opened.email, form)


@router.get("/invitation")
async def show_invitation(viewer: AnyVisitor) -> Response:
    return await _link_page(viewer, "invitation", viewer.query.get("link", ""))


@router.post("/invitation")
async def accept_invitation(viewer: AnyVisitor) -> Response:
    form = await viewer.form()
    body: dict[str, Any] = {"link": form.text("link")}
    if password := form.secret("password"):
        body["password"] = password
    if name := form.text("display_name"):
        body |= {"display_name": name, "language": viewer.language}
    try:
        opened = await _show(viewer, "invitation", form.text("link"))
        await _auth(viewer, "POST", "/v1/invitations/accept", type(None), body)
    except Refused as refused:
        return await _link_page(viewer, "invitation", form.text("link"), form, refused.problem)
    return await _entered(viewer, opened.email, form)


async def _entered(viewer: Visitor, email: str, form: Form) -> Response:
    """Signed in with the password that was just set; else where to sign in with the old one."""
    if password := form.secret("password"):
        with suppress(Refused):  # a second factor is asked for on the page to sign in
            return await _signed_in(viewer, Form([("email", email), ("password", password)]), "/")
    return see_other("/sign-in")


async def _link_page(
    viewer: Visitor,
    kind: str,
    link: str,
    form: Form | None = None,
    problem: Problem | None = None,
) -> Response:
    """What the link opens; one that opens no more says so."""
    opened = None
    try:
        opened = await _show(viewer, kind, link)
    except Refused as refused:
        problem = refused.problem
    return viewer.page(
        "signing_in/link.html",
        status=problem.status if problem else 200,
        problem=problem,
        here=f"/{PAGES[kind]}?{urlencode({'link': link})}",
        kind=kind,
        link=link,
        opened=opened,
        values=form.values if form else {},
    )


async def _show(viewer: Visitor, kind: str, link: str) -> LinkShown:
    return await _auth(viewer, "POST", "/v1/links/show", LinkShown, {"kind": kind, "link": link})


@router.get("/first-run")
async def show_first_run(viewer: AnyVisitor) -> Response:
    return viewer.page("signing_in/first_run.html", values={})


@router.post("/first-run")
async def first_run(viewer: AnyVisitor) -> Response:
    """The first operator, made by whoever holds the installation's own API client."""
    form = await viewer.form()
    grant = {
        "grant_type": "client_credentials",
        "client_id": form.text("client_id"),
        "client_secret": form.text("client_secret"),
    }
    within = viewer.console.settings.form_seconds
    services = viewer.console.services
    try:
        token = await services.send(
            "POST",
            AUTH,
            "/v1/token",
            ServiceToken,
            within=within,
            data=grant,
            headers=viewer.origin_headers(),
        )
        invited = await services.send(
            "POST",
            AUTH,
            "/v1/operators",
            Invitation,
            within=within,
            bearer=token.access_token,
            body={"email": form.text("email")},
        )
    except Refused as refused:
        values = {"email": form.text("email"), "client_id": form.text("client_id")}
        return viewer.page(
            "signing_in/first_run.html",
            status=refused.problem.status,
            problem=refused.problem,
            here="/first-run",
            values=values,
        )
    found = _LINK.search(invited.link or "")
    return see_other(f"/invitation?link={found[1]}" if found else "/sign-in")


async def _auth(viewer: Visitor, method: str, where: str, form: type[T], body: Any) -> T:
    return await viewer.console.services.send(
        method,
        AUTH,
        where,
        form,
        within=viewer.console.settings.form_seconds,
        body=body,
        headers=viewer.origin_headers(),
    )
