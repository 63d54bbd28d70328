"""Pages of those who are not signed in: what was begun there is not lost on the way."""

import html
import re
from urllib.parse import urlencode

import httpx2
import pytest

from console.browser import ConsoleCookies

from ..promised_services import ME, MOMENT
from .conftest import SESSION, Opened


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


SHIPMENTS = "/orders/main/81/shipments"
TYPED = [("carrier", "Correos & Co"), ("line", "81-1"), ("line", "81-2"), ("note", "a\n<b>\nc")]
CSRF = ConsoleCookies(is_secure=False).token_of(SESSION)
ENDED = httpx2.Response(401, json={"title": "the session has ended", "status": 401})


async def send(
    opened: Opened, typed: list[tuple[str, str]], path: str = SHIPMENTS, **headers: str
) -> httpx2.Response:
    form = [("csrf", CSRF), ("typed_by", "p1"), ("typed_for", "acme"), *typed]
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return await opened.http.post(path, content=urlencode(form), headers=kind | headers)


async def sent_too_late(opened: Opened, typed: list[tuple[str, str]], **headers: str) -> str:
    """The page that answers a form which was sent after its session had ended."""
    opened.services.instead["/v1/me"] = ENDED
    answer = await send(opened, typed, **headers)
    assert answer.status_code == 401
    assert "console_session" not in answer.headers.get("set-cookie", "")
    return answer.text


async def sign_in(opened: Opened, page: str, person_id: str = "p1") -> httpx2.Response:
    """What the page to sign in leads to."""
    opened.services.instead["/v1/me"] = ME | {"person_id": person_id}
    opened.services.instead["/v1/sessions"] = {"session": "new", "ends_at": MOMENT}
    form = {name: hidden(page, name)[0] for name in ("csrf", "next", "kept") if hidden(page, name)}
    return await opened.http.post("/sign-in", data={**form, "email": "a@b.c", "password": "x" * 12})


def sent_on(opened: Opened) -> list[str]:
    return [told.url.path for told in opened.services.told if told.url.path.endswith("/shipments")]


async def test_what_was_typed_is_there_again_after_signing_in(opened: Opened) -> None:
    page = await sent_too_late(opened, TYPED)
    assert "Correos" not in "".join(str(told.url) for told in opened.services.told)
    answer = await sign_in(opened, page)
    assert answer.status_code == 200
    assert not sent_on(opened)
    for name, value in TYPED:
        assert value in hidden(answer.text, name)
    assert "<b>" not in answer.text
    assert f'action="{SHIPMENTS}"' in answer.text
    assert "console_session=new" in answer.headers["set-cookie"]
    [csrf, *_] = set(hidden(answer.text, "csrf"))
    form = [("csrf", csrf), *TYPED]
    sent = await opened.http.post(
        SHIPMENTS,
        content=urlencode(form),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert sent.status_code == 303
    assert len(sent_on(opened)) == 1


@pytest.mark.parametrize(
    ("memberships", "is_operator", "is_shown"),
    [(["zara", "acme"], False, True), (["zara"], False, False), ([], True, True)],
)
async def test_it_comes_back_with_its_merchant_or_not_at_all(
    opened: Opened, memberships: list[str], is_operator: bool, is_shown: bool
) -> None:
    page = await sent_too_late(opened, TYPED)
    members = [{"merchant_id": each, "role": "owner"} for each in memberships]
    opened.services.instead["/v1/me"] = ME | {"memberships": members, "is_operator": is_operator}
    opened.services.instead["/v1/sessions"] = {"session": "new", "ends_at": MOMENT}
    form = {name: hidden(page, name)[0] for name in ("csrf", "next", "kept")}
    answer = await opened.http.post("/sign-in", data={**form, "email": "a@b.c", "password": "x"})
    assert ("Correos" in answer.text) == is_shown
    assert ("console_merchant=acme" in answer.headers["set-cookie"]) == is_shown


async def test_who_signed_in_again_elsewhere_sees_the_form_before_it_is_sent(
    opened: Opened,
) -> None:
    opened.http.cookies.set("console_session", "another session", domain="console.test")
    same = {"Sec-Fetch-Site": "same-origin"}
    answer = await send(opened, TYPED, **same)
    assert (answer.status_code, "Not sent yet" in answer.text) == (403, True)
    assert not sent_on(opened)
    assert hidden(answer.text, "carrier") == ["Correos & Co"]
    assert set(hidden(answer.text, "csrf")) == {
        ConsoleCookies(is_secure=False).token_of("another session")
    }
    # what waits on a page to sign in from before does not wait there for ever
    del opened.http.cookies["console_session"]
    page = await sent_too_late(opened, TYPED, **same)
    opened.http.cookies.set("console_session", "another session", domain="console.test")
    opened.services.instead["/v1/me"] = ME
    form = {"csrf": hidden(page, "csrf")[0], "kept": hidden(page, "kept")[0], "email": "a@b.c"}
    answer = await opened.http.post("/sign-in", data=form, headers=same)
    assert hidden(answer.text, "carrier") == ["Correos & Co"]
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}):
        assert "Not sent yet" not in (await send(opened, TYPED, **headers)).text
    opened.http.cookies.set("console_session", "a third", domain="console.test")
    opened.services.instead["/v1/me"] = ME | {"person_id": "p2"}
    assert "Not sent yet" not in (await send(opened, TYPED, **same)).text
    assert not sent_on(opened)


