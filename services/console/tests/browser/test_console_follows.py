"""A page follows what is under way, in Chromium: by a stream, and without one by asking."""

import httpx2
import pytest
from playwright.async_api import Request, expect
from tests.stories.console.chromium import CHROMIUM, chromium, watched

from console.app import create_app
from console.settings import ConsoleSettings
from stack.testing.serving import serving

from ..pages.test_console_live import RUN
from ..promised_services import HOSTS, PromisedServices

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here: apt-get install chromium"),
    pytest.mark.slow,
]
REPORT = {"counts": {"create": {"planned": 9}}, "missing": 0, "unchanged": 0, "causes": []}


@pytest.mark.parametrize("streams", [4, 0])
async def test_a_run_is_followed_to_its_end(request: pytest.FixtureRequest, streams: int) -> None:
    if request.config.getoption("--length") != "long":
        pytest.skip("make test-browser")
    services = PromisedServices()
    services.instead |= {"/runs/r": RUN, "/report": REPORT}
    settings = ConsoleSettings(
        live_per_session=streams,
        live_every_seconds=0.1,
        auth_url=f"http://{HOSTS['auth-service']}",
        catalog_url=f"http://{HOSTS['catalog-service']}",
        publisher_url=f"http://{HOSTS['feed-publisher']}",
        orders_url=f"http://{HOSTS['order-importer']}",
    )
    asked: list[Request] = []
    async with (
        httpx2.AsyncClient(transport=httpx2.MockTransport(services)) as behind,
        serving(app := create_app(settings, behind)) as base,
        chromium() as browser,
        watched(browser, base, scheme="light") as seen,
    ):
        settings.public_url = base
        page = seen.page
        cookie = {"name": "console_session", "value": "s", "url": base}
        await page.context.add_cookies([cookie])  # type: ignore[list-item]
        page.on("request", lambda each: asked.append(each) if "part=state" in each.url else None)
        await page.goto(f"{base}/runs/r")
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
        assert [fault for fault in seen.faults if "429" not in fault] == []
        async with page.expect_navigation():
            await button.click()  # the form of the part that came is this browser's
        assert [told.url.path for told in services.told if told.url.path.endswith("/confirm")]
        app.state.console.live.end()
