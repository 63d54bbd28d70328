"""What an attacker may put before a browser: stored script in every text, forms of foreign pages,
frames. In Chromium, on services whose every text is hostile."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest
from playwright.async_api import BrowserContext, Dialog, Route
from tests.stories.console.chromium import CHROMIUM, Watched, chromium, watched

from console.app import create_app
from console.settings import ConsoleSettings
from stack.testing.serving import serving

from .. import promised_services
from ..pages.test_console_forms import CHANGES
from ..pages.test_console_pages import OPEN, SIGNED_IN
from ..promised_services import HOSTS, PromisedServices

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here: apt-get install chromium"),
    pytest.mark.slow,
]
PAYLOADS = (
    promised_services.HOSTILE,
    "javascript:alert(2)//' onfocus='alert(2)' autofocus style='background:url(//evil.example/b)",
    "</textarea></title></select></script><svg onload=alert(3)><base href='//evil.example/'>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'><form action=//evil.example>",
    "x\"><style>@import '//evil.example'</style><!--",
)
FOREIGN = ("http://evil.example", "http://127.0.0.1:8999")
"""Another site, and another origin of the same site, to which browsers send our cookies."""
INJECTED = """() => [...document.querySelectorAll('*')].filter(e =>
    ['BASE', 'STYLE', 'IFRAME', 'OBJECT', 'EMBED'].includes(e.tagName)
    || (e.tagName === 'SCRIPT' && !(e.getAttribute('src') || '').startsWith('/assets/'))
    || (e.tagName === 'META' && e.httpEquiv)
    || [...e.attributes].some(a => a.name.startsWith('on') || a.name === 'style'
        || (['href', 'src', 'action', 'formaction'].includes(a.name)
            && a.value.trim().toLowerCase().startsWith('javascript:')))
    ).map(e => e.outerHTML.slice(0, 200))"""


@dataclass(frozen=True)
class Attacked:
    """A console that somebody is signed in to, in Chromium, and the services behind it."""

    base: str
    seen: Watched
    context: BrowserContext
    services: PromisedServices
    alerts: list[str]


@pytest.fixture
async def attacked(request: pytest.FixtureRequest) -> AsyncIterator[Attacked]:
    if request.config.getoption("--length") != "long":
        pytest.skip("make test-browser")
    services = PromisedServices()
    settings = ConsoleSettings(
        auth_url=f"http://{HOSTS['auth-service']}",
        catalog_url=f"http://{HOSTS['catalog-service']}",
        publisher_url=f"http://{HOSTS['feed-publisher']}",
        orders_url=f"http://{HOSTS['order-importer']}",
    )
    async with (
        httpx2.AsyncClient(transport=httpx2.MockTransport(services)) as behind,
        serving(create_app(settings, behind)) as base,
        chromium() as browser,
        watched(browser, base, scheme="light") as seen,
    ):
        settings.public_url = base
        context = seen.page.context
        cookie = {"name": "console_session", "value": "s", "url": base, "sameSite": "Lax"}
        await context.add_cookies([cookie])  # type: ignore[list-item]
        alerts: list[str] = []

        async def dismiss(dialog: Dialog) -> None:
            alerts.append(f"{seen.page.url}: {dialog.message}")
            await dialog.dismiss()

        seen.page.on("dialog", dismiss)
        yield Attacked(base, seen, context, services, alerts)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_stored_script_stays_text_on_every_page(
    attacked: Attacked, monkeypatch: pytest.MonkeyPatch, payload: str
) -> None:
    """Whatever brought it: a catalogue, an order, AliExpress, a person, another system."""
    monkeypatch.setattr(promised_services, "HOSTILE", payload)
    found = []
    for path in (*SIGNED_IN, *OPEN):
        await attacked.seen.page.goto(attacked.base + path, wait_until="load")
        found += [f"{path}: {each}" for each in await attacked.seen.page.evaluate(INJECTED)]
    assert (found, attacked.seen.faults, attacked.alerts) == ([], [], [])


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_foreign_page_changes_nothing(attacked: Attacked, origin: str) -> None:
    """Forms and requests of another page; the browser sends our cookies where it may."""
    page = attacked.seen.page
    shown = {"html": ""}

    async def foreign(route: Route) -> None:
        await route.fulfill(body=shown["html"], content_type="text/html")

    await attacked.context.route(f"{origin}/**", foreign)
    for path, fields in CHANGES:
        inputs = "".join(
            f'<input name="{name}" value="{value}">'
            for name, value in {**fields, "csrf": "0" * 64}.items()
            if '"' not in value
        )
        shown["html"] = f'<form id=f method=post action="{attacked.base}{path}">{inputs}</form>'
        await page.goto(f"{origin}/form")
        async with page.expect_navigation():
            await page.evaluate("document.getElementById('f').submit()")
        assert page.url == attacked.base + path or "/sign-in" in page.url, page.url
        shown["html"] = "<p>fetch"
        await page.goto(f"{origin}/fetch")
        await page.evaluate(
            "([where, body]) => fetch(where, {method: 'POST', mode: 'no-cors',"
            " credentials: 'include', body: new URLSearchParams(body)}).catch(() => 'not read')",
            [attacked.base + path, fields],
        )
        read = await page.evaluate(
            "where => fetch(where, {credentials: 'include'}).then(a => a.text(), () => 'refused')",
            attacked.base + path,
        )
        assert read == "refused", "a foreign page reads ours"
    assert changes(attacked) == []


@pytest.mark.parametrize("origin", FOREIGN)
async def test_no_page_can_be_framed(attacked: Attacked, origin: str) -> None:
    page = attacked.seen.page

    async def foreign(route: Route) -> None:
        path = route.request.url.removeprefix(origin)
        await route.fulfill(body=f'<iframe src="{attacked.base}{path}">', content_type="text/html")

    await attacked.context.route(f"{origin}/**", foreign)
    for path in ("/", "/orders/main/81", "/runs/r", "/sign-in", "/operate"):
        await page.goto(origin + path)
        await page.wait_for_load_state("load")
        texts = [await frame.content() for frame in page.frames[1:]]
        assert len(texts) == 1
        assert "AliExpress Channel" not in texts[0], path


async def test_our_own_page_changes_something(
    attacked: Attacked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same browser, the same form, from our page: the tests above see refusals, not a console
    that takes nothing."""
    monkeypatch.setattr(promised_services, "HOSTILE", "main")
    page = attacked.seen.page
    await page.goto(attacked.base + "/shops/main")
    async with page.expect_navigation():
        await page.locator("form[action$='/order-imports'] button").click()
    assert [request.url.path for request in changes(attacked)] == [
        "/v1/merchants/acme/shops/main/order-imports"
    ]


def changes(attacked: Attacked) -> list[httpx2.Request]:
    """What the services were told to change."""
    return [
        request
        for request in attacked.services.told
        if request.method != "GET"
        and not request.url.path.endswith(("/sessions/token", "/v1/token", "/check"))
    ]
