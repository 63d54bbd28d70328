from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache

import httpx2
import pytest
from fastapi import FastAPI

from console.app import create_app, new_console
from console.settings import ConsoleSettings

from ..promised_services import HOSTS, PromisedServices

SESSION = "s3cret-of-a-session"


@dataclass(frozen=True)
class Opened:
    """A browser on the console, and the services behind it."""

    http: httpx2.AsyncClient
    services: PromisedServices


SETTINGS = ConsoleSettings(
    public_url="http://console.test",
    panel_seconds=2,
    auth_url=f"http://{HOSTS['auth-service']}",
    catalog_url=f"http://{HOSTS['catalog-service']}",
    publisher_url=f"http://{HOSTS['feed-publisher']}",
    orders_url=f"http://{HOSTS['order-importer']}",
)


@cache
def pages() -> FastAPI:
    """The console's routes: to make them takes longer than most tests."""
    return create_app(SETTINGS, httpx2.AsyncClient())


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Somebody who is signed in, on the services as promised."""
    services, app = PromisedServices(), pages()
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(services)) as behind:
        app.state.console = new_console(SETTINGS, behind)
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app),
            base_url="http://console.test",
            cookies={"console_session": SESSION},
        ) as http:
            yield Opened(http, services)
