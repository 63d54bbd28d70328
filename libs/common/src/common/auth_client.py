"""Our own calls to auth-service, with a service token that is fetched and dropped as needed."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import httpx2
import msgspec
import structlog
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor
from pydantic import SecretStr

from common import clock
from common.errors import Outage
from common.outbound.http_client import HttpClient

log = structlog.get_logger()

F = TypeVar("F")

Body = Mapping[str, int | Sequence[str]]


class AuthClient:
    """Calls auth-service as an API client of its own. Close it with `aclose`."""

    def __init__(self, auth_url: str, client_id: str, client_secret: SecretStr) -> None:
        self._client = HttpClient(base_url=auth_url, timeout=5.0)
        HTTPX2ClientInstrumentor.instrument_client(self._client)
        self._bearer = _Bearer(self._client, client_id, client_secret)

    async def request(self, method: str, path: str, body: Body | None = None) -> httpx2.Response:
        """The answer. A bearer that is refused, as when its signing key was withdrawn, is dropped,
        and another is tried once. Raises `Outage` when there is no answer."""
        answer = await self._request_once(method, path, body)
        if answer.status_code == 401:
            answer = await self._request_once(method, path, body)
        return answer

    async def aclose(self) -> None:
        """Close the connections to auth-service."""
        await self._client.aclose()

    async def _request_once(self, method: str, path: str, body: Body | None) -> httpx2.Response:
        try:
            bearer = await self._bearer.get()
            answer = await self._client.request(
                method, path, json=body, headers={"authorization": f"Bearer {bearer}"}
            )
        except httpx2.HTTPError as error:
            log.warning("auth.unreachable", reason=repr(error))
            raise Outage("auth-service does not answer") from error
        if answer.status_code == 401:
            self._bearer.drop(bearer)
        return answer


class _ServiceToken(msgspec.Struct):
    access_token: str
    expires_in: int


class _Bearer:
    """This service's own token at auth-service, kept for most of its life."""

    def __init__(
        self, client: httpx2.AsyncClient, client_id: str, client_secret: SecretStr
    ) -> None:
        self._client = client
        self._client_id = client_id
        self._client_secret = client_secret
        self._kept: tuple[str, datetime] | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """The token. Raises `Outage`, or `httpx2.HTTPError` when there is no answer."""
        if (kept := self._look()) is not None:
            return kept
        async with self._lock:
            return self._look() or await self._ask()

    def drop(self, refused: str) -> None:
        """Forget the token, unless another has taken its place."""
        if self._kept is not None and self._kept[0] == refused:
            self._kept = None

    def _look(self) -> str | None:
        return self._kept[0] if self._kept is not None and clock.now() < self._kept[1] else None

    async def _ask(self) -> str:
        asked_at = clock.now()
        answer = await self._client.post(
            "/v1/token",
            data={
                "grant_type": "client_credentials",
                "client_id": self._client_id,
                "client_secret": self._client_secret.get_secret_value(),
            },
        )
        given = read_answer(answer, _ServiceToken)
        self._kept = (given.access_token, asked_at + timedelta(seconds=given.expires_in * 0.8))
        return given.access_token


def expect_success(answer: httpx2.Response) -> None:
    """Raises `Outage` for an answer that is an error."""
    if answer.is_error:
        raise Outage(f"auth-service answered {answer.status_code}")


def read_answer(answer: httpx2.Response, form: type[F]) -> F:
    """The answer in this form. Raises `Outage` for any other."""
    expect_success(answer)
    try:
        return msgspec.json.decode(answer.content, type=form)
    except msgspec.MsgspecError as error:  # something in between answered
        raise Outage("auth-service answered something else") from error
