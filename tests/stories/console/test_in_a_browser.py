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

from . import daily_work, first_shop
from .chromium import CHROMIUM, chromium
from .walker import walking

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not here: apt-get install chromium"
)
PICTURES = os.environ.get("FIRST_SHOP_PICTURES")
"""The folder that takes a picture of each step of the first shop; without it none are made."""


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
    base = system.url(CONSOLE)
    pictures = Path(PICTURES) if PICTURES else None
    async with (
        chromium() as browser,
        open_sandbox(system.url(SANDBOX), first_shop.SELLER) as sandbox,
        walking(browser, base, pictures=pictures) as olga,
        walking(browser, base, pictures=pictures) as ana,
    ):
        await first_shop.sell_a_file(olga, ana, system)
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


async def test_orders_leave_one_by_one_and_by_file_the_token_is_renewed(shop: Shop) -> None:
    async with shop.walking(shop.owner) as ana:
        await daily_work.ship_orders(ana, shop.sandbox)
        await daily_work.renew(ana)
        assert ana.faults == []


async def test_a_configuration_is_rolled_back(shop: Shop) -> None:
    async with shop.walking(shop.owner) as ana:
        await daily_work.roll_back(ana)
        assert ana.faults == []


async def test_when_and_how_much_is_sent_is_the_merchants_choice(shop: Shop) -> None:
    async with shop.walking(shop.owner) as ana:
        await ana.open("/feeds/products/settings")
        await ana.fill(at="22:30", zone="Europe/Madrid", offer_every_minutes="30")
        await ana.press("Save the schedule")
        await ana.fill(share="250")
        await ana.press("Save the guard")
        await ana.sees("less than or equal to 1")
        await expect(ana.page.locator("[name=share]")).to_have_value("250")
        await ana.fill(share="12.5")
        await ana.press("Save the guard")
        await ana.fill(fast_lane="off")
        await ana.press("Save the fast lane")
        await ana.sees("it is switched off for this feed")
        for name, value in {"at": "22:30", "offer_every_minutes": "30", "share": "12.5"}.items():
            await expect(ana.page.locator(f"[name={name}]")).to_have_value(value)
        assert ana.faults == []


async def test_on_a_phone_in_french(shop: Shop) -> None:
    (number,) = await daily_work.place_orders(shop.sandbox, 4)
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
        await luc.open("/feeds/products/match?section=attributes&name=inventory")
        await luc.page.locator("[name=kind][value=field]").check()
        await luc.page.locator("[name=field]").fill("Variant Inventory Qty")
        await expect(luc.page.locator("#results")).to_contain_text("7")
        await luc.go_by(luc.page.locator("button[name=save]"))
        await luc.page.wait_for_url("**/feeds/products/attributes")

        await daily_work.fetch_orders(luc, number)
        await luc.open(f"/orders/main/{number}")
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


async def test_by_keyboard_alone(shop: Shop) -> None:
    async with walking(shop.browser, shop.base, by_keyboard=True) as ana:
        page = ana.page
        await ana.open("/feeds/products/settings")
        await ana.fill(email="ana@bazaar.example", password=first_shop.PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/feeds/products/settings")

        await ana.click(page.locator(".skip"))
        await ana.fill(shipping_preparation_time="4", title_too_long="truncate")
        await ana.go_by(page.locator("main form button[type=submit]").first)
        await expect(page.locator("[name=title_too_long]")).to_have_value("truncate")
        await expect(page.locator("[name=shipping_preparation_time]")).to_have_value("4")

        await ana.go_by(page.locator(".rail a[href$='/exclusions']"))
        await ana.fill(field="Vendor", value="Nobody")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/try/*")
        await ana.go_by(page.locator("form[action$='/drop'] button"))
        await page.wait_for_url("**/configuration")
        assert ana.faults == []


async def test_an_operator_finds_out_why_and_replays_a_dead_letter(shop: Shop) -> None:
    await spoil(shop)
    async with shop.walking(shop.operator) as olga:
        await olga.open("/operate")
        await olga.press(first_shop.MERCHANT)
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
        merchant_id=first_shop.MERCHANT,
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
