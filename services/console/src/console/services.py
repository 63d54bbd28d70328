"""The other services' REST: typed answers, deadlines, problems as exceptions.

Answers are msgspec structs of what a page needs (`answers/`), held against the committed OpenAPI
documents by a test; whatever else an answer has is passed over.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

T = TypeVar("T")
ServiceName = Literal["auth-service", "catalog-service", "feed-publisher", "order-importer"]
AUTH: ServiceName = "auth-service"
CATALOG: ServiceName = "catalog-service"
PUBLISHER: ServiceName = "feed-publisher"
ORDERS: ServiceName = "order-importer"
Query = Mapping[str, str | int | bool | Sequence[str] | None]


class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one field of a request."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457 problem details as our services write them."""

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
        """The last part of the problem's type."""
        return self.type.rpartition(":")[2]


class Refused(Exception):
    """A service said no, or has no such thing."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title)
        self.problem = problem


class Away(Exception):
    """A service did not answer, not in time, or not in words we know."""

    def __init__(self, service: ServiceName, reason: str) -> None:
        super().__init__(f"{service}: {reason}")
        self.service = service


class Page(msgspec.Struct, frozen=True):
    """A page of a list, undecoded."""

    items: list[msgspec.Raw]
    next_cursor: str | None = None


@dataclass(frozen=True)
class Listed:
    """A page of a list: its items, of the kind that was asked for, and where the next begins."""

    items: list[Any]
    next_cursor: str | None


class _Readiness(msgspec.Struct, frozen=True):
    components: dict[str, bool]


@dataclass(frozen=True)
class Health:
    """How well a service is: `is_ready` is None where it did not say (its probes may be served
    elsewhere), `unwell` are the parts that are not; none, where it did not answer at all."""

    service: ServiceName
    is_ready: bool | None
    milliseconds: int
    unwell: list[str]


NOT_FOUND = Problem(title="Nothing of that name", status=404, remedy="Check the address.")


def path(form: str, *ids: str) -> str:
    """A REST path with each `{}` filled by an id, quoted; raises `Refused` (404) for none."""
    for value in ids:
        if value in {"", ".", ".."} or "\x00" in value:
            raise Refused(NOT_FOUND)
    return form.format(*(quote(value, safe="") for value in ids))


class Services:
    """Requests to the services by name."""

    def __init__(self, http: httpx2.AsyncClient, urls: Mapping[ServiceName, str]) -> None:
        self._http = http
        self._urls = urls

    async def send(
        self,
        method: str,
        service: ServiceName,
        where: str,
        form: type[T],
        *,
        within: float,
        bearer: str | None = None,
        body: Any = None,
        query: Query | None = None,
        **request: Any,
    ) -> T:
        """One request, its answer decoded (`NoneType`: whatever it is). Raises `Refused`, `Away`.

        `request` may hold what httpx2 takes beside: `headers`, `content`, `data`.
        """
        headers = dict(request.pop("headers", {}))
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        params = _parameters(query) or None  # an empty one would take away that of `where`
        try:
            async with asyncio.timeout(within):
                answer = await self._http.request(
                    method,
                    self._urls[service].rstrip("/") + where,
                    headers=headers,
                    params=params,
                    json=body,
                    timeout=within,
                    **request,
                )
        except (TimeoutError, httpx2.TimeoutException):
            raise Away(service, "it did not answer in time") from None
        except httpx2.HTTPError as error:
            raise Away(service, type(error).__name__) from None
        _raise_for_problem(service, answer.status_code, answer.content)
        return _decoded(service, answer.content, form)

    async def health(self, service: ServiceName, *, within: float) -> Health:
        """How well a service says it is, and how long that took."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(within):
                answer = await self._http.get(
                    self._urls[service].rstrip("/") + "/health/ready", timeout=within
                )
            known = msgspec.json.decode(answer.content, type=_Readiness)
        except (TimeoutError, httpx2.HTTPError):
            return Health(service, False, 0, [])
        except msgspec.MsgspecError:
            return Health(service, None, 0, [])
        unwell = [name for name, is_well in known.components.items() if not is_well]
        return Health(service, not unwell, round(1000 * (time.monotonic() - began)), unwell)

    async def stream(
        self, service: ServiceName, where: str, *, bearer: str, query: Query | None = None
    ) -> tuple[Mapping[str, str], AsyncIterator[bytes]]:
        """An answer of any length: its headers, and its bytes while they come. Raises as `send`."""
        params = _parameters(query) or None  # an empty one would take away that of `where`
        asked = self._http.build_request(
            "GET",
            self._urls[service].rstrip("/") + where,
            params=params,
            headers={"Authorization": f"Bearer {bearer}"},
        )
        try:
            answer = await self._http.send(asked, stream=True)
            if answer.status_code >= 400:
                content = await answer.aread()
                await answer.aclose()
                _raise_for_problem(service, answer.status_code, content)
        except httpx2.HTTPError as error:
            raise Away(service, type(error).__name__) from None

        async def chunks() -> AsyncIterator[bytes]:
            try:
                async for chunk in answer.aiter_bytes():
                    yield chunk
            finally:
                await answer.aclose()

        return answer.headers, chunks()


def _parameters(query: Query | None) -> dict[str, str | list[str]]:
    """The query as it is sent: a name with several values comes several times, None not at all."""
    found: dict[str, str | list[str]] = {}
    for name, value in (query or {}).items():
        if isinstance(value, bool):
            found[name] = str(value).lower()
        elif isinstance(value, str | int):
            found[name] = str(value)
        elif value is not None:
            found[name] = list(value)
    return found


def _raise_for_problem(service: ServiceName, status: int, content: bytes) -> None:
    if status < 400:
        return
    try:
        problem = msgspec.json.decode(content, type=Problem)
    except msgspec.MsgspecError:
        raise Away(service, f"it answered HTTP {status}") from None
    if status >= 500:
        raise Away(service, problem.title)
    raise Refused(problem)


def _decoded(service: ServiceName, content: bytes, form: type[T]) -> T:
    if form is type(None):
        return form()
    try:
        return msgspec.json.decode(content, type=form)
    except msgspec.MsgspecError as error:
        raise Away(service, f"its answer is not as promised: {error}") from None
