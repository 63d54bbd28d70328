"""Pages in Chromium: what axe finds, what its console says, who is asked, what does not fit."""

import os
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright

CHROMIUM = shutil.which("chromium")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDTHS = (1280, 360)
PICTURES = os.environ.get("CONSOLE_PICTURES")
"""The folder that takes a picture of each page; without it none are made."""


@dataclass
class Watched:
    """A page and what was seen of it."""

    page: Page
    base: str
    scheme: str
    pictures_from: Sequence[str] = ()
    """Hosts that pictures may come from."""
    faults: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    """The HTML of each page that was looked at, as it came."""

    def heard(self, message: ConsoleMessage) -> None:
        """Errors that the browser's console shows, but for statuses that are asked for."""
        if message.type == "error" and "status of 4" not in message.text:
            self.faults.append(f"{self.page.url}: console: {message.text}")

    def asked(self, request: Request) -> None:
        """Hosts that a page asks."""
        host = urlsplit(request.url).netloc
        is_picture = request.resource_type == "image" and host in self.pictures_from
        if host not in {urlsplit(self.base).netloc, ""} and not is_picture:
            self.faults.append(f"{self.page.url}: asks {request.url}")

    async def look_at(self, path: str) -> None:
        """Open a page, wide and narrow, and hold it against WCAG 2.2 A and AA."""
        for width in WIDTHS:
            await self.page.set_viewport_size({"width": width, "height": 900})
            answer = await self.page.goto(urljoin(self.base, path))
            assert answer is not None
            self.sources[path] = await answer.text()
            if PICTURES and width == WIDTHS[0]:
                picture = Path(PICTURES) / self.scheme / f"{name_of(path)}.jpg"
                await self.page.screenshot(path=picture, type="jpeg", quality=70)
            wide = await self.page.evaluate("document.scrollingElement.scrollWidth")
            if wide > width:
                self.faults.append(f"{path}: {wide} pixels wide on a screen of {width}")
        found = await Axe().run(self.page, options={"runOnly": {"type": "tag", "values": WCAG}})
        for violation in found.response["violations"]:
            places = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
            self.faults.append(f"{path}: {violation['id']}: {violation['help']}: {places}")


def name_of(path: str) -> str:
    """A page's name as a file: `feeds-sample-preview` for `/feeds/sample/preview`, without ids that
    differ each time."""
    plain = re.sub(r"[0-9a-f-]{32,}|[0-9]{10,}", "one", urlsplit(path).path)
    return plain.strip("/").replace("/", "-") or "today"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a screen."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def watched(
    browser: Browser, base: str, *, scheme: str, pictures_from: Sequence[str] = ()
) -> AsyncIterator[Watched]:
    """A fresh browser profile in a colour scheme (light or dark)."""
    context = await browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", locale="en-GB"
    )
    page = await context.new_page()
    seen = Watched(page, base, scheme, pictures_from)
    page.on("console", seen.heard)
    page.on("pageerror", lambda error: seen.faults.append(f"{page.url}: {error}"))
    page.on("request", seen.asked)
    try:
        yield seen
    finally:
        await context.close()
