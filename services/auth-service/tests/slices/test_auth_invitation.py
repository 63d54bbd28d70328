"""Before AliExpress: whose shop it will be, and that only who was shown it goes on."""

from urllib.parse import parse_qs, urlsplit

from ..auth_harness import Auth, Seller

Selling = tuple[Auth, Seller]
ONE = "2200100001"


async def test_a_ticket_is_shown_often_and_leads_on_once(auth: Auth) -> None:
    await auth.register()
    link = (await auth.connect()).json()["start_url"]
    assert [(await auth.http.get(link)).status_code for _ in range(2)] == [200, 200]
    assert (await auth.http.post(link)).status_code == 303
    assert (await auth.http.post(link)).status_code == 403, "its page is not shown any more"
    assert (await auth.http.get(link)).status_code == 410


async def test_nobody_goes_on_who_was_not_shown_whose_shop_it_is(auth: Auth) -> None:
    await auth.register()
    link, other = [(await auth.connect()).json()["start_url"] for _ in range(2)]
    refused = await auth.http.post(link)
    assert refused.status_code == 403
    assert "Open the link itself" in refused.text
    assert "set-cookie" not in refused.headers
    await auth.http.get(other)
    assert (await auth.http.post(link)).status_code == 403, "another link's page was shown"
    shown = await auth.http.get(link)
    assert "samesite=strict" in shown.headers["set-cookie"].lower()
    assert "form-action" not in shown.headers["content-security-policy"]
    assert (await auth.http.post(link)).status_code == 303


async def test_a_renewal_names_the_account_to_sign_in_with(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    state = await auth.start()
    assert (await auth.callback(state, await seller.code(ONE))).status_code == 200
    seller_name = (await auth.row())["seller_name"]
    page = await auth.http.get((await auth.connect()).json()["start_url"])
    assert seller_name
    assert f"<strong>{seller_name}</strong>: sign in with that one" in page.text


async def test_what_a_merchant_is_called_is_shown_as_text(auth: Auth) -> None:
    answer = await auth.http.put(
        "/v1/merchants/shein",
        json={"name": "<script>alert(1)</script>", "is_eligible": True},
        headers=auth.operator,
    )
    assert answer.status_code == 200
    page = await auth.http.get((await auth.connect()).json()["start_url"])
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


async def agreed_code(seller: Seller, location: str) -> str:
    """The code AliExpress gives once the seller agreed on the page at `location`."""
    asked = {k: v[0] for k, v in parse_qs(urlsplit(location).query).items()}
    agreed = await seller.http.post(
        "/oauth/authorize", data={**asked, "seller_id": ONE, "decision": "agree"}
    )
    return parse_qs(urlsplit(agreed.headers["location"]).query)["code"][0]


async def test_a_code_is_bound_to_the_browser_that_asked_for_it(proving: Selling) -> None:
    auth, seller = proving
    await auth.register()
    theirs = await auth.go_on((await auth.connect()).json()["start_url"])
    stolen = await agreed_code(seller, theirs.headers["location"])
    assert "code_challenge_method=S256" in theirs.headers["location"]

    state = await auth.start()  # the thief's own browser, with the code of another's
    page = await auth.callback(state, stolen)
    assert page.status_code == 400
    assert (await auth.row())["connection"] == "pending"

    mine = await auth.go_on((await auth.connect()).json()["start_url"])
    location = mine.headers["location"]
    state = parse_qs(urlsplit(location).query)["state"][0]
    page = await auth.callback(state, await agreed_code(seller, location))
    assert page.status_code == 200, page.text


async def test_no_challenge_is_sent_where_the_platform_takes_none(auth: Auth) -> None:
    await auth.register()
    redirect = await auth.go_on((await auth.connect()).json()["start_url"])
    assert "code_challenge" not in redirect.headers["location"]
