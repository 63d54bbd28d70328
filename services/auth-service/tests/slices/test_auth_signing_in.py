"""The pages: forms belong to their browser, sessions to one sign-in, links lead on this site."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from stack.testing import NewDatabase

from ..auth_harness import Auth, migrate, running_auth
from ..people_harness import (
    PASSWORD,
    Mailbox,
    accept,
    audited,
    invited,
    join,
    secret_of,
    sign_in,
)

TOKEN = re.compile(r'name="token" value="([0-9a-f]+)"')


async def open_form(auth: Auth, path: str) -> str:
    """The token of the page's form; cookies stay in `auth.http`."""
    page = await auth.http.get(path)
    assert page.status_code == 200, page.text
    found = TOKEN.search(page.text)
    assert found
    return found[1]


async def sign_in_here(
    auth: Auth, email: str, password: str = PASSWORD, **more: str
) -> httpx2.Response:
    token = await open_form(auth, "/v1/sign-in")
    form = {"token": token, "email": email, "password": password} | more
    return await auth.http.post("/v1/sign-in", data=form)


async def test_signing_in_makes_a_new_session_whatever_the_browser_held(auth: Auth) -> None:
    await auth.register()
    await join(auth, "a@shein.example")
    planted = (await sign_in(auth, "a@shein.example")).secret
    token = await open_form(auth, "/v1/sign-in")
    auth.http.cookies.set("channel_session", planted)
    stale = {"token": token, "email": "a@shein.example", "password": PASSWORD}
    # the form was made for a browser without that session
    assert (await auth.http.post("/v1/sign-in", data=stale)).status_code == 403
    auth.http.cookies.delete("channel_session")

    answer = await sign_in_here(auth, "a@shein.example", next="/v1/renew/shein/main")
    assert (answer.status_code, answer.headers["location"]) == (303, "/v1/renew/shein/main")
    given = answer.headers["set-cookie"]
    assert "HttpOnly" in given
    assert "SameSite=lax" in given
    assert planted not in given
    page = await auth.http.get("/v1/sign-in")
    assert "a@shein.example" in page.text
    assert "form-action &#39;self&#39;" not in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"

    held = auth.http.cookies["channel_session"]
    out = await auth.http.post("/v1/sign-out", data={"token": TOKEN.search(page.text)[1]})  # type: ignore[index]
    assert out.status_code == 200
    auth.http.cookies.set("channel_session", held)
    assert "Sign out" not in (await auth.http.get("/v1/sign-in")).text


@pytest.mark.parametrize(
    "path",
    ["/v1/sign-in", "/v1/sign-out", "/v1/forgot-password", "/v1/renew"],
)
async def test_a_form_of_another_site_is_refused(auth: Auth, path: str) -> None:
    await auth.register()
    await join(auth, "a@shein.example")
    assert (await sign_in_here(auth, "a@shein.example")).status_code == 303
    form = {"email": "a@shein.example", "password": PASSWORD}
    if path == "/v1/sign-out":
        form = {}
    if path == "/v1/forgot-password":
        form = {"email": "a@shein.example"}
    if path == "/v1/renew":
        form = {"merchant_id": "shein", "shop_id": "main"}
    for token in ("", "0" * 64, "é"):
        answer = await auth.http.post(path, data=form | {"token": token})
        assert answer.status_code == 403
        assert "location" not in answer.headers
    assert not await audited(auth, "shop.connect-link-made")
    assert "Sign out" in (await auth.http.get("/v1/sign-in")).text


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/ a"],
)
async def test_after_signing_in_nobody_is_sent_elsewhere(auth: Auth, elsewhere: str) -> None:
    await auth.register()
    await join(auth, "a@shein.example")
    answer = await sign_in_here(auth, "a@shein.example", next=elsewhere)
    assert (answer.status_code, answer.headers["location"]) == (303, "/v1/sign-in")


async def test_a_wrong_password_shows_the_form_again_and_is_throttled(auth: Auth) -> None:
    for number in range(11):
        answer = await sign_in_here(auth, "a@shein.example", "<b>wrong</b> wrong")
        assert answer.status_code == (401 if number < 10 else 429)
        assert "<b>" not in answer.text
    assert int(answer.headers["retry-after"]) > 0


