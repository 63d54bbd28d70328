"""Who looks at a page, for which merchant, in which language: what every route begins with."""

import re
import secrets
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from starlette.responses import Response

from common import clock
from common.web.identity import IDENTIFIER_PATTERN
from console.browser import ConsoleCookies, require_form
from console.forms import Form, open_upload, read_form
from console.headers import FORMS, PICTURES
from console.live import LiveStreams, Look
from console.rendering import render
from console.services import Listed, Page, Query, Refused, ServiceName, Services, path
from console.settings import ConsoleSettings
from console.texts import Formats, chosen_language, zone_of
from console.tokens import Grant, Me, Tokens
from console.unread import UnreadCounts

T = TypeVar("T")
PER_PAGE = 50
_ID = re.compile(IDENTIFIER_PATTERN)


class NotSignedIn(Exception):
    """Nobody is signed in, or the session has ended."""


class NoMerchant(Exception):
    """The page is a merchant's, and the person has not said whose."""


@dataclass(frozen=True)
class Console:
    """What the process has once: the services, what sessions are worth, its settings."""

    settings: ConsoleSettings
    services: Services
    tokens: Tokens
    names: ConsoleCookies
    unread: UnreadCounts
    live: LiveStreams


@dataclass
class Visitor:
    """Whoever opens a page; nothing is known of them but their browser."""

    request: Request
    console: Console
    me: Me | None = None
    session: str | None = None
    merchant_id: str | None = None
    unread: int | None = None
    """How many troubles the person has not read, where that is known."""
    _fresh_form: str | None = field(default=None, repr=False)

    @cached_property
    def language(self) -> str:
        """The person's, else the one chosen in this browser, else the browser's own."""
        wanted = self.me.language if self.me else None
        chosen = self.request.cookies.get(self.console.names.language)
        return chosen_language(wanted or chosen, self.request.headers.get("accept-language", ""))

    @property
    def is_fragment(self) -> bool:
        """Whether a part of a page is asked for, by script."""
        return self.request.headers.get("hx-request") == "true" or self.is_streamed

    @property
    def is_streamed(self) -> bool:
        """Whether a stream of a part of a page is asked for."""
        return "text/event-stream" in self.request.headers.get("accept", "")

    def follows(self, part: str) -> bool:
        """Whether this part of the page is asked for by itself."""
        return self.is_fragment and self.query.get("part") == part

    def is_later(self, part: str) -> bool:
        """Whether a part of the page that takes long is left to be asked for by itself: always but
        when it is, by script (`part`) or by the link that stands there without (`show`)."""
        return part not in (self.query.get("part"), self.query.get("show"))

    @property
    def query(self) -> Mapping[str, str]:
        """The address's parameters."""
        return self.request.query_params

    @property
    def address(self) -> str:
        """What is asked for: the path, and the query if there is one."""
        url = self.request.url
        return url.path + (f"?{url.query}" if url.query else "")

    def form_token(self) -> str:
        """The token of this browser's forms: of the cookies that a form will come back with. A
        session that has ended, or is another's, comes back as well."""
        names, cookies = self.console.names, self.request.cookies
        key = self.session or cookies.get(names.session) or cookies.get(names.form)
        if key is None:
            key = self._fresh_form = self._fresh_form or secrets.token_urlsafe(32)
        return self.console.names.token_of(key)

    async def form(self) -> Form:
        """The form that was sent, which must be this browser's. Raises `FormForeign`."""
        read = await self.sent()
        self.require(read)
        return read

    async def sent(self) -> Form:
        """The form that was sent, whosesoever it is; a request has it once."""
        state = self.request.state
        if not hasattr(state, "form"):
            state.form = await read_form(self.request)
        found: Form = state.form
        return found

    async def upload(self) -> tuple[Form, str, AsyncIterator[bytes]]:
        """A form with a file, whose fields were looked at before the file is read."""
        read, content_type, rest = await open_upload(self.request)
        self.require(read)
        return read, content_type, rest

    def require(self, read: Form) -> None:
        """Raises `FormForeign` for a form of another site, or another browser."""
        require_form(
            self.request.cookies,
            self.console.names,
            read.text("csrf"),
            headers=self.request.headers,
            origin=self.console.settings.origin,
        )

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        block: str | None = None,
        pictures: bool = False,
        forms_to: str = "",
        here: str = "/sign-in",
        **context: Any,
    ) -> HTMLResponse:
        """The template as a page; a part of it where a part is asked for. `here` is the address
        that shows an answer to a form again, to a visitor who chooses another language."""
        zone = zone_of(self.me.time_zone if self.me else "UTC")
        html = render(
            self.language,
            template,
            {
                "viewer": self,
                "csrf": self.form_token(),
                "formats": Formats(self.language, zone, clock.now()),
                "problem": None,
                "problem_of": "",
                "kept": "",
                "here": self.address if self.request.method in {"GET", "HEAD"} else here,
                **context,
            },
            block=block if self.is_fragment else None,
        )
        self.request.scope[PICTURES] = self.console.settings.picture_sources if pictures else ""
        self.request.scope[FORMS] = forms_to
        response = HTMLResponse(html, status_code=status)
        if self._fresh_form is not None:
            self.keep(response, self.console.names.form, self._fresh_form)
        return response

    def keep(
        self, response: Response, name: str, value: str, *, seconds: int | None = None
    ) -> None:
        """Give the browser a cookie, for as long as it is open or for so long."""
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",
            secure=self.console.names.is_secure,
            httponly=True,
            samesite="lax",
        )

    def forget(self, response: Response, name: str) -> None:
        """Take a cookie back."""
        response.delete_cookie(
            name, path="/", secure=self.console.names.is_secure, httponly=True, samesite="lax"
        )

    def origin_headers(self) -> dict[str, str]:
        """From where the browser comes, for auth-service's throttle and list of sessions."""
        client = self.request.client
        return {
            "X-Forwarded-For": client.host if client else "",
            "User-Agent": self.request.headers.get("user-agent", ""),
        }


