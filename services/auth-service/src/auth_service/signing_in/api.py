"""The pages' routes. Nobody's token is asked for: links, cookies and passwords say who it is."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from auth_service.access import MerchantId, ShopId
from auth_service.clients.secrets import new_secret
from auth_service.connecting.api import START_PATH
from auth_service.html import HEADERS
from auth_service.invitations.invite_person import Sender, forgot_password
from auth_service.invitations.open_link import accept_invitation, reset_password, show_link
from auth_service.sessions.holder import origin_of
from auth_service.sessions.session import WHOLE, Session, SessionEnded
from auth_service.sessions.sign_in import Credentials, Guard, end_session, open_session, sign_in
from auth_service.settings import AuthSettings
from auth_service.shops.store import Shop
from auth_service.signing_in import pages
from auth_service.signing_in.form_foreign import FormForeign
from auth_service.signing_in.renew_connection import NotAnOwner, begin_renewal, show_renewal
from common.errors import Refusal
from common.postgres.pool import Pool
from common.web.door import address_of
from common.web.forms import CookieNames, safe_next
from common.web.identity import IDENTIFIER_PATTERN, for_everybody
from common.web.routing import new_router

SIGN_IN, SIGN_OUT = "/v1/sign-in", "/v1/sign-out"
FORGOT, RESET, INVITATION = "/v1/forgot-password", "/v1/reset-password", "/v1/invitation"
RENEW = "/v1/renew"
PAGES = (SIGN_IN, SIGN_OUT, FORGOT, RESET, INVITATION, RENEW)
"""Paths that take forms of callers without a token."""

Text = Annotated[str, Field(max_length=4_000)]
InQuery = Annotated[str, Query(max_length=1_000)]
Named = Annotated[str, Field(pattern=IDENTIFIER_PATTERN)]


class ButtonForm(BaseModel):
    """A form with a button alone; `token` says that this browser was given it."""

    model_config = ConfigDict(extra="forbid")

    token: Text = ""


class SignInForm(ButtonForm):
    """Who signs in, and where to go then."""

    email: Text = ""
    password: Text = ""
    code: Text = ""
    next: Text = ""


class EmailForm(ButtonForm):
    """Who forgot the password."""

    email: Text = ""


class LinkForm(ButtonForm):
    """The secret of the link that was opened, and a new password where one is asked for."""

    link: Text = ""
    password: Text = ""


class RenewForm(ButtonForm):
    """Which shop to renew."""

    merchant_id: Named
    shop_id: Named


class _Browser:
    """Cookies and forms of browsers."""

    def __init__(self, pool: Pool, *, is_secure: bool) -> None:
        self._pool = pool
        self.names = CookieNames("channel", is_secure=is_secure)

    def show(
        self, request: Request, form: pages.Form, refusal: Refusal | None = None
    ) -> HTMLResponse:
        """The form, with a token of this browser's; a new browser gets its cookie."""
        token, fresh = self.names.form_token(request.cookies), None
        if token is None:
            fresh = new_secret()
            token = self.names.token_of(fresh)
        page = pages.form_page(form, token, refusal=refusal)
        if fresh is not None:
            self.keep(page, self.names.form, fresh, seconds=None)
        return page

    def require_form(self, request: Request, token: str) -> None:
        if not self.names.is_own(request.cookies, token):
            raise FormForeign

    async def session(self, request: Request) -> Session:
        """The living session of the browser. Raises `SessionEnded`."""
        secret = request.cookies.get(self.names.session)
        if not secret:
            raise SessionEnded
        return await open_session(self._pool, secret)

    def keep(self, response: Response, name: str, value: str, *, seconds: int | None) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",
            secure=self.names.is_secure,
            httponly=True,
            samesite="lax",
        )

    def forget_session(self, response: Response) -> None:
        response.delete_cookie(
            self.names.session, path="/", secure=self.names.is_secure, httponly=True
        )


def signing_in_router(
    pool: Pool, guard: Guard, sender: Sender, settings: AuthSettings
) -> APIRouter:
    """The pages, and what their forms do."""
    router = new_router(
        tags=["pages"],
        dependencies=[Depends(for_everybody)],
        default_response_class=HTMLResponse,
    )
    browser = _Browser(pool, is_secure=settings.public_url.startswith("https:"))
    _add_sign_in(router, pool, guard, browser)
    _add_passwords(router, pool, guard, sender, browser)
    _add_invitation(router, pool, guard, browser)
    _add_renewal(router, pool, browser, settings.eligibility_contact)
    return router


def _add_sign_in(router: APIRouter, pool: Pool, guard: Guard, browser: _Browser) -> None:
    @router.get(SIGN_IN)
    async def show_sign_in(
        request: Request, next_path: Annotated[str, Query(alias="next", max_length=1_000)] = ""
    ) -> Response:
        """Who is signed in, or the form to."""
        try:
            session = await browser.session(request)
        except SessionEnded:
            return browser.show(request, pages.sign_in_form(safe_next(next_path) or ""))
        return browser.show(request, pages.signed_in_form(session.person))

    @router.post(SIGN_IN)
    async def do_sign_in(request: Request, form: Annotated[SignInForm, Form()]) -> Response:
        """Sign in: a new session in the browser's cookie, whatever it held before."""
        wanted = safe_next(form.next) or ""
        credentials = Credentials(form.email, form.password, form.code or None)
        try:
            browser.require_form(request, form.token)
            made = await sign_in(pool, guard, credentials, origin_of(request))
        except Refusal as refusal:
            return browser.show(request, pages.sign_in_form(wanted, form.email), refusal)
        response = RedirectResponse(wanted or SIGN_IN, status_code=303, headers=HEADERS)
        browser.keep(
            response,
            browser.names.session,
            made.secret,
            seconds=int(WHOLE.total_seconds()),
        )
        return response

    @router.post(SIGN_OUT)
    async def do_sign_out(request: Request, form: Annotated[ButtonForm, Form()]) -> Response:
        """End the browser's session."""
        try:
            browser.require_form(request, form.token)
            session = await browser.session(request)
        except Refusal as refusal:
            return pages.refused_page(refusal)
        await end_session(pool, session.person, session.session_id)
        page = pages.done_page("You are signed out", "You may close this window.")
        browser.forget_session(page)
        return page