@pytest.fixture
async def secure(database: NewDatabase) -> AsyncIterator[Auth]:
    url = await database(migrate)
    async for running in running_auth(
        url, "http://127.0.0.1:1", public_url="https://channel.example"
    ):
        yield running


async def test_over_https_cookies_are_bound_to_the_host(secure: Auth) -> None:
    page = await secure.http.get("/v1/sign-in")
    cookie = page.headers["set-cookie"]
    assert cookie.startswith("__Host-channel_form=")
    assert {"Secure", "Path=/", "HttpOnly"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie


async def test_an_invitation_and_a_forgotten_password_have_pages(
    mailbox: Mailbox, auth: Auth
) -> None:
    await auth.register()
    link = await invited(auth, "a@shein.example")
    path = f"/v1/invitation?link={link}"
    token = await open_form(auth, path)
    short = {"token": token, "link": link, "password": "short"}
    assert (await auth.http.post("/v1/invitation", data=short)).status_code == 422
    good = short | {"password": PASSWORD}
    assert (await auth.http.post("/v1/invitation", data=good | {"token": ""})).status_code == 403
    assert (await auth.http.post("/v1/invitation", data=good)).status_code == 200
    assert (await auth.http.get(path)).status_code == 410

    token = await open_form(auth, "/v1/forgot-password")
    pages = [
        (await auth.http.post("/v1/forgot-password", data={"token": token, "email": email})).text
        for email in ("a@shein.example", "nobody@shein.example")
    ]
    assert pages[0] == pages[1]
    secret = secret_of(mailbox.mails[-1].parameters["link"])
    token = await open_form(auth, f"/v1/reset-password?link={secret}")
    form = {"token": token, "link": secret, "password": "other words nobody guesses"}
    assert (await auth.http.post("/v1/reset-password", data=form)).status_code == 200
    assert await sign_in(auth, "a@shein.example", "other words nobody guesses")


async def test_the_link_of_a_mail_renews_after_signing_in(auth: Auth) -> None:
    await auth.register()
    assert (await auth.connect()).status_code == 201
    await join(auth, "owner@shein.example")
    renew = "/v1/renew/shein/main"
    first = await auth.http.get(renew)
    assert (first.status_code, first.headers["location"]) == (303, f"/v1/sign-in?next={renew}")
    token = await open_form(auth, first.headers["location"])
    back = await auth.http.post(
        "/v1/sign-in",
        data={"token": token, "email": "owner@shein.example", "password": PASSWORD, "next": renew},
    )
    token = await open_form(auth, back.headers["location"])
    begun = await auth.http.post(
        "/v1/renew", data={"token": token, "merchant_id": "shein", "shop_id": "main"}
    )
    assert begun.status_code == 303
    assert begun.headers["location"].startswith("/v1/oauth/start?ticket=")
    on = await auth.go_on(begun.headers["location"])
    assert (on.status_code, "state=" in on.headers["location"]) == (303, True)
    row = (await audited(auth, "shop.connect-link-made"))[-1]
    assert (row["actor_email"], row["merchant_id"]) == ("owner@shein.example", "shein")
    missing = await auth.http.get("/v1/renew/shein/other")
    assert missing.status_code == 404


async def test_who_may_not_renew_is_told_whom_to_ask_and_a_stranger_nothing(auth: Auth) -> None:
    await auth.register()
    await auth.register("other")
    await auth.connect()
    await join(auth, "owner@shein.example")
    await join(auth, "agent@shein.example", "agent")
    await join(auth, "owner@other.example", "owner", "other")
    await sign_in_here(auth, "agent@shein.example")
    page = await auth.http.get("/v1/renew/shein/main")
    assert page.status_code == 403
    assert "owner@shein.example" in page.text
    auth.http.cookies.clear()
    await sign_in_here(auth, "owner@other.example")
    there = await auth.http.get("/v1/renew/shein/main")
    nowhere = await auth.http.get("/v1/renew/nobody/main")
    assert (there.status_code, there.text) == (404, nowhere.text)
    assert (await accept(auth, "A" * 43)).status_code == 410
