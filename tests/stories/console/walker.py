"""A person in Chromium: reads pages, fills forms in, presses buttons, with the mouse or without.

What a walker is told to press or to see is written in English, as the code has it, with the values
that are filled in; a walker whose browser speaks another language looks for the translation.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    ConsoleMessage,
    FilePayload,
    Locator,
    Page,
    Request,
    expect,
)

from console.texts import Text

PATIENCE = 30_000
"""Milliseconds that a page may take on a busy machine."""
expect.set_options(timeout=PATIENCE)


@dataclass
class Walker:
    """One person's browser at the console, and what it complained of."""

    page: Page
    base: str
    language: str = "en"
    pictures: Path | None = None
    """The folder that takes a picture of each step that is named, if any."""
    faults: list[str] = field(default_factory=list)

    def say(self, text: str, **values: object) -> str:
        """A text of the console in this person's language; other texts as they are."""
        return Text(text, values).said(self.language)

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
        await self.fits()

    async def fill(self, **typed: str) -> None:
        """Fill fields in by their names; of a list its option by value or text."""
        for name, value in typed.items():
            element = self.page.locator(f"[name={name}]:visible").first
            if await element.evaluate("e => e.tagName") == "SELECT":
                await self.choose(element, value)
            else:
                await self.type_in(element, value)

    async def type_in(self, box: Locator, text: str) -> None:
        """Write a text into a field, in place of what it has."""
        await box.fill(text)

    async def choose(self, box: Locator, option: str | int) -> None:
        """Choose of a list by value, text or place."""
        if isinstance(option, int):
            await box.select_option(index=option)
        else:
            await box.select_option(option)

    async def check(self, button: Locator) -> None:
        """Choose one of several radio buttons."""
        await button.check()

    async def switch(self, box: Locator) -> None:
        """Turn a switch on or off."""
        await box.click()

    async def give_file(self, box: Locator, name: str, content: bytes) -> None:
        """Drop a file on the field of a page."""
        data = await self.page.evaluate_handle(
            """([name, bytes]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], name, { type: "text/csv" }));
                return data;
            }""",
            [name, list(content)],
        )
        for kind in ("dragover", "drop"):
            await box.locator("xpath=ancestor-or-self::*[@data-drop]").first.dispatch_event(
                kind, {"dataTransfer": data}
            )

    async def click(self, what: Locator) -> None:
        """Press a button or follow a link."""
        await what.click()

    async def press(self, text: str, **values: object) -> None:
        """Press the button of this text, and wait for the page it leads to."""
        said = self.say(text, **values)
        await self.go_by(self.page.get_by_role("button", name=said, exact=True).first)

    async def follow(self, text: str) -> None:
        """Follow the link of this text in the page's content."""
        links = self.page.locator("main a")  # some have the role of a button
        said = re.escape(self.say(text))
        await self.go_by(links.filter(has_text=re.compile(rf"^\s*{said}\s*$")).first)

    async def go_by(self, what: Locator) -> None:
        """Click what leads to a page, and wait for it: whoever goes on at once sends no form."""
        async with self.page.expect_navigation():
            await self.click(what)
        await self.fits()

    async def fits(self) -> None:
        """Nothing of a page of ours is wider than the screen."""
        if not self.page.url.startswith(self.base):
            return
        size = self.page.viewport_size
        wide = await self.page.evaluate("document.scrollingElement.scrollWidth")
        assert size
        assert wide <= size["width"], f"{self.page.url}: {wide} pixels wide"

    async def sees(self, text: str, **values: object) -> None:
        """Wait until the page shows the text, which it does by itself."""
        said = self.say(text, **values)
        await expect(self.page.locator("main")).to_contain_text(said, timeout=PATIENCE)

    async def looks_until(self, text: str, **values: object) -> None:
        """Load the page again until it shows the text: of what others do."""
        said = self.say(text, **values)
        for _ in range(PATIENCE // 500):
            if said in await self.text():
                return
            await self.page.wait_for_timeout(500)
            await self.page.reload()
        raise AssertionError(f"{self.page.url} never shows {said!r}: {await self.text()}")

    async def looks_until_gone(self, text: str) -> None:
        """Load the page again until it shows the text no more."""
        said = self.say(text)
        for _ in range(PATIENCE // 500):
            if said not in await self.text():
                return
            await self.page.wait_for_timeout(500)
            await self.page.reload()
        raise AssertionError(f"{self.page.url} shows {said!r} still")

    async def text(self) -> str:
        """What the page's content says, in one line."""
        return re.sub(r"\s+", " ", await self.page.locator("main").inner_text())

    async def photograph(self, name: str) -> None:
        """A picture of this step, where pictures are made."""
        if self.pictures is not None:
            self.pictures.mkdir(parents=True, exist_ok=True)
            path = self.pictures / f"{name}.jpg"
            await self.page.screenshot(path=path, type="jpeg", quality=60)


FOCUS_SHOWS = """() => {
    const here = document.activeElement;
    if (!here || here === document.body) return true;
    const style = getComputedStyle(here);
    return style.outlineStyle !== "none" || style.boxShadow !== "none"
        || here.matches(".skip") || here.tagName === "MAIN";
}"""
"""Whether one sees where one is; nowhere is after the page's last element."""
IS_IN_ITS_GROUP = """e => document.activeElement === e
    || (document.activeElement.type === "radio" && document.activeElement.name === e.name)"""


class KeyboardWalker(Walker):
    """A person without a mouse: everything is reached by Tab, and seen to be."""

    async def type_in(self, box: Locator, text: str) -> None:
        """Reach a field, and write over what it has."""
        await self.reach(box)
        await self.page.keyboard.press("ControlOrMeta+a")
        await self.page.keyboard.type(text)
        if not text:
            await self.page.keyboard.press("Delete")

    async def choose(self, box: Locator, option: str | int) -> None:
        """Reach a list, and go down to the option."""
        wanted = await box.evaluate(
            """(e, wanted) => typeof wanted === "number" ? wanted : [...e.options].findIndex(
                o => o.value === wanted || o.label === wanted)""",
            option,
        )
        assert wanted >= 0, f"{self.page.url}: no option {option}"
        await self.reach(box)
        for _ in range(await box.locator("option").count()):
            now = await box.evaluate("e => e.selectedIndex")
            if now == wanted:
                return
            await self.page.keyboard.press("ArrowDown" if now < wanted else "ArrowUp")
        raise AssertionError(f"{self.page.url}: the arrows never lead to {option}")

    async def check(self, button: Locator) -> None:
        """Reach a group of radio buttons, and go on to this one by the arrows."""
        await self.reach(button, IS_IN_ITS_GROUP)
        if await button.evaluate("e => e === document.activeElement"):
            await self.page.keyboard.press("Space")
        for _ in range(30):
            if await button.is_checked():
                return
            await self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{self.page.url}: the arrows never lead to the button")

    async def switch(self, box: Locator) -> None:
        """Reach a switch, and turn it."""
        await self.reach(box)
        await self.page.keyboard.press("Space")

    async def give_file(self, box: Locator, name: str, content: bytes) -> None:
        """Open the system's dialogue of a file field, and choose there."""
        await self.reach(box)
        async with self.page.expect_file_chooser() as chooser:
            await self.page.keyboard.press("Space")  # Enter opens Chromium's (156) now and then
        file = FilePayload(name=name, mimeType="text/csv", buffer=content)
        await (await chooser.value).set_files(file)

    async def click(self, what: Locator) -> None:
        """Reach a button or a link, and press Enter."""
        await self.reach(what)
        await self.page.keyboard.press("Enter")

    async def reach(
        self, what: Locator, is_there: str = "e => e === document.activeElement"
    ) -> None:
        """Press Tab until this has the focus, which must show wherever it is on the way."""
        await what.wait_for()
        for _ in range(300):
            if await what.evaluate(is_there):
                return
            await self.page.keyboard.press("Tab")
            assert await self.page.evaluate(FOCUS_SHOWS), await self.page.evaluate(
                "document.activeElement.outerHTML.slice(0, 200)"
            )
        raise AssertionError(f"{self.page.url}: Tab never leads to {what}")


@asynccontextmanager
async def walking(
    browser: Browser,
    base: str,
    *,
    width: int = 1100,
    language: str = "en-GB",
    by_keyboard: bool = False,
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
    person = KeyboardWalker if by_keyboard else Walker
    walker = person(page, base, language[:2], pictures)
    page.on("console", walker.heard)
    page.on("pageerror", lambda error: walker.faults.append(f"{page.url}: {error}"))
    page.on("request", walker.asked)
    try:
        yield walker
    finally:
        await context.close()