@dataclass
class Person(Visitor):
    """Somebody who is signed in."""

    me: Me = field(kw_only=True)
    session: str = field(kw_only=True)
    scopes: Collection[str] = field(default=(), kw_only=True)
    """What auth-service lets the person do for the merchant they are a member of."""

    @property
    def is_operator(self) -> bool:
        """Whether the person runs the installation."""
        return self.me.is_operator

    @property
    def roles(self) -> Mapping[str, str]:
        """The person's role by merchant."""
        return {member.merchant_id: member.role for member in self.me.memberships}

    def may(self, scope: str) -> bool:
        """Whether what a page offers is the person's to do; the services decide again."""
        if self.merchant_id is None or self.merchant_id not in self.roles:
            return self.is_operator
        return scope in self.scopes

    async def grant(self, merchant_id: str | None) -> Grant:
        """The person's token: of a membership, else an operator's."""
        member_of = merchant_id if merchant_id in self.roles else None
        return await self.console.tokens.grant(self.session, member_of)

    async def send(
        self,
        method: str,
        service: ServiceName,
        form: str,
        *ids: str,
        answer: type[T],
        within: float | None = None,
        **request: Any,
    ) -> T:
        """A request on the person's behalf. Raises `Refused` and `Away`."""
        settings = self.console.settings
        usual = settings.panel_seconds if method == "GET" else settings.form_seconds
        where = path(form, *ids)
        grant = await self.grant(self.merchant_id)
        try:
            return await self.console.services.send(
                method,
                service,
                where,
                answer,
                within=within or usual,
                bearer=grant.access_token,
                **request,
            )
        except Refused as refused:
            if refused.problem.status == 401:  # the keys were changed, or the session has ended
                self.console.tokens.forget(self.session)
            raise

    async def get(
        self,
        service: ServiceName,
        form: str,
        *ids: str,
        answer: type[T],
        query: Query | None = None,
    ) -> T:
        """GET, decoded."""
        return await self.send("GET", service, form, *ids, answer=answer, query=query)

    async def listed(
        self,
        service: ServiceName,
        form: str,
        *ids: str,
        of: type[T],
        query: Query | None = None,
        limit: int = PER_PAGE,
    ) -> Listed:
        """A page of a list; the place in it is the address's `cursor` unless the query has one."""
        asked: Query = {"limit": limit, **(query or {})}
        found = await self.get(service, form, *ids, answer=Page, query=asked)
        decoder = msgspec.json.Decoder(of)
        return Listed([decoder.decode(item) for item in found.items], found.next_cursor)

    async def passed_on(
        self, service: ServiceName, form: str, *ids: str, query: Query, name: str
    ) -> StreamingResponse:
        """A download under this name, passed on while it comes. Raises as `send`."""
        grant = await self.grant(self.merchant_id)
        headers, chunks = await self.console.services.stream(
            service, path(form, *ids), bearer=grant.access_token, query=query
        )
        return StreamingResponse(
            chunks,
            media_type=headers.get("content-type", "application/octet-stream"),
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def followed(self, look: Look) -> Response:
        """The part of a page that `look` gives; as a stream where the browser asks for one."""
        if self.is_streamed:
            return self.console.live.stream(self.session, look)
        return await look()

    async def mine(self, method: str, where: str, answer: type[T], body: Any = None) -> T:
        """A request of auth-service that goes by the session itself."""
        return await self.console.services.send(
            method,
            "auth-service",
            where,
            answer,
            within=self.console.settings.form_seconds,
            bearer=self.session,
            body=body,
            headers=self.origin_headers(),
        )


@dataclass
class Member(Person):
    """Somebody who looks at a merchant's pages: as its member, or as an operator."""

    merchant_id: str = field(kw_only=True)

    def m(self, rest: str) -> str:
        """A REST path below the merchant."""
        return path("/v1/merchants/{}", self.merchant_id) + rest  # an id has no braces


def visitor(request: Request) -> Visitor:
    """FastAPI dependency: whoever opens the page."""
    return Visitor(request, request.app.state.console)


async def signed_in(request: Request) -> Person:
    """FastAPI dependency: who is signed in. Raises `NotSignedIn`."""
    console: Console = request.app.state.console
    session = request.cookies.get(console.names.session)
    if not session:
        raise NotSignedIn
    me = await console.tokens.me(session)
    person = Person(
        request, console, me=me, session=session, merchant_id=_merchant(request, console, me)
    )
    chosen = person.merchant_id
    if chosen is not None and chosen in person.roles:
        person.scopes = (await person.grant(chosen)).scopes
        if not person.is_fragment:
            person.unread = await console.unread.count(session, chosen)
    return person


async def of_merchant(request: Request) -> Member:
    """FastAPI dependency: who is signed in, and whose pages they look at."""
    return as_member(await signed_in(request))


def as_member(person: Person) -> Member:
    """The person at the merchant they look at. Raises `NoMerchant`."""
    if person.merchant_id is None:
        raise NoMerchant
    return Member(
        person.request,
        person.console,
        me=person.me,
        session=person.session,
        merchant_id=person.merchant_id,
        scopes=person.scopes,
        unread=person.unread,
    )


def _merchant(request: Request, console: Console, me: Me) -> str | None:
    """The merchant of the browser's cookie if it is the person's, else the first of theirs."""
    chosen = request.cookies.get(console.names.merchant, "")
    own = [member.merchant_id for member in me.memberships]
    if chosen in own or (me.is_operator and _ID.fullmatch(chosen)):
        return chosen
    return own[0] if own else None


def see_other(where: str) -> RedirectResponse:
    """Where to go after a change: loading that page again changes nothing again."""
    return RedirectResponse(where, status_code=303)


AnyVisitor = Annotated[Visitor, Depends(visitor)]
SignedIn = Annotated[Person, Depends(signed_in)]
OfMerchant = Annotated[Member, Depends(of_merchant)]
