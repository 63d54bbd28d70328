"""A merchant does it in a browser: from an empty installation to a parcel on its way."""

from collections import Counter
from collections.abc import AsyncIterator
from functools import partial

import httpx2
import pytest

from channel_cli.across_services import services_of
from channel_cli.people_calls import audit_of
from channel_demo import sell, trade
from channel_demo.session import MERCHANT, Session
from channel_demo.sources import Sources
from stack.run import Stack
from stack.sign_in_link import sign_in_link
from stack.system import CONSOLE
from stack.testing import eventually

from .browser import Browser

PASSWORD = "correct horse battery"
WITHIN = 40.0
ALIKE_AT_MOST = 8
"""Pages whose addresses differ in their last part: the steps of a feed, a few products of it."""
OWN = ("/account", "/sign-out", "/merchants", "/language")
"""Where forms lead that concern nobody but who sends them."""
FILE = b"""id,title,price,stock,category
MUG-1,Blue mug,9.90,3,Home > Mugs
MUG-2,Red mug,9.90,4,Home > Mugs
,A row without an id,1.00,1,Home > Mugs
"""


@pytest.fixture
async def browser(system: Stack) -> AsyncIterator[Browser]:
    """A browser at the console's start."""
    async with httpx2.AsyncClient(timeout=20) as http:
        yield Browser(http, url=system.url(CONSOLE))


async def accept(browser: Browser, link: str) -> None:
    """Open an invitation, and set a password: then one is in."""
    await browser.open(link)
    await browser.press("/invitation", {"display_name": "Ana", "password": PASSWORD})
    assert browser.status == 200, browser.text


async def test_from_an_empty_installation_to_a_catalogue_and_a_feed(
    system: Stack, browser: Browser
) -> None:
    await browser.open("/")
    assert "/sign-in" in browser.url
    await browser.open("/first-run")
    addresses = system.addresses
    await browser.press(
        "/first-run",
        {
            "email": "op@channel.example",
            "client_id": addresses.operator_client_id,
            "client_secret": addresses.operator_client_secret,
        },
    )
    await browser.press("/invitation", {"display_name": "Op", "password": PASSWORD})
    await browser.open("/operate")
    await browser.press("/operate/merchants", {"merchant": "acme", "email": "ana@acme.example"})
    (link,) = (code for code in browser.page.xpath("//code/text()") if "/invitation?" in code)

    async with httpx2.AsyncClient(timeout=20) as http:
        ana = Browser(http, url=system.url(CONSOLE))
        await accept(ana, link)
        assert "No shop yet" in ana.text
        await connect(ana)
        await upload(ana)
        await begin_feed(ana)
        assert all("unsafe" not in policy for policy in ana.policies if "script-src" in policy)


async def connect(ana: Browser) -> None:
    """The real redirect: our page, AliExpress's pages, and back."""
    await ana.open("/shops")
    await ana.press("/shops", {"shop": "main"})
    assert "/v1/oauth/start" in ana.url, ana.text
    await ana.press("")
    await ana.press("", {"seller_id": "2200100003", "decision": "agree"})
    assert "The shop is connected" in ana.text
    (back,) = ana.links("/shops/main")
    await ana.open(back)
    assert "Connected" in ana.text


async def upload(ana: Browser) -> None:
    """A catalogue of files, a file with a bad row."""
    await ana.open("/catalogues")
    await ana.press("/catalogues", {"name": "products", "fed_by": "files"})
    await ana.press("/imports", file=("mugs.csv", FILE))
    item = ana.url
    await eventually(partial(shows, ana, item, "Completed"), within=WITHIN)
    assert "Taken 2" in ana.text
    bad = ana.page.xpath("//h2[@id='bad']/following::tbody/tr/th/text()")
    assert bad == ["4"]
    await ana.open("/search?q=MUG-2")
    assert "MUG-2" in ana.text


async def begin_feed(ana: Browser) -> None:
    """A drafted configuration, saved."""
    await ana.open("/feeds-new")
    await ana.press("/feeds-new", {"catalogue": "products", "shop": "main"})
    assert ana.status == 200, ana.text
    assert "Drafted from" in ana.text
    await ana.press("/feeds-new/save", {"feed": "mugs"})
    assert ana.url.endswith("/feeds/mugs"), ana.text
    await ana.open("/feeds/mugs/configuration")
    assert '"shop": "main"' in ana.page.xpath("//textarea")[0].text


async def shows(browser: Browser, address: str, text: str) -> bool:
    """Whether the page shows a text by now."""
    await browser.open(address)
    return text in browser.text


