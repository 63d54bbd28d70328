"""One conversation with the services: bearer tokens, typed answers, problems as exceptions."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec

from channel_cli.settings import ADDRESS_SETTINGS, AUTH, Access
from common.outbound.http_client import HttpClient

T = TypeVar("T")
Query = Mapping[str, str | int | bool | None]

TIMEOUT = httpx2.Timeout(60.0, connect=5.0)


class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one field of the request."""

    field: str
    message: str


class Problem(Exception):
    """A service said no, in RFC 9457 problem details: what, where, by which rule, what next."""

    def __init__(self, details: "ProblemDetails") -> None:
        super().__init__(details.title)
        self.details = details


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a problem answer; unknown members are left out."""

    title: str
    status: int
    type: str = "about:blank"
    remedy: str | None = None
    detail: str | None = None
    field: str | None = None
    rule: str | None = None
    errors: list[FieldProblem] = msgspec.field(default_factory=list)

    @property
    def slug(self) -> str:
        """The last part of the problem's type, which programs may go by."""
        return self.type.rpartition(":")[2]


class Unreachable(Exception):
    """A service does not answer."""

    def __init__(self, service: str, url: str, reason: str) -> None:
        super().__init__(f"{service} does not answer at {url} ({reason})")
        self.service = service


class TookTooLong(Exception):
    """What was awaited did not come in time; the text says what."""


class _Token(msgspec.Struct):
    access_token: str


class _Page(msgspec.Struct):
    items: list[msgspec.Raw]
    next_cursor: str | None = None


@dataclass
class Session:
    """Requests to the services by name. `open_session` makes it."""

    access: Access
    http: httpx2.AsyncClient
    _token: str | None = field(default=None, repr=False)

    async def get(self, service: str, path: str, form: type[T], query: Query | None = None) -> T:
        """GET, decoded. Raises `Problem` and `Unreachable`, as every method here."""
        return await self.send("GET", service, path, form, query=query)

    async def send(
        self,
        method: str,
        service: str,
        path: str,
        form: type[T],
        *,
        body: Any = None,
        content: bytes | None = None,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        files: Mapping[str, Any] | None = None,
    ) -> T:
        """Any method, its answer decoded as `form` (None: the answer does not matter)."""
        answer = await self._authorised(
            method,
            service,
            path,
            json=body,
            content=content,
            params={name: value for name, value in (query or {}).items() if value is not None},
            headers=dict(headers or {}),
            files=files,
        )
        if form is type(None):
            return form()
        return msgspec.json.decode(answer.content, type=form)

    async def items(
        self,
        service: str,
        path: str,
        form: type[T],
        query: Query | None = None,
        *,
        limit: int = 200,
    ) -> AsyncIterator[T]:
        """Every item of a paged list, page after page."""
        decoder = msgspec.json.Decoder(form)
        asked: dict[str, str | int | bool | None] = {**(query or {}), "limit": limit}
        while True:
            page = await self.get(service, path, _Page, asked)
            for item in page.items:
                yield decoder.decode(item)
            if page.next_cursor is None:
                return
            asked["cursor"] = page.next_cursor

    async def text(self, service: str, path: str, media_type: str) -> str:
        """GET an answer that is no JSON, such as a CSV download."""
        answer = await self._authorised("GET", service, path, headers={"Accept": media_type})
        return answer.text

    async def save(self, service: str, path: str, file: Path, query: Query | None = None) -> None:
        """GET an answer of any length into a file, which is there only once it is whole."""
        part = file.with_name(f"{file.name}.part")
        headers = {"Authorization": f"Bearer {await self._bearer()}"}
        url = self.url(service)
        try:
            async with self.http.stream(
                "GET", url + path, headers=headers, params=dict(query or {})
            ) as answer:
                if answer.is_error:
                    await answer.aread()
                raise_for_problem(answer)
                with part.open("wb") as out:
                    async for chunk in answer.aiter_bytes():
                        out.write(chunk)
        except httpx2.HTTPError as error:
            part.unlink(missing_ok=True)
            raise Unreachable(service, url, type(error).__name__) from None
        part.replace(file)

    def url(self, service: str) -> str:
        """A service's base address; raises `Unreachable` when it is not known."""
        try:
            return self.access.urls[service]
        except KeyError:
            setting = ADDRESS_SETTINGS.get(service, "its address")
            raise Unreachable(service, "an unknown address", f"set {setting}") from None

    async def _authorised(
        self, method: str, service: str, path: str, *, headers: dict[str, str], **request: Any
    ) -> httpx2.Response:
        """One request; a token that has run out is replaced once."""
        for is_last in (False, True):
            bearer = {"Authorization": f"Bearer {await self._bearer()}"}
            answer = await self._request(method, service, path, headers=headers | bearer, **request)
            if answer.status_code != 401 or is_last:
                break
            self._token = None
        raise_for_problem(answer)
        return answer

    async def _bearer(self) -> str:
        if self._token is None:
            grant = {
                "grant_type": "client_credentials",
                "client_id": self.access.client_id,
                "client_secret": self.access.client_secret.get_secret_value(),
            }
            answer = await self._request("POST", AUTH, "/v1/token", data=grant)
            raise_for_problem(answer)
            self._token = msgspec.json.decode(answer.content, type=_Token).access_token
        return self._token

    async def _request(
        self, method: str, service: str, path: str, **request: Any
    ) -> httpx2.Response:
        url = self.url(service)
        try:
            return await self.http.request(method, url + path, **request)
        except httpx2.HTTPError as error:
            raise Unreachable(service, url, type(error).__name__) from None


@asynccontextmanager
async def open_session(access: Access) -> AsyncIterator[Session]:
    """A session for the body of the `async with`."""
    async with HttpClient(timeout=TIMEOUT) as http:
        yield Session(access, http)


def raise_for_problem(answer: httpx2.Response) -> None:
    """Raises `Problem` for an answer of status 400 or above."""
    if answer.status_code < 400:
        return
    try:
        details = msgspec.json.decode(answer.content, type=ProblemDetails)
    except msgspec.MsgspecError:
        details = ProblemDetails(
            title=f"the answer was HTTP {answer.status_code} without problem details",
            status=answer.status_code,
            remedy="Read the log of the service.",
        )
    raise Problem(details)
