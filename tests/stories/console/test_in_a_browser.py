"""The journeys of a merchant and an operator in Chromium, on one system: from an empty
installation to products online; on a phone in French; by keyboard alone; orders, the token, a
version back; why a SKU is missing, and a dead letter replayed."""

import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from playwright.async_api import Browser, expect

from channel_demo.sandbox import SandboxControl, open_sandbox
from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import encode
from stack.run import Stack
from stack.system import CONSOLE, SANDBOX
from stack.testing import eventually

from . import first_shop
from .chromium import CHROMIUM, chromium
from .walker import Walker, walking

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not here: apt-get install chromium"
)
MERCHANT, SELLER = "bazaar", "2200100002"
PICTURES = os.environ.get("FIRST_SHOP_PICTURES")
"""The folder that takes a picture of each step of the first shop; without it none are made."""
SHIRTS = ["SUMMER-SHIRT-M-BLUE", "SUMMER-SHIRT-S-BLUE"]


@dataclass(frozen=True)
class Shop:
    """A shop that was begun in the browser: who is signed in, and where they are."""

    system: Stack
    browser: Browser
    base: str
    sandbox: SandboxControl
    operator: Any
    """The operator's browser, as it can be opened again."""
    owner: Any

    def walking(self, who: Any, **how: Any) -> Any:
        """Their browser, opened again."""
        return walking(self.browser, self.base, state=who, **how)


@pytest.fixture(scope="module")
async def shop(system: Stack) -> AsyncIterator[Shop]:
    """From the empty installation to products online, in the browser alone."""
    base, addresses = system.url(CONSOLE), system.addresses
    pictures = Path(PICTURES) if PICTURES else None
    async with (
        chromium() as browser,
        open_sandbox(system.url(SANDBOX), SELLER) as sandbox,
        walking(browser, base, pictures=pictures) as olga,
        walking(browser, base, pictures=pictures) as ana,
    ):
        await first_shop.make_operator(
            olga,
            addresses.operator_client_id,
            addresses.operator_client_secret,
            "olga@channel.example",
        )
        link = await first_shop.register_merchant(olga, MERCHANT, "ana@bazaar.example")
        await first_shop.accept(ana, link)
        await first_shop.connect_shop(ana, SELLER)
        file = first_shop.shopify_file(system.url(SANDBOX) + "/pictures")
        await first_shop.upload_and_draft(ana, file)
        await first_shop.save_draft(ana)
        await first_shop.accept_categories(ana)
        await first_shop.fill_attributes(ana)
        await first_shop.say_values(ana)
        await first_shop.match_a_column(ana)
        await first_shop.exclude(ana)
        await first_shop.look_at_preview(ana)
        await first_shop.send(ana)
        assert ana.faults + olga.faults == []
        states = [await each.page.context.storage_state() for each in (olga, ana)]
        yield Shop(system, browser, base, sandbox, *states)


async def test_a_new_shop_sells_what_its_file_holds(shop: Shop) -> None:
    async def are_online() -> bool:
        products = await shop.sandbox.products()
        return sorted(each.title for each in products) == [
            "Linen dress by Acme",
            "Summer shirt by Acme",
        ]

    await eventually(are_online, within=20)
    skus = {
        sku.sku_code: (sku.price, sku.discount_price)
        for product in await shop.sandbox.products()
        for sku in product.skus
    }
    assert skus["SUMMER-SHIRT-M-BLUE"] == ("24.99", "19.99")
    assert "WOOL-SCARF-ONE-GREY" not in skus, "the rule leaves it out"
    assert "OLD-HAT-ONE-BLACK" not in skus, "a draft in Shopify"


async def orders_of(shop: Shop, *seeds: int) -> list[str]:
    """Buyers order shirts; the numbers of their orders."""
    return [
        (
            await shop.sandbox.place_order(
                [(SHIRTS[seed % 2], 1)], seed=seed, status="WAIT_SELLER_SEND_GOODS"
            )
        ).order_id
        for seed in seeds
    ]


async def fetch_orders(ana: Walker, number: str, button: str = "Fetch orders now") -> None:
    """Until the order is there."""
    await ana.open("/shops/main")
    await ana.press(button)
    await ana.open("/orders?view=all")
    await ana.looks_until(number)


