"""The pages in Chromium: accessible in both themes, from 360 pixels, asking nobody else; valid."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import APIRequestContext

from channel_demo import trade
from channel_demo.session import MERCHANT
from stack.run import Stack
from stack.sign_in_link import sign_in_link
from stack.system import CONSOLE, SANDBOX
from stack.testing import StartSystem

from ..sample import bring_online, part_of, sample_of, sample_session
from .chromium import CHROMIUM, Watched, chromium, watched
from .markup import markup_faults

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here: apt-get install chromium"),
    pytest.mark.slow,
]
FAMILIES = ("TSH-01", "NOT-07", "ODD-11")
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
    "/feeds-new?shop=main&catalogue=sample",
    "/feeds/sample/settings",
    "/feeds/sample/categories?q=shoes",
    "/feeds/sample/categories?parent=200000343&of=Shoes",
    "/feeds/sample/attributes",
    "/feeds/sample/match?section=titles&name=en_US",
    "/feeds/sample/match?section=sku_attributes&name=Color&kind=map&map_from=colour",
    "/feeds/sample/match?section=category_attributes&name=Origin",
    "/feeds/sample/exclusions",
    "/feeds/sample/configuration",
    "/feeds/sample/preview",
    "/feeds/sample/preview/ODD-11",
    "/feeds/sample/products?status=live",
    "/feeds/sample/send",
    "/feeds/sample/runs",
    "/products/NOT-07",
    "/orders?view=all",
    "/orders-file",
    "/alerts",
    "/alerts/subscriptions",
    "/alerts/webhooks",
    "/people",
    "/account",
    "/audit",
    "/operate",
    "/operate/dead-letters/catalog-service",
    "/search?q=NOT",
)

OPERATORS = ("/operate", "/merchants")
"""Pages that operators see otherwise, or alone."""


async def test_every_page_in_both_themes(
    request: pytest.FixtureRequest, start_system: StartSystem
) -> None:
    if request.config.getoption("--length") != "long":
        pytest.skip("make test-browser")
    # a system of its own: the journey's must have sent nothing
    async with start_system(console=True) as system, sample_session(system) as session:
        await bring_online(session, part_of(sample_of(system), *FAMILIES))
        await trade.place_orders(session)
        orders = await trade.import_orders(session)
        faults = await look_at_all(system, orders[0].order_id)
        assert not faults, "\n".join(faults)


async def look_at_all(system: Stack, order_id: str) -> list[str]:
    """What is wrong with any page, in either theme."""
    base = system.url(CONSOLE)
    pictures = [urlsplit(system.url(SANDBOX)).netloc]
    faults: list[str] = []
    sources: dict[str, str] = {}
    async with chromium() as browser:
        for scheme in ("light", "dark"):
            link = await sign_in_link(system.addresses, "axe@lumo.example", merchant_id=MERCHANT)
            assert link
            async with watched(browser, base, scheme=scheme, pictures_from=pictures) as seen:
                for path in OPEN:
                    await seen.look_at(path)
                await come_in(seen, link)
                run = await first_run(seen.page.request, base)
                order = f"/orders/main/{order_id}"
                for path in (*PAGES, order, order + "/slip", run):
                    await seen.look_at(path)
                faults += [f"{scheme}: {fault}" for fault in seen.faults]
                sources |= seen.sources
            link = await sign_in_link(system.addresses, "root@channel.example")
            assert link
            async with watched(browser, base, scheme=scheme) as seen:
                await come_in(seen, link)
                for path in OPERATORS:
                    await seen.look_at(path)
                faults += [f"{scheme}, operator: {fault}" for fault in seen.faults]
                sources |= {f"operator: {path}": html for path, html in seen.sources.items()}
    return faults + await markup_faults(sources)


async def come_in(seen: Watched, link: str) -> None:
    """By an invitation, or by a link to set another password."""
    await seen.page.goto(link)
    if await seen.page.locator("#f-display_name").count():
        await seen.page.fill("#f-display_name", "Axel")
    await seen.page.fill("#f-password", PASSWORD)
    async with seen.page.expect_navigation():
        await seen.page.keyboard.press("Enter")
    await seen.page.wait_for_load_state()


async def first_run(request: APIRequestContext, base: str) -> str:
    """The address of a run's page."""
    page = await (await request.get(base + "/feeds/sample/send")).text()
    return "/runs/" + page.partition('href="/runs/')[2].partition('"')[0]
