from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest

from console.app import create_app
from console.settings import ConsoleSettings

from ..promised_services import HOSTS, PromisedServices

SESSION = "s3cret-of-a-session"


@dataclass(frozen=True)
class Opened:
    """A browser on the console, and the services behind it."""

    http: httpx2.AsyncClient
    services: PromisedServices


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Somebody who is signed in, on the services as promised."""
    services = PromisedServices()
    settings = ConsoleSettings(
        public_url="http://console.test",
        panel_seconds=2,
        auth_url=f"http://{HOSTS['auth-service']}",
        catalog_url=f"http://{HOSTS['catalog-service']}",
        publisher_url=f"http://{HOSTS['feed-publisher']}",
        orders_url=f"http://{HOSTS['order-importer']}",
    )
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(services)) as behind:
        app = create_app(settings, behind)
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app),
            base_url="http://console.test",
            cookies={"console_session": SESSION},
        ) as http:
            yield Opened(http, services)
