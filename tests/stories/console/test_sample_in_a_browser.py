"""The sample in Chromium, as `make run` leaves it: a product is repaired, sent, and looked up."""

import pytest
from playwright.async_api import expect

from channel_demo import sell
from channel_demo.session import MERCHANT
from stack.sign_in_link import sign_in_link
from stack.system import CONSOLE
from stack.testing import StartSystem, eventually

from ..sample import part_of, prepare, sample_of, sample_session
from .chromium import CHROMIUM, chromium
from .first_shop import PASSWORD, send_new
from .walker import Walker, walking

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not here: apt-get install chromium"
)
TOO_LONG = "ODD-14"


async def test_a_product_is_repaired_and_sold(
    request: pytest.FixtureRequest, start_system: StartSystem
) -> None:
    if request.config.getoption("--length") != "long":
        pytest.skip("make test-browser")
    async with (
        start_system(console=True) as system,
        sample_session(system) as session,
        chromium() as browser,
        walking(browser, system.url(CONSOLE)) as rita,
    ):
        await prepare(session, part_of(sample_of(system), "TSH-01", "ODD-11", TOO_LONG))
        link = await sign_in_link(system.addresses, "rita@lumo.example", merchant_id=MERCHANT)
        assert link
        await rita.page.goto(link)
        await rita.fill(display_name="Rita", password=PASSWORD)
        await rita.press("Accept the invitation")
        await find_out_why(rita)
        await cut_titles(rita)
        await sell.wait_for_publisher(session)
        await send_new(rita, "sample", 2)
        await rita.sees("Completed with errors")
        await rita.looks_until("ODD-11")

        async def is_online() -> bool:
            products = await session.sandbox.products()
            return TOO_LONG in {sku.sku_code for product in products for sku in product.skus}

        await eventually(is_online, within=30)
        await rita.open(f"/products/{TOO_LONG}")
        await rita.looks_until("AliExpress was called")
        assert rita.faults == []


async def find_out_why(rita: Walker) -> None:
    """From what cannot be sent to the rule and what was given."""
    await rita.open("/feeds/sample/preview")
    await rita.fill(state="content_invalid")
    await rita.press("Filter")
    await rita.go_by(rita.page.locator(f"main a[href$='/preview/{TOO_LONG}']").first)
    await rita.sees("M3.6")


async def cut_titles(rita: Walker) -> None:
    """The setting that the issue names; the products are evaluated anew."""
    await rita.open("/feeds/sample/settings")
    await rita.fill(title_too_long="truncate")
    await rita.press("Save as a new version")
    await expect(rita.page.locator("[name=title_too_long]")).to_have_value("truncate")
    await rita.open(f"/feeds/sample/preview/{TOO_LONG}")
    await rita.looks_until("and was cut to")
