import re
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from auth_service.merchants.register_merchant import register_merchant
from auth_service.merchants.store import Merchant
from auth_service.sealing.rewrap import rewrap_next
from auth_service.sealing.token_vault import TokenVault
from auth_service.shops import store
from common.contracts.shop import ShopState
from common.contracts.token import TokenRenewed
from common.failpoints import FailpointError, arm
from common.postgres.pool import Connection

from ..auth_harness import Auth, Seller

Selling = tuple[Auth, Seller]
ONE, TWO = "2200100001", "2200100002"


async def connected(
    auth: Auth, seller: Seller, seller_id: str = ONE, shop_id: str = "main"
) -> None:
    state = await auth.start(shop_id=shop_id)
    page = await auth.callback(state, await seller.code(seller_id))
    assert page.status_code == 200, page.text


async def test_a_merchant_walks_the_pages_and_the_shop_is_connected(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    started = await auth.connect()
    invitation = await auth.http.get(started.json()["start_url"])
    assert "<strong>Shein</strong> (shein)" in invitation.text
    assert "<strong>main</strong>" in invitation.text
    redirect = await auth.http.post(started.json()["start_url"])
    cookie, shown = redirect.headers.get_list("set-cookie")
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert shown.startswith('channel_connect_shown=""')
    assert redirect.headers["referrer-policy"] == "no-referrer"
    asked = {k: v[0] for k, v in parse_qs(urlsplit(redirect.headers["location"]).query).items()}
    assert asked["redirect_uri"] == auth.settings.redirect_uri

    page = await seller.http.get(redirect.headers["location"])
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    agreed = await seller.http.post(
        "/oauth/authorize", data={**asked, **hidden, "seller_id": ONE, "decision": "agree"}
    )
    assert agreed.status_code == 302, agreed.text
    back = await auth.http.get(agreed.headers["location"])

    assert back.status_code == 200
    assert "The shop is connected" in back.text
    assert "cache-control" in back.headers
    shop = await auth.http.get(
        "/v1/merchants/shein/shops/main", headers=auth.bearer("shops:read", merchant_id="shein")
    )
    assert shop.json()["connection"] == "connected"
    assert shop.json()["seller_id"] == ONE
    lasts = datetime.fromisoformat(shop.json()["expires_at"]) - datetime.fromisoformat(
        shop.json()["connected_at"]
    )
    assert timedelta(days=29) < lasts <= timedelta(days=30, minutes=1)


async def test_connecting_publishes_the_state_and_issues_the_token_to_services_only(
    selling: Selling,
) -> None:
    auth, seller = selling
    await auth.register()
    await connected(auth, seller)

    given = await auth.http.get("/internal/v1/shops/shein/main/token", headers=auth.service)
    assert given.status_code == 200
    token = given.json()["access_token"]
    assert (given.json()["seller_id"], given.json()["generation"]) == (ONE, 1)

    states = await auth.events(ShopState)
    assert [(s.connection, s.generation) for s in states] == [("pending", 0), ("connected", 1)]
    assert states[0].revision < states[1].revision
    assert [e.generation for e in await auth.events(TokenRenewed)] == [1]
    dump = await auth.pool.fetch(
        "SELECT to_jsonb(s)::text FROM shop s UNION ALL SELECT to_jsonb(o)::text FROM outbox o"
    )
    assert not any(token in row[0] or token.encode().hex() in row[0] for row in dump)


async def test_renewing_raises_the_generation_and_an_old_report_ends_nothing(
    selling: Selling,
) -> None:
    auth, seller = selling
    await auth.register()
    await connected(auth, seller)
    await seller.http.post("/control/tokens/expire", json={"seller_id": ONE})
    await connected(auth, seller)

    late = await auth.http.post(
        "/internal/v1/shops/shein/main/token/dead", json={"generation": 1}, headers=auth.service
    )

    assert late.json() == {"connection": "connected", "generation": 2}


async def test_a_report_ends_the_connection_only_when_aliexpress_confirms_it(
    selling: Selling,
) -> None:
    auth, seller = selling
    await auth.register()
    await connected(auth, seller)

    async def report() -> object:
        answer = await auth.http.post(
            "/internal/v1/shops/shein/main/token/dead",
            json={"generation": 1},
            headers=auth.service,
        )
        return answer.json()["connection"]

    assert await report() == "connected", "the token lives: the report was wrong"
    await seller.http.post("/control/tokens/expire", json={"seller_id": ONE})
    assert await report() == "disconnected"
    assert await report() == "disconnected"

    given = await auth.http.get("/internal/v1/shops/shein/main/token", headers=auth.service)
    assert given.status_code == 409
    assert (await auth.row())["token_ciphertext"] is None
    assert [s.connection for s in await auth.events(ShopState)][-1:] == ["disconnected"]


async def test_a_swapped_ciphertext_does_not_open(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    await connected(auth, seller, ONE, "main")
    await connected(auth, seller, TWO, "second")
    await auth.pool.execute(
        """
        UPDATE shop SET token_key_id = o.token_key_id, token_wrapped_key = o.token_wrapped_key,
            token_nonce = o.token_nonce, token_ciphertext = o.token_ciphertext
        FROM shop o WHERE shop.shop_id = 'main' AND o.shop_id = 'second'
        """
    )

    given = await auth.http.get("/internal/v1/shops/shein/second/token", headers=auth.service)
    assert given.status_code == 200
    with pytest.raises(Exception, match="shein/main"):
        await auth.http.get("/internal/v1/shops/shein/main/token", headers=auth.service)


async def test_master_keys_rotate_without_downtime(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    await connected(auth, seller)
    old = auth.settings.master_keys.get_secret_value()
    both = TokenVault.parse(f"k2:{'A' * 43}=,{old}")

    assert await rewrap_next(auth.pool, both, store.SEALED)
    assert not await rewrap_next(auth.pool, both, store.SEALED)

    assert (await auth.row())["token_key_id"] == "k2"


async def test_killed_between_the_token_and_the_commit_the_merchant_connects_again(
    selling: Selling,
) -> None:
    auth, seller = selling
    await auth.register()
    arm("auth.after-token=error")
    try:
        state = await auth.start()
        code = await seller.code()
        with pytest.raises(FailpointError):
            await auth.callback(state, code)
    finally:
        arm("")
    assert (await auth.row())["connection"] == "pending"

    assert (await auth.callback(state, code)).status_code == 400, "state and code are spent"
    await connected(auth, seller)
    assert (await auth.row())["generation"] == 1


# -- what must not connect a shop -------------------------------------------------------------


async def test_a_callback_without_state_is_refused(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    await auth.start()
    page = await auth.callback(None, await seller.code())
    assert page.status_code == 400
    assert (await auth.row())["connection"] == "pending"


@pytest.mark.parametrize("state", ["", "guessed", "x" * 43, "x" * 2000], ids=len)
async def test_a_callback_with_an_unknown_state_is_refused(selling: Selling, state: str) -> None:
    auth, seller = selling
    await auth.register()
    await auth.start()
    page = await auth.callback(state, await seller.code())
    assert page.status_code in {400, 422}
    assert (await auth.row())["connection"] == "pending"


async def test_a_state_from_another_browser_is_refused(selling: Selling) -> None:
    """Login CSRF: the attacker's state and code in the victim's browser, or the reverse."""
    auth, seller = selling
    await auth.register()
    attackers = await auth.start(shop_id="attackers")
    auth.http.cookies.clear()
    await auth.start(shop_id="main")

    page = await auth.callback(attackers, await seller.code(TWO))

    assert page.status_code == 400
    assert "same browser" in page.text


async def test_a_state_without_its_cookie_is_refused(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    state = await auth.start()
    auth.http.cookies.clear()
    assert (await auth.callback(state, await seller.code())).status_code == 400


async def test_a_state_with_a_made_up_cookie_is_refused(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    state = await auth.start()
    auth.http.cookies.clear()
    auth.http.cookies.set("channel_connect", "made-up")
    assert (await auth.callback(state, await seller.code())).status_code == 400


async def test_a_state_works_once(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    state = await auth.start()
    cookies = dict(auth.http.cookies)
    assert (await auth.callback(state, await seller.code())).status_code == 200
    auth.http.cookies.update(cookies)
    assert (await auth.callback(state, await seller.code())).status_code == 400
    assert (await auth.row())["generation"] == 1


async def test_a_state_expires_after_ten_minutes(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    state = await auth.start()
    await seller.move_clock(advance_seconds=601)
    assert (await auth.callback(state, await seller.code())).status_code == 400


async def test_a_ticket_expires_after_ten_minutes(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    started = await auth.connect()
    await seller.move_clock(advance_seconds=601)
    page = await auth.http.get(started.json()["start_url"])
    assert page.status_code == 410
    assert "new one" in page.text


@pytest.mark.parametrize("ticket", ["", "guessed"])
async def test_an_unknown_ticket_is_refused(auth: Auth, ticket: str) -> None:
    page = await auth.http.get("/v1/oauth/start", params={"ticket": ticket})
    assert page.status_code == 410
    assert "set-cookie" not in page.headers


async def test_a_seller_who_declines_connects_nothing(selling: Selling) -> None:
    auth, _ = selling
    await auth.register()
    state = await auth.start()
    page = await auth.http.get(
        "/v1/oauth/callback", params={"state": state, "error": "access_denied"}
    )
    assert page.status_code == 400
    assert "Agree on AliExpress" in page.text


@pytest.mark.parametrize("code", ["guessed", "<script>alert(1)</script>"])
async def test_a_code_aliexpress_does_not_know_is_refused(selling: Selling, code: str) -> None:
    auth, _ = selling
    await auth.register()
    state = await auth.start()
    page = await auth.callback(state, code)
    assert page.status_code == 400
    assert code not in page.text
    assert (await auth.row())["connection"] == "pending"


async def test_without_an_answer_of_aliexpress_nothing_is_connected(auth: Auth) -> None:
    await auth.register()
    page = await auth.callback(await auth.start(), "code")
    assert page.status_code == 502
    assert "new link" in page.text
    assert (await auth.row())["connection"] == "pending"


async def test_a_code_used_before_is_refused(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    code = await seller.code()
    assert (await auth.callback(await auth.start(), code)).status_code == 200
    assert (await auth.callback(await auth.start(), code)).status_code == 400
    assert (await auth.row())["generation"] == 1


async def test_renewing_with_another_seller_is_refused_and_the_shop_stays(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    await connected(auth, seller, ONE)
    page = await auth.callback(await auth.start(), await seller.code(TWO))
    assert page.status_code == 409
    assert "another account agreed" in page.text
    row = await auth.row()
    assert (row["seller_id"], row["generation"], row["connection"]) == (ONE, 1, "connected")


async def test_a_seller_is_one_shop_only(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    await auth.register("other")
    await connected(auth, seller, ONE, "main")

    own = await auth.callback(await auth.start(shop_id="second"), await seller.code(ONE))
    foreign = await auth.callback(await auth.start("other", "theirs"), await seller.code(ONE))

    assert (own.status_code, foreign.status_code) == (409, 409)
    assert "the shop main" in own.text
    assert "main" not in re.sub(r"<[^>]+>", "", foreign.text)


async def test_an_ineligible_merchant_learns_whom_to_ask(auth: Auth) -> None:
    await auth.register(is_eligible=False)
    answer = await auth.connect()
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("not-eligible")
    assert answer.json()["rule"] == "M1.1"
    assert "sellers@channel.example" in answer.json()["remedy"]


async def test_a_merchant_made_ineligible_on_the_way_is_refused_at_the_callback(
    selling: Selling,
) -> None:
    auth, seller = selling
    await auth.register()
    state = await auth.start()
    await auth.register(is_eligible=False)
    page = await auth.callback(state, await seller.code())
    assert page.status_code == 403
    assert (await auth.row())["connection"] == "pending"


async def test_an_unknown_merchant_cannot_connect(auth: Auth) -> None:
    answer = await auth.http.post(
        "/v1/merchants/nobody/shops/main/connect",
        headers=auth.bearer("shops:write", merchant_id="nobody"),
    )
    assert answer.status_code == 404


async def test_a_foreign_merchants_shop_does_not_exist(selling: Selling) -> None:
    auth, seller = selling
    await auth.register()
    await connected(auth, seller)
    foreign = auth.bearer("shops:read", "shops:write", merchant_id="other")

    for method, path in (
        ("GET", "/v1/merchants/shein/shops"),
        ("GET", "/v1/merchants/shein/shops/main"),
        ("POST", "/v1/merchants/shein/shops/main/connect"),
        ("GET", "/v1/merchants/shein"),
    ):
        theirs = await auth.http.request(method, path, headers=foreign)
        missing = await auth.http.request(method, path.replace("shein", "nobody"), headers=foreign)
        assert theirs.status_code == missing.status_code == 404
        assert theirs.json() == missing.json()


async def test_without_eligibility_no_token_is_issued_and_every_state_is_published(
    selling: Selling,
) -> None:
    auth, seller = selling
    await auth.register()
    await connected(auth, seller)
    await auth.register(is_eligible=False)

    given = await auth.http.get("/internal/v1/shops/shein/main/token", headers=auth.service)
    assert given.status_code == 409
    assert given.json()["rule"] == "M1.1"
    states = await auth.events(ShopState)
    assert [s.is_eligible for s in states] == [True, True, False]
    assert not states[-1].is_usable


async def test_a_merchant_and_what_follows_from_it_are_saved_together(auth: Auth) -> None:
    await auth.register()

    async def fail(_connection: Connection, _merchant: Merchant) -> None:
        raise RuntimeError("the shops cannot follow")

    with pytest.raises(RuntimeError):
        await register_merchant(auth.pool, "shein", name="Shein", is_eligible=False, on_change=fail)

    merchant = await auth.http.get("/v1/merchants/shein", headers=auth.operator)
    assert merchant.json()["is_eligible"] is True


async def test_republishing_publishes_every_state_with_a_higher_revision(
    selling: Selling,
) -> None:
    auth, seller = selling
    await auth.register()
    await connected(auth, seller)
    before = (await auth.events(ShopState))[-1]

    answer = await auth.http.post("/v1/republish", json={}, headers=auth.operator)

    assert answer.json() == {"records": 1}
    after = (await auth.events(ShopState))[-1]
    assert after.revision > before.revision
    assert (after.connection, after.generation) == ("connected", 1)