def _add_passwords(
    router: APIRouter, pool: Pool, guard: Guard, sender: Sender, browser: _Browser
) -> None:
    @router.get(FORGOT)
    async def show_forgot(request: Request) -> Response:
        """Ask for a link to set another password."""
        return browser.show(request, pages.FORGOT_FORM)

    @router.post(FORGOT)
    async def do_forgot(
        request: Request, background: BackgroundTasks, form: Annotated[EmailForm, Form()]
    ) -> Response:
        """Mail the link, if there is such a person; nobody is told whether."""
        try:
            browser.require_form(request, form.token)
            guard.throttle.begin_forgotten(address_of(request.scope))
        except Refusal as refusal:
            return browser.show(request, pages.FORGOT_FORM, refusal)
        background.add_task(forgot_password, pool, sender, form.email)
        page = pages.done_page(
            "Look into your mail",
            "If somebody signs in with this address, a link is on its way. It opens for an hour.",
        )
        page.background = background
        return page

    @router.get(RESET)
    async def show_reset(request: Request, link: InQuery = "") -> Response:
        """What the link of the mail opens."""
        try:
            opened = await show_link(pool, "reset", link)
        except Refusal as refusal:
            return pages.refused_page(refusal)
        return browser.show(request, pages.reset_form(opened, link))

    @router.post(RESET)
    async def do_reset(request: Request, form: Annotated[LinkForm, Form()]) -> Response:
        """Set the password."""
        try:
            opened = await show_link(pool, "reset", form.link)
        except Refusal as refusal:
            return pages.refused_page(refusal)
        try:
            browser.require_form(request, form.token)
            await reset_password(pool, guard, form.link, form.password)
        except Refusal as refusal:
            return browser.show(request, pages.reset_form(opened, form.link), refusal)
        page = pages.done_page("The password is set", "Sign in with it.", links=pages.TO_SIGN_IN)
        browser.forget_session(page)
        return page


def _add_invitation(router: APIRouter, pool: Pool, guard: Guard, browser: _Browser) -> None:
    @router.get(INVITATION)
    async def show_invitation(request: Request, link: InQuery = "") -> Response:
        """What the link of the mail invites to."""
        try:
            opened = await show_link(pool, "invitation", link)
        except Refusal as refusal:
            return pages.refused_page(refusal)
        return browser.show(request, pages.invitation_form(opened, link))

    @router.post(INVITATION)
    async def do_accept(request: Request, form: Annotated[LinkForm, Form()]) -> Response:
        """Accept it."""
        try:
            opened = await show_link(pool, "invitation", form.link)
        except Refusal as refusal:
            return pages.refused_page(refusal)
        try:
            browser.require_form(request, form.token)
            await accept_invitation(pool, guard, form.link, password=form.password or None)
        except Refusal as refusal:
            return browser.show(request, pages.invitation_form(opened, form.link), refusal)
        return pages.done_page(
            "Welcome", f"Sign in with {opened.person.email}.", links=pages.TO_SIGN_IN
        )


def _add_renewal(router: APIRouter, pool: Pool, browser: _Browser, contact: str) -> None:
    @router.get(RENEW + "/{merchant_id}/{shop_id}")
    async def show_renew(request: Request, merchant_id: MerchantId, shop_id: ShopId) -> Response:
        """The link of mails about a token: first signing in, then a button."""
        try:
            session = await browser.session(request)
        except SessionEnded:
            back = f"{RENEW}/{merchant_id}/{shop_id}"
            return RedirectResponse(f"{SIGN_IN}?next={back}", status_code=303, headers=HEADERS)
        try:
            renewal = await show_renewal(pool, session.person, merchant_id, shop_id)
        except NotAnOwner as refusal:
            return pages.refused_page(refusal, pages.owners_to_ask(refusal.owners))
        except Refusal as refusal:
            return pages.refused_page(refusal)
        form = pages.renew_form(renewal.merchant_name, merchant_id, shop_id, _until(renewal.shop))
        return browser.show(request, form)

    @router.post(RENEW)
    async def do_renew(request: Request, form: Annotated[RenewForm, Form()]) -> Response:
        """The button: a new way to AliExpress begins."""
        try:
            browser.require_form(request, form.token)
            session = await browser.session(request)
            ticket = await begin_renewal(
                pool, session.person, form.merchant_id, form.shop_id, contact=contact
            )
        except NotAnOwner as refusal:
            return pages.refused_page(refusal, pages.owners_to_ask(refusal.owners))
        except Refusal as refusal:
            return pages.refused_page(refusal)
        return RedirectResponse(
            f"{START_PATH}?ticket={ticket.value}", status_code=303, headers=HEADERS
        )


def _until(shop: Shop) -> str:
    if shop.connection == "connected" and shop.expires_at is not None:
        return f"is connected until {shop.expires_at:%d %B %Y, %H:%M} UTC."
    return "is not connected now."
