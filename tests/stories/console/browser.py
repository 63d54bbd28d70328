"""A browser without a screen: it keeps cookies, reads pages, fills forms in and presses buttons."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import httpx2
from lxml import html

HOPS = 8


@dataclass
class Browser:
    """One person's. `page` is what is shown now, `url` its address."""

    http: httpx2.AsyncClient
    page: Any = None
    url: str = ""
    status: int = 0
    kind: str = ""
    """The page's content type."""
    policies: list[str] = field(default_factory=list)
    """The Content-Security-Policy of every page seen."""

    async def open(self, address: str) -> "Browser":
        """Go to an address, relative ones from here."""
        await self._follow(await self.http.get(urljoin(self.url, address)))
        return self

    async def press(
        self, action: str, typed: Mapping[str, str] | None = None, **files: tuple[str, bytes]
    ) -> "Browser":
        """Send the form whose action ends so, filled in as it is shown and as typed."""
        form = self.form(action)
        fields = {
            name: value for name, value in form.form_values() if name not in {"adopt", *(files)}
        }
        fields |= dict(typed or {})
        where = urljoin(self.url, form.get("action") or self.url)
        if form.get("method", "get").lower() == "get":
            await self._follow(await self.http.get(where, params=fields))
            return self
        headers = {"Origin": self._origin(where), "Sec-Fetch-Site": "same-origin"}
        sent = {name: (given[0], given[1], "text/csv") for name, given in files.items()}
        answer = await self.http.post(where, data=fields, files=sent or None, headers=headers)
        await self._follow(answer)
        return self

    async def send(self, action: str, fields: Mapping[str, str]) -> "Browser":
        """Send a form that is not on the page, as a program could."""
        where = urljoin(self.url, action)
        headers = {"Origin": self._origin(where), "Sec-Fetch-Site": "same-origin"}
        await self._follow(await self.http.post(where, data=dict(fields), headers=headers))
        return self

    def form(self, action: str) -> Any:
        """The form whose action ends so; any form for an empty one."""
        forms = [each for each in self.page.forms if (each.get("action") or "").endswith(action)]
        assert forms, f"no form {action} at {self.url}: {self.text[:800]}"
        return forms[0]

    @property
    def text(self) -> str:
        """What a person reads."""
        return " ".join(" ".join(self.page.itertext()).split())

    def links(self, part: str) -> list[str]:
        """The addresses of the page's links that hold this."""
        return [link for link in self.page.xpath("//a/@href") if part in link]

    def _origin(self, where: str) -> str:
        url = httpx2.URL(where)
        return f"{url.scheme}://{url.netloc.decode()}"

    async def _follow(self, answer: httpx2.Response) -> None:
        for _ in range(HOPS):
            if not answer.is_redirect:
                break
            target = urljoin(str(answer.url), answer.headers["location"])
            answer = await self.http.get(target)
        self.url, self.status = str(answer.url), answer.status_code
        self.kind = answer.headers.get("content-type", "")
        self.policies.append(answer.headers.get("content-security-policy", ""))
        self.page = html.document_fromstring(answer.text or "<p></p>")
