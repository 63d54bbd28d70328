"""Whether each part of a system answers."""

import asyncio
from collections.abc import Mapping

import httpx2

from channel_cli.session import TIMEOUT
from common.outbound.http_client import HttpClient
from stack.system import SANDBOX

READY = "ready"


def open_client() -> httpx2.AsyncClient:
    """A client for `probe`: to be kept by who asks again and again, for a new one takes longer than
    all the answers."""
    return HttpClient(timeout=TIMEOUT)


async def probe(http: httpx2.AsyncClient, urls: Mapping[str, str]) -> dict[str, str]:
    """How each of these parts is, in a word or with the reason."""
    found = await asyncio.gather(*(_state(http, url, name) for name, url in urls.items()))
    return dict(zip(urls, found, strict=True))


async def _state(http: httpx2.AsyncClient, url: str, name: str) -> str:
    path = "/control/health" if name == SANDBOX else "/health/ready"
    try:
        answer = await http.get(url + path)
    except httpx2.HTTPError as error:
        return f"does not answer ({type(error).__name__})"
    return READY if answer.is_success else "not ready"