async def test_orders_leave_one_by_one_and_by_file_the_token_is_renewed(shop: Shop) -> None:
    first, second, third = await orders_of(shop, 1, 2, 3)
    async with shop.walking(shop.owner) as ana:
        await fetch_orders(ana, third)
        await ana.open(f"/orders/main/{first}")
        await ana.fill(carrier="AliExpress Standard Shipping", tracking_number="LP00123456789012")
        await ana.go_by(ana.page.locator("form[action$='/shipments'] [type=submit]"))
        await ana.looks_until("Confirmed")

        await ana.open("/orders-file")
        rows = [
            f"{each},AliExpress Standard Shipping,LP0012345678{each[-4:]}"
            for each in (second, third)
        ]
        await ana.fill(rows="\n".join(["order_id,carrier,tracking_number", *rows]))
        await ana.press("Check what would happen")
        await ana.press("Ship 2 parcels")
        await ana.sees("2 accepted")
        for each in (second, third):
            await ana.open(f"/orders/main/{each}")
            await ana.looks_until("Confirmed")

        await ana.open("/shops/main")
        await ana.press("Renew the connection")
        await ana.go_by(ana.page.get_by_role("button").first)
        await first_shop.agree(ana, SELLER)
        assert ana.faults == []


async def test_a_configuration_is_rolled_back(shop: Shop) -> None:
    async with shop.walking(shop.owner) as ana:
        await ana.open("/feeds/products/settings")
        await ana.fill(shipping_preparation_time="5", units_time_zone="Mars")
        await ana.press("Save as a new version")
        wrong = ana.page.locator("#w-units_time_zone")
        await expect(wrong).to_be_visible()
        days = ana.page.locator("[name=shipping_preparation_time]")
        await expect(days).to_have_value("5")  # nothing is lost
        await ana.fill(units_time_zone="Europe/Madrid")
        await ana.press("Save as a new version")
        await expect(days).to_have_value("5")
        await ana.open("/feeds/products/versions/1")
        await ana.press("Go back to version 1")
        await ana.open("/feeds/products/settings")
        await expect(days).to_have_value("3")
        assert ana.faults == []


async def test_on_a_phone_in_french(shop: Shop) -> None:
    (number,) = await orders_of(shop, 4)
    async with shop.walking(shop.owner) as ana:
        await ana.open("/people")
        await ana.fill(email="luc@bazaar.example")
        await ana.page.locator("form[action='/people'] [name=role]").select_option("owner")
        await ana.go_by(ana.page.locator("form[action='/people'] [type=submit]"))
        await ana.sees("luc@bazaar.example is invited")
    link = await mailed_link(shop, "luc@bazaar.example")
    async with walking(shop.browser, shop.base, width=390, language="fr-FR") as luc:
        await luc.page.goto(link)
        await luc.fill(display_name="Luc", password=first_shop.PASSWORD)
        await luc.go_by(luc.page.locator("form[action='/invitation'] [type=submit]"))
        await luc.sees("Aujourd'hui")
        for path in ("/catalogues/products", "/feeds/products/preview", "/feeds/products/settings"):
            await luc.open(path)
            await fits(luc)
        await luc.open("/feeds/products/match?section=attributes&name=inventory")
        await fits(luc)
        await luc.page.locator("[name=kind][value=field]").check()
        await luc.page.locator("[name=field]").fill("Variant Inventory Qty")
        await expect(luc.page.locator("#results")).to_contain_text("7")
        await luc.go_by(luc.page.locator("button[name=save]"))
        await luc.page.wait_for_url("**/feeds/products/attributes")
        await fits(luc)

        await fetch_orders(luc, number, "Relever les commandes maintenant")
        await luc.open(f"/orders/main/{number}")
        await fits(luc)
        await luc.fill(carrier="AliExpress Standard Shipping", tracking_number="LP00123456789099")
        await luc.go_by(luc.page.locator("form[action$='/shipments'] [type=submit]"))
        await luc.looks_until("Confirmé")
        assert luc.faults == []


async def mailed_link(shop: Shop, address: str) -> str:
    """The link of the invitation that came by mail."""

    async def has_come() -> bool:
        return bool(await shop.sandbox.mails(address))

    await eventually(has_come, within=20)
    found = re.search(r"http\S+/invitation\?\S+", (await shop.sandbox.mails(address))[0].text)
    assert found
    return found[0]