async def test_a_catalogue_is_sold_its_report_read_and_an_order_shipped(
    system: Stack, browser: Browser, selling: tuple[Session, Sources]
) -> None:
    session, _ = selling
    link = await sign_in_link(system.addresses, "owner@lumo.example", merchant_id=MERCHANT)
    assert link
    await accept(browser, link)

    await browser.open("/feeds/sample/preview?state=content_invalid")
    assert "ODD-11" in browser.text
    await browser.open("/feeds/sample/preview/ODD-11")
    assert "M3.5" in browser.text

    await browser.open("/feeds/sample/send")
    await browser.press("/feeds/sample/runs", {"kind": "product", "dry_run": "1"})
    run = browser.url
    await eventually(partial(shows, browser, run, "This waits for you"), within=WITHIN)
    assert "Send 2 changes to AliExpress" in browser.text
    await browser.press("/confirm")
    await eventually(partial(shows, browser, run, "Completed with errors"), within=WITHIN)
    assert "ODD-11" in browser.text, "the report says what is missing"
    assert len(await session.sandbox.products()) == 2

    await browser.open("/feeds/sample/runs")
    assert len(browser.page.xpath("//svg//rect[@class='accepted']")) == 1, "a chart of one run"
    assert "2 accepted, 0 refused" in browser.text

    await browser.open("/products/NOT-07")
    assert "AliExpress was called" in browser.text
    await browser.open("/search?q=NOT-07")
    assert browser.url.endswith("/products/NOT-07")

    await sell.send_offers(session)
    await trade.place_orders(session)
    await trade.import_orders(session)
    await browser.open("/orders")
    (order, *_) = browser.links("/orders/main/")
    await browser.open("/orders/" + order.rpartition("/")[2])  # as mails name it
    assert browser.url.endswith(order)
    carrier = browser.page.xpath("//datalist[@id='carriers']/option/@value")[0]
    await browser.press("/shipments", {"carrier": carrier, "tracking_number": "?"})
    assert browser.status == 422
    assert browser.page.xpath("//input[@name='carrier']/@value") == [carrier], "nothing is lost"
    typed = {"carrier": "AliExpress Standard Shipping", "tracking_number": "LP00123456789012"}
    await browser.press("/shipments", typed)
    assert browser.status == 200, browser.text
    await eventually(partial(shows, browser, order, "Confirmed"), within=WITHIN)

    await browser.press("/sign-out")
    await browser.open("/orders")
    assert "/sign-in" in browser.url


async def test_nobody_reaches_another_merchants_things(
    system: Stack, browser: Browser, selling: tuple[Session, Sources]
) -> None:
    """Every page and every form of an owner, sent by another merchant's owner: nothing is shown,
    and nothing is changed or even asked for at the merchant whose they are."""
    session, _ = selling
    link = await sign_in_link(system.addresses, "olga@lumo.example", merchant_id=MERCHANT)
    assert link
    await accept(browser, link)
    pages, forms = await seen_by(browser)
    before = await changes_of(session)

    await session.channel.register_merchant("other", name="Other", is_eligible=True)
    link = await sign_in_link(system.addresses, "eve@other.example", merchant_id="other")
    assert link
    async with httpx2.AsyncClient(timeout=20) as http:
        eve = Browser(http, url=system.url(CONSOLE))
        await accept(eve, link)
        http.cookies.set("console_merchant", MERCHANT)
        for address in pages:
            await eve.open(address)
            assert "notebook" not in eve.text.lower(), address
            assert eve.status in {200, 404}, address
            assert "olga@lumo" not in eve.text, address
            assert "Sandbox Shop" not in eve.text, address
        await eve.open("/account")
        token = eve.form("/account/profile").fields["csrf"]
        for action, fields in forms.items():
            await eve.send(system.url(CONSOLE) + action, {**fields, "csrf": token})
            assert eve.status in {200, 400, 403, 404, 409, 422}, (action, eve.text)
            assert "olga@lumo" not in eve.text, action
            assert "notebook" not in eve.text.lower(), action
        await eve.open("/merchants")
        assert "lumo" not in eve.text
    assert await changes_of(session) == before


async def seen_by(owner: Browser) -> tuple[set[str], dict[str, dict[str, str]]]:
    """Every page that an owner gets to from the start, and every form there with what it sends;
    those of the account alone left out."""
    pages, forms, open_ = set[str](), dict[str, dict[str, str]](), ["/"]
    alike = Counter[str]()
    while open_:
        address = open_.pop(0)
        if address in pages or alike[address.rpartition("/")[0]] >= ALIKE_AT_MOST:
            continue
        alike[address.rpartition("/")[0]] += address.count("/") > 1
        await owner.open(address)
        pages.add(address)
        if owner.status != 200 or "text/html" not in owner.kind:
            continue
        for form in owner.page.forms:
            action = form.get("action") or ""
            if form.get("method") == "post" and not action.startswith(OWN):
                forms[action] = {name: value for name, value in form.form_values() if value}
        links = [link.partition("#")[0] for link in owner.links("/")]
        fresh = [link for link in links if link.startswith("/") and "?" not in link]
        open_ += sorted({*fresh} - pages)
    assert {"/shops/main", "/feeds/sample/send", "/catalogues/sample", "/people"} <= pages
    assert {"/shops/main/connect", "/feeds/sample/runs", "/feeds/sample/pause"} <= set(forms)
    return pages, forms


async def changes_of(session: Session) -> list[str]:
    """Who changed what at the merchant, by all services, and its shop as it stands."""
    channel, merchant = session.channel, session.merchant
    changed = [
        str(entry)
        for service in services_of(channel, None)
        async for entry in audit_of(channel.session, service, merchant, {})
    ]
    return changed + [str(shop) async for shop in channel.shops(merchant)]
