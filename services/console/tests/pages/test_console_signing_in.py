"""Pages of those who are not signed in: what was begun there is not lost on the way."""

import html
import re

import httpx2
import pytest

from .conftest import Opened


def hidden(page: str, name: str) -> list[str]:
    """The values of the page's hidden fields of this name."""
    found = re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    return [html.unescape(value) for value in found]


async def ended(opened: Opened) -> None:
    """Nobody is signed in."""
    opened.http.cookies.clear()
    refused = httpx2.Response(422, json={"title": "the password is too short", "status": 422})
    for place in ("/v1/invitations/accept", "/v1/password/reset", "/v1/sessions", "/forgot"):
        opened.services.instead[place] = refused
    opened.services.instead["/v1/operators"] = refused


@pytest.mark.parametrize(
    ("begun", "page"),
    [
        ("/invitation?link=a-b_c", "/invitation?link=a-b_c"),
        ("/reset-password?link=a-b_c", "/reset-password?link=a-b_c"),
        ("/sign-in?next=/orders%3Fview%3Dall", "/sign-in?next=%2Forders%3Fview%3Dall"),
        ("/forgot-password", "/forgot-password"),
        ("/first-run", "/first-run"),
    ],
)
async def test_another_language_shows_a_refused_form_again(
    opened: Opened, begun: str, page: str
) -> None:
    await ended(opened)
    shown = (await opened.http.get(begun)).text
    typed = {name: hidden(shown, name)[0] for name in ("csrf",)}
    typed |= {"link": "a-b_c"} if "link=" in begun else {}
    typed |= {"next": "/orders?view=all"} if "next=" in begun else {}
    refused = await opened.http.post(begun.partition("?")[0], data={**typed, "password": "x"})
    assert refused.status_code == 422
    [csrf, *_] = hidden(refused.text, "csrf")
    back = hidden(refused.text, "next")[-1]
    assert back == page
    chosen = {"csrf": csrf, "next": back, "language": "fr"}
    answer = await opened.http.post("/language", data=chosen)
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    again = await opened.http.get(page)
    assert (again.status_code, 'lang="fr"' in again.text) == (200, True)
    if "link=" in page:
        assert hidden(again.text, "link") == ["a-b_c"]


@pytest.mark.parametrize("path", ["/language", "/sign-out", "/no-such-page"])
async def test_another_language_leads_to_a_page_that_is_there(opened: Opened, path: str) -> None:
    await ended(opened)
    answer = await opened.http.post(path, data={"csrf": "foreign"}, follow_redirects=True)
    back = hidden(answer.text, "next")[-1]
    assert (await opened.http.get(back)).status_code == 200


async def test_another_language_keeps_the_address_of_a_page(opened: Opened) -> None:
    await ended(opened)
    answer = await opened.http.get("/no-such-page?a=b")
    assert hidden(answer.text, "next") == ["/no-such-page?a=b"]
