"""A merchant in front of a browser: opens the link, signs in at AliExpress, agrees."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx2

PAGES_AT_MOST = 6


class ConsentFailed(Exception):
    """The pages did not end with the shop connected; the text is what the last one said."""


class _Page(HTMLParser):
    """What a person sees and can send: the text, and the form with its hidden fields."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.hidden: dict[str, str] = {}
        self.text: list[str] = []
        self._is_silent = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._is_silent = tag in {"style", "script", "title"}
        if tag == "form":
            self.action = values.get("action") or ""
        elif tag == "input" and values.get("type") == "hidden":
            self.hidden[values.get("name") or ""] = values.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        self._is_silent = False

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._is_silent:
            self.text.append(" ".join(data.split()))


async def agree(start_url: str, *, seller_id: str, decision: str = "agree") -> str:
    """Walk the pages from `start_url` with one cookie jar, as a browser does.

    Returns what the last page says. Raises `ConsentFailed` with it when it is an error, or when a
    page does not come.
    """
    try:
        async with httpx2.AsyncClient(timeout=30) as browser:
            answer = await _walk(browser, start_url, {"seller_id": seller_id, "decision": decision})
    except httpx2.HTTPError as error:
        raise ConsentFailed(f"{start_url} does not answer ({type(error).__name__})") from None
    text = " ".join(_Page(answer.text).text)
    if not answer.is_success:
        raise ConsentFailed(text)
    return text


async def _walk(
    browser: httpx2.AsyncClient, start_url: str, choices: dict[str, str]
) -> httpx2.Response:
    answer = await browser.get(start_url)
    for _ in range(PAGES_AT_MOST):
        page = _Page(answer.text)
        if answer.is_redirect:
            answer = await browser.get(urljoin(str(answer.url), answer.headers["location"]))
        elif answer.is_success and page.action is not None:
            where = urljoin(str(answer.url), page.action)
            answer = await browser.post(where, data=page.hidden | choices)
        else:
            break
    return answer
