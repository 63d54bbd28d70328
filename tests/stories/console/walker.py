"""A person in Chromium: reads pages, fills forms in, presses buttons, with the mouse or without."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, expect

PATIENCE = 30_000
"""Milliseconds that a page may take on a busy machine."""
expect.set_options(timeout=PATIENCE)


@dataclass
class Walker:
    """One person's browser at the console, and what it complained of."""

    page: Page
    base: str
    pictures: Path | None = None
    """The folder that takes a picture of each step that is named, if any."""
    faults: list[str] = field(default_factory=list)

    def heard(self, message: ConsoleMessage) -> None:
        """Errors in the browser's console, but for statuses that are asked for."""
        if message.type == "error" and "status of 4" not in message.text:
            self.faults.append(f"{self.page.url}: {message.text}")

    def asked(self, request: Request) -> None:
        """Scripts, styles and fonts of other hosts, which no page of ours may need."""
        is_ours = urlsplit(self.page.url).netloc == urlsplit(self.base).netloc
        host = urlsplit(request.url).netloc
        kinds = {"script", "stylesheet", "font", "xhr", "fetch"}
        if is_ours and host != urlsplit(self.base).netloc and request.resource_type in kinds:
            self.faults.append(f"{self.page.url} asks {request.url}")

    async def open(self, path: str) -> None:
        """Go to an address of the console."""
        await self.page.goto(self.base + path)

    async def fill(self, **typed: str) -> None:
        """Fill fields in by their names; of a list its option by value or text."""
        for name, value in typed.items():
            element = self.page.locator(f"[name={name}]:visible").first
            if await element.evaluate("e => e.tagName") == "SELECT":
                await element.select_option(value)
            else:
                await element.fill(value)

    async def press(self, text: str) -> None:
        """Press the button of this text, and wait for the page it leads to."""
        await self.go_by(self.page.get_by_role("button", name=text, exact=True).first)

    async def follow(self, text: str) -> None:
        """Follow the link of this text in the page's content."""
        links = self.page.locator("main a")  # some have the role of a button
        await self.go_by(links.filter(has_text=re.compile(rf"^\s*{re.escape(text)}\s*$")).first)

    async def go_by(self, what: Locator) -> None:
        """Click what leads to a page, and wait for it: whoever goes on at once sends no form."""
        async with self.page.expect_navigation():
            await what.click()

    async def sees(self, text: str) -> None:
        """Wait until the page shows the text, which it does by itself."""
        await expect(self.page.locator("main")).to_contain_text(text, timeout=PATIENCE)

    async def looks_until(self, text: str) -> None:
        """Load the page again until it shows the text: of what others do."""
        for _ in range(PATIENCE // 500):
            if text in await self.text():
                return
            await self.page.wait_for_timeout(500)
            await self.page.reload()
        raise AssertionError(f"{self.page.url} never shows {text!r}: {await self.text()}")

    async def looks_until_gone(self, text: str) -> None:
        """Load the page again until it shows the text no more."""
        for _ in range(PATIENCE // 500):
            if text not in await self.text():
                return
            await self.page.wait_for_timeout(500)
            await self.page.reload()
        raise AssertionError(f"{self.page.url} shows {text!r} still")

    async def text(self) -> str:
        """What the page's content says, in one line."""
        return re.sub(r"\s+", " ", await self.page.locator("main").inner_text())

    async def drop(self, field: Locator, name: str, content: bytes) -> None:
        """Drop a file on a field of the page."""
        data = await self.page.evaluate_handle(
            """([name, bytes]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], name, { type: "text/csv" }));
                return data;
            }""",
            [name, list(content)],
        )
        for kind in ("dragover", "drop"):
            await field.dispatch_event(kind, {"dataTransfer": data})

    async def photograph(self, name: str) -> None:
        """A picture of this step, where pictures are made."""
        if self.pictures is not None:
            self.pictures.mkdir(parents=True, exist_ok=True)
            path = self.pictures / f"{name}.jpg"
            await self.page.screenshot(path=path, type="jpeg", quality=60)


@asynccontextmanager
async def walking(
    browser: Browser,
    base: str,
    *,
    width: int = 1100,
    language: str = "en-GB",
    pictures: Path | None = None,
    state: Any = None,
) -> AsyncIterator[Walker]:
    """Somebody's browser: fresh, or with the cookies it had."""
    context = await browser.new_context(
        color_scheme="light",
        locale=language,
        viewport={"width": width, "height": 800},
        storage_state=state,
    )
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    walker = Walker(page, base, pictures)
    page.on("console", walker.heard)
    page.on("pageerror", lambda error: walker.faults.append(f"{page.url}: {error}"))
    page.on("request", walker.asked)
    try:
        yield walker
    finally:
        await context.close()
