"""What scripts of ours do, in Chromium: a page follows what is under way, by a stream, without one
by asking; a tracking number is checked while it is typed; a part of a page loads later."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastapi import FastAPI
from playwright.async_api import Request, expect
from tests.stories.console.chromium import CHROMIUM, Watched, chromium, watched

from console.app import create_app
from console.settings import ConsoleSettings
from stack.testing.serving import serving

from ..pages.test_console_live import RUN
from ..promised_services import HOSTS, MOMENT, PromisedServices, order_to_ship

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here: apt-get install chromium"),
    pytest.mark.slow,
]
REPORT = {"counts": {"create": {"planned": 9}}, "missing": 0, "unchanged": 0, "causes": []}


@pytest.fixture(autouse=True)
def _at_length(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--length") != "long":
        pytest.skip("make test-browser")


@asynccontextmanager
async def opened_in_chromium(
    services: PromisedServices, *, streams: int = 4
) -> AsyncIterator[tuple[Watched, FastAPI]]:
    """A console on these services, in Chromium, with somebody signed in; no fault is seen."""
    settings = ConsoleSettings(
        live_per_session=streams,
        live_every_seconds=0.1,
        auth_url=f"http://{HOSTS['auth-service']}",
        catalog_url=f"http://{HOSTS['catalog-service']}",
        publisher_url=f"http://{HOSTS['feed-publisher']}",
        orders_url=f"http://{HOSTS['order-importer']}",
    )
    async with (
        httpx2.AsyncClient(transport=httpx2.MockTransport(services)) as behind,
        serving(app := create_app(settings, behind)) as base,
        chromium() as browser,
        watched(browser, base, scheme="light") as seen,
    ):
        settings.public_url = base
        cookie = {"name": "console_session", "value": "s", "url": base}
        await seen.page.context.add_cookies([cookie])  # type: ignore[list-item]
        yield seen, app
        assert [fault for fault in seen.faults if "429" not in fault] == []
        app.state.console.live.end()


@pytest.mark.parametrize("streams", [4, 0])
async def test_a_run_is_followed_to_its_end(streams: int) -> None:
    services = PromisedServices()
    services.instead |= {"/runs/r": RUN, "/report": REPORT}
    asked: list[Request] = []
    async with opened_in_chromium(services, streams=streams) as (seen, _):
        page = seen.page
        page.on("request", lambda each: asked.append(each) if "part=state" in each.url else None)
        await page.goto(f"{seen.base}/runs/r")
        await expect(page.locator("#state")).to_contain_text("1 of 9")
        progress = {"total": 9, "decided": 5, "under_way": 0}
        services.instead["/runs/r"] = RUN | {"progress": progress}
        await expect(page.locator("#state")).to_contain_text("5 of 9")
        services.instead["/runs/r"] = RUN | {"state": "planned", "progress": progress}
        button = page.get_by_role("button", name="Send 9 changes to AliExpress")
        await expect(button).to_be_visible()
        kinds = [each.resource_type for each in asked]
        assert kinds[0] == "eventsource"
        assert ("fetch" in kinds) == (streams == 0), kinds
        async with page.expect_navigation():
            await button.click()  # the form of the part that came is this browser's
        assert [told.url.path for told in services.told if told.url.path.endswith("/confirm")]


async def test_a_tracking_number_is_checked_while_it_is_typed() -> None:
    services = PromisedServices()
    carrier = {
        "service_name": "CAINIAO",
        "display_name": "Cainiao",
        "tracking_pattern": "LP[0-9]{8}",
    }
    odd = {"service_name": "ODD", "display_name": "Odd", "tracking_pattern": "(?P<broken"}
    services.instead |= {
        "/carriers": {"fetched_at": MOMENT, "items": [carrier, odd]},
        "/orders/81": order_to_ship(),
    }
    async with opened_in_chromium(services) as (seen, _):
        page = seen.page
        await page.goto(f"{seen.base}/orders/main/81")
        form = page.locator("form[action$='/shipments']")
        verdict = form.locator("[data-verdict]")
        await form.locator("[name=carrier]").fill("cainiao")
        for typed, told in (("LP1", "otherwise"), ("LP12345678", "fits the carrier"), ("", "")):
            await form.locator("[name=tracking_number]").fill(typed)
            await (expect(verdict).to_contain_text(told) if told else expect(verdict).to_be_empty())
        await form.locator("[name=carrier]").fill("Odd")
        await form.locator("[name=tracking_number]").fill("LP1")
        await expect(verdict).to_be_empty()


async def test_what_looks_through_a_whole_feed_loads_after_its_page() -> None:
    async with opened_in_chromium(PromisedServices()) as (seen, _):
        for path, part in (("/feeds/f/exclusions", "#rules"), ("/feeds/f/send", "#forecasts")):
            await seen.page.goto(seen.base + path)
            await expect(seen.page.locator(f"{part} [aria-busy]")).to_have_count(0)
            await expect(seen.page.locator(f"{part} dl.figures").first).to_be_visible()
            # Nothing is written into the history: a browser takes that for a page gone to.
            assert await seen.page.evaluate("history.state") is None