async def fits(walker: Walker) -> None:
    """Nothing is wider than the screen."""
    wide = await walker.page.evaluate("document.scrollingElement.scrollWidth")
    assert wide <= 390, f"{walker.page.url}: {wide} pixels wide"


FOCUS_SHOWS = """() => {
    const here = document.activeElement;
    if (!here || here === document.body) return false;
    const style = getComputedStyle(here);
    return style.outlineStyle !== "none" || style.boxShadow !== "none"
        || here.matches(".skip") || here.tagName === "MAIN";
}"""


async def tab_to(walker: Walker, selector: str) -> None:
    """Press Tab until this has the focus, which must show wherever it is on the way."""
    for _ in range(120):
        await walker.page.keyboard.press("Tab")
        assert await walker.page.evaluate(FOCUS_SHOWS), await walker.page.evaluate(
            "document.activeElement.outerHTML.slice(0, 200)"
        )
        if await walker.page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"{walker.page.url}: Tab never leads to {selector}")


async def test_by_keyboard_alone(shop: Shop) -> None:
    async with walking(shop.browser, shop.base) as ana:
        keys = ana.page.keyboard
        await ana.open("/feeds/products/settings")
        await tab_to(ana, "[name=email]")
        await keys.type("ana@bazaar.example")
        await tab_to(ana, "[name=password]")
        await keys.type(first_shop.PASSWORD)
        await keys.press("Enter")
        await ana.page.wait_for_url("**/feeds/products/settings")

        await tab_to(ana, ".skip")
        await keys.press("Enter")
        await tab_to(ana, "[name=shipping_preparation_time]")
        await keys.press("ControlOrMeta+a")
        await keys.type("4")
        await tab_to(ana, "[name=title_too_long]")
        await keys.press("ArrowDown")
        await tab_to(ana, "main form button[type=submit]")
        await keys.press("Enter")
        await expect(ana.page.locator("[name=title_too_long]")).to_have_value("truncate")
        await expect(ana.page.locator("[name=shipping_preparation_time]")).to_have_value("4")

        await tab_to(ana, ".rail a[href$='/exclusions']")
        await keys.press("Enter")
        await ana.page.wait_for_url("**/exclusions")
        await tab_to(ana, "[name=field]")
        await keys.type("Vendor")
        await tab_to(ana, "[name=value]")
        await keys.type("Nobody")
        await keys.press("Enter")
        await ana.page.wait_for_url("**/try/*")
        await tab_to(ana, "form[action$='/drop'] button")
        await keys.press("Space")
        await ana.page.wait_for_url("**/configuration")
        assert ana.faults == []


async def test_an_operator_finds_out_why_and_replays_a_dead_letter(shop: Shop) -> None:
    await spoil(shop)
    async with shop.walking(shop.operator) as olga:
        await olga.open("/operate")
        await olga.press(MERCHANT)
        await olga.page.locator("[name=q]").fill("OLD-HAT-ONE-BLACK")
        await olga.page.keyboard.press("Enter")
        await olga.page.wait_for_url("**/products/*")
        await olga.sees("A rule of the feed leaves it out")

        await olga.open("/operate/dead-letters/catalog-service")
        await olga.looks_until("upsrt")
        await olga.go_by(olga.page.locator("main table a").first)
        event = olga.page.locator("[name=value]")
        await event.fill((await event.input_value()).replace("upsrt", "upsert"))
        await olga.press("Replay")
        await olga.sees("taken")
        await olga.open("/catalogues/stock/products/LATE-1")
        await olga.sees("A late product")
        assert olga.faults == []


async def spoil(shop: Shop) -> None:
    """A catalogue of events, and an event with a slip in it."""
    async with shop.walking(shop.owner) as ana:
        await ana.open("/catalogues")
        await ana.fill(name="stock", fed_by="events")
        await ana.press("Make the catalogue")
    event = CatalogUpdated(
        merchant_id=MERCHANT,
        catalogue_id="stock",
        product_id="LATE-1",
        action="upsert",
        version=1,
        fields={"title": "A late product"},
    )
    record = encode(event, source="/careless")
    addresses = shop.system.addresses
    async with AIOKafkaProducer(bootstrap_servers=addresses.kafka_bootstrap) as producer:
        await producer.send(
            addresses.topic_prefix + record.topic,
            record.value.replace(b'"upsert"', b'"upsrt"'),
            record.key,
            headers=record.headers,
        )
