"""The page that repairs a trouble is one that the console has."""

from typing import Any

import httpx2
import pytest

from auth_service.troubles.kinds import KINDS
from console.app import create_app
from console.settings import ConsoleSettings

IDS = {"shop": "main", "feed": "f", "catalogue": "c", "order": "81", "endpoint": "e"}
PAGES = sorted({kind.page for kind in KINDS.values() if kind.page.startswith("/")})


async def status_of(path: str) -> int:
    """What somebody gets who is not signed in: led to sign in (303) where there is a page."""
    async with httpx2.AsyncClient() as behind:
        app: Any = create_app(ConsoleSettings(), behind)
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            return (await http.get(path)).status_code


@pytest.mark.parametrize("page", PAGES)
async def test_a_trouble_is_repaired_on_a_page_of_the_console(page: str) -> None:
    assert await status_of(page.format(**IDS)) == 303


async def test_what_is_no_page_is_told_apart() -> None:
    assert await status_of("/no-such-page") == 404