async def test_a_refusal_while_a_form_is_worked_on_keeps_it_too(opened: Opened) -> None:
    opened.services.instead["/orders/81"] = ENDED
    opened.services.instead["/shipments"] = ENDED
    answer = await send(opened, TYPED)
    assert (answer.status_code, len(hidden(answer.text, "kept"))) == (401, 2)


async def test_a_wrong_password_or_another_language_loses_nothing(opened: Opened) -> None:
    page = await sent_too_late(opened, TYPED)
    wrong = httpx2.Response(401, json={"title": "the password is wrong", "status": 401})
    opened.services.instead["/v1/sessions"] = wrong
    form = {name: hidden(page, name)[0] for name in ("csrf", "next", "kept")}
    again = await opened.http.post("/sign-in", data={**form, "email": "a@b.c", "password": "x"})
    assert hidden(again.text, "kept")[0] == form["kept"]
    chosen = await opened.http.post("/language", data={**form, "language": "fr"})
    assert (chosen.status_code, 'lang="fr"' in chosen.text) == (200, True)
    assert hidden(chosen.text, "kept")[0] == form["kept"]


async def test_nobody_else_sees_what_was_typed(opened: Opened) -> None:
    answer = await sign_in(opened, await sent_too_late(opened, TYPED), person_id="p2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Correos" not in answer.text


@pytest.mark.parametrize(
    "typed",
    [
        [("current_password", "old secret"), ("password", "new secret")],
        [("code", "123456")],
        [("document", "é" * 200_000)],
    ],
)
async def test_what_cannot_be_kept_is_said_to_be_lost(
    opened: Opened, typed: list[tuple[str, str]]
) -> None:
    page = await sent_too_late(opened, typed)
    assert not hidden(page, "kept")
    assert "could not be kept" in page
    assert typed[0][1] not in page


async def test_a_file_that_came_too_late_is_said_to_be_lost(opened: Opened) -> None:
    opened.services.instead["/v1/me"] = ENDED
    answer = await opened.http.post(
        "/catalogues/c/imports", data={"csrf": CSRF}, files={"file": ("a.csv", b"id\n", "text/csv")}
    )
    assert (answer.status_code, "could not be kept" in answer.text) == (401, True)


async def test_a_foreign_page_puts_nothing_on_the_page_to_sign_in(opened: Opened) -> None:
    opened.http.cookies.clear()
    page = await sent_too_late(opened, TYPED)
    assert not hidden(page, "kept")
    page = await sent_too_late(opened, TYPED, **{"Sec-Fetch-Site": "cross-site"})
    assert not hidden(page, "kept")
    # where somebody signed out in another tab, the cookie is gone and the browser says whose page
    page = await sent_too_late(opened, TYPED, **{"Sec-Fetch-Site": "same-origin"})
    assert hidden(page, "kept")


async def test_every_form_of_somebody_names_them(opened: Opened) -> None:
    page = (await opened.http.get("/orders-file")).text
    assert (set(hidden(page, "typed_by")), set(hidden(page, "typed_for"))) == ({"p1"}, {"acme"})
    assert not hidden((await opened.http.get("/sign-out")).text, "typed_by")


@pytest.mark.parametrize("kept", ["", "{", '{"action": "//evil.example", "fields": []}', "[1]"])
async def test_what_was_never_kept_is_passed_over(opened: Opened, kept: str) -> None:
    await ended(opened)
    page = (await opened.http.get("/sign-in")).text
    opened.services.instead["/v1/sessions"] = {"session": "new", "ends_at": MOMENT}
    form = {"csrf": hidden(page, "csrf")[0], "kept": kept, "email": "a@b.c", "password": "x" * 12}
    answer = await opened.http.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
