"""The pages in Chromium: accessible in both themes, from 360 pixels, asking nobody else."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import APIRequestContext

from channel_demo import sell, trade
from channel_demo.session import MERCHANT, Session
from channel_demo.sources import Sources
from stack.run import Stack
from stack.sign_in_link import sign_in_link
from stack.system import CONSOLE, SANDBOX

from .chromium import CHROMIUM, chromium, watched

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here: apt-get install chromium"),
    pytest.mark.slow,
]
PASSWORD = "correct horse battery"
OPEN = ("/sign-in", "/forgot-password", "/first-run", "/invitation?link=none", "/no-such-page")
PAGES = (
    "/",
    "/shops",
    "/shops/main",
    "/catalogues",
    "/catalogues/sample",
    "/catalogues/sample/products/NOT-07",
    "/feeds",
    "/feeds-new",
    "/feeds/sample",
    "/feeds/sample/versions/1",
    "/feeds/sample/categories?q=shoes",
    "/feeds/sample/attributes",
    "/feeds/sample/configuration",
    "/feeds/sample/preview",
    "/feeds/sample/preview/ODD-11",
    "/feeds/sample/products?status=live",
    "/feeds/sample/send",
    "/products/NOT-07",
    "/orders?view=all",
    "/orders-file",
    "/people",
    "/account",
    "/audit",
    "/operate",
    "/operate/dead-letters/catalog-service",
    "/search?q=NOT",
)


async def test_every_page_in_both_themes(
    request: pytest.FixtureRequest, system: Stack, selling: tuple[Session, Sources]
) -> None:
    if request.config.getoption("--length") != "long":
        pytest.skip("make test-browser")
    session, _ = selling
    await sell.publish_products(session)
    await sell.send_offers(session)
    await trade.place_orders(session)
    orders = await trade.import_orders(session)
    base = system.url(CONSOLE)
    pictures = [urlsplit(system.url(SANDBOX)).netloc]
    faults = []
    async with chromium() as browser:
        for scheme in ("light", "dark"):
            link = await sign_in_link(system.addresses, "axe@lumo.example", merchant_id=MERCHANT)
            assert link
            async with watched(browser, base, scheme=scheme, pictures_from=pictures) as seen:
                for path in OPEN:
                    await seen.look_at(path)
                await seen.page.goto(link)
                if await seen.page.locator("#f-display_name").count():
                    await seen.page.fill("#f-display_name", "Axel")
                await seen.page.fill("#f-password", PASSWORD)
                await seen.page.keyboard.press("Enter")
                await seen.page.wait_for_url(base + "/")
                order = f"/orders/main/{orders[0].order_id}"
                run = await first_run(seen.page.request, base)
                for path in (*PAGES, order, run):
                    await seen.look_at(path)
                faults += [f"{scheme}: {fault}" for fault in seen.faults]
    assert faults == []


async def first_run(request: APIRequestContext, base: str) -> str:
    """The address of a run's page."""
    page = await (await request.get(base + "/feeds/sample/send")).text()
    return "/runs/" + page.partition('href="/runs/')[2].partition('"')[0]
