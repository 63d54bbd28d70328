"""OAuth, each class of failure and the old gateway, over real HTTP against the sandbox."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from aliexpress import logistics, oauth, offers, products, shop
from aliexpress.client import Client
from aliexpress.errors import (
    AppRefused,
    BadAnswer,
    BusinessError,
    CallerFault,
    LimitReached,
    MarketplaceFailure,
    OutcomeUnknown,
    PlatformFault,
    TokenDead,
)
from aliexpress.gateway import Gateway, new_gateway, old_gateway
from aliexpress.operation import AccessToken
from stack.forkserver import ForkServer
from stack.sandbox import Sandbox, running_sandbox

SELLER = "2200100001"
REDIRECT = "http://127.0.0.1:8001/v1/oauth/callback"
OpenMarket = Callable[..., Any]


# OAuth -------------------------------------------------------------------------------------------


async def agreed(
    person: httpx2.AsyncClient,
    sandbox: Sandbox,
    client: Client,
    verifier: oauth.CodeVerifier | None = None,
) -> dict[str, list[str]]:
    """What the browser comes back with after the seller has agreed."""
    url = oauth.authorize_url(client, redirect_uri=REDIRECT, state="s1", verifier=verifier)
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    page = f"{sandbox.url}/oauth/authorize"
    assert (await person.get(page, params=query)).status_code == 200
    answer = await person.post(page, data={**query, "seller_id": SELLER, "decision": "agree"})
    return parse_qs(urlsplit(answer.headers["location"]).query)


@pytest.mark.parametrize("kind", ["new", "old"])
@pytest.mark.parametrize("brought", ["its own", "another", "none"])
async def test_a_code_with_a_challenge_is_good_for_its_own_verifier_alone(
    open_market: OpenMarket, sandbox: Sandbox, kind: Literal["new", "old"], brought: str
) -> None:
    own, another = oauth.CodeVerifier.of("cookie-1"), oauth.CodeVerifier.of("cookie-2")
    verifier = {"its own": own, "another": another, "none": None}[brought]
    gateway = new_gateway(sandbox.url) if kind == "new" else old_oauth(sandbox)
    async with open_market(sandbox, gateway) as market, httpx2.AsyncClient() as person:
        (code,) = (await agreed(person, sandbox, market.client, own))["code"]
        exchange = oauth.create_token(market.client, code, redirect_uri=REDIRECT, verifier=verifier)
        if verifier is own:
            assert (await exchange).seller_id == SELLER
        else:
            with pytest.raises(CallerFault):
                await exchange


def test_a_challenge_is_made_as_the_standard_says() -> None:
    verifier = oauth.CodeVerifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert verifier.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert "dBjf" not in repr(verifier)


@pytest.mark.parametrize("is_secure", [False, True])
@pytest.mark.parametrize("kind", ["new", "old"])
async def test_a_person_agrees_and_the_code_is_used_once(
    open_market: OpenMarket, sandbox: Sandbox, kind: Literal["new", "old"], is_secure: bool
) -> None:
    gateway = new_gateway(sandbox.url) if kind == "new" else old_oauth(sandbox)
    async with open_market(sandbox, gateway) as market, httpx2.AsyncClient() as person:
        back = await agreed(person, sandbox, market.client)
        assert back["state"] == ["s1"]
        grant = await oauth.create_token(
            market.client, back["code"][0], redirect_uri=REDIRECT, is_secure=is_secure
        )
        assert grant.seller_id == SELLER
        assert timedelta(days=29) < grant.expires_at - datetime.now(UTC) <= timedelta(days=31)
        assert not grant.is_refreshable(datetime.now(UTC))
        profile = await shop.load_merchant_profile(market.client, grant.token)
        assert profile.shop_name
        with pytest.raises(CallerFault):
            await oauth.create_token(market.client, back["code"][0], redirect_uri=REDIRECT)


@pytest.mark.parametrize("is_secure", [False, True])
async def test_a_token_is_refreshed_where_the_platform_offers_it(
    open_market: OpenMarket, fork_server: ForkServer, tmp_path: Path, is_secure: bool
) -> None:
    async with (
        running_sandbox(tmp_path, spawn=fork_server.spawn, refresh_seconds="86400") as sandbox,
        open_market(sandbox) as market,
    ):
        code = await market.control("codes", seller_id=SELLER, redirect_uri=REDIRECT)
        grant = await oauth.create_token(market.client, code["code"])
        assert grant.is_refreshable(datetime.now(UTC))
        assert grant.refresh_token is not None
        renewed = await oauth.refresh_token(market.client, grant.refresh_token, is_secure=is_secure)
        assert renewed.seller_id == SELLER
        assert renewed.access_token != grant.access_token
        await shop.load_merchant_profile(market.client, renewed.token)


async def test_a_dead_refresh_token_is_said_to_be_dead(wrapped: Any) -> None:
    with pytest.raises((TokenDead, CallerFault)):
        await oauth.refresh_token(wrapped.client, "nothing")


def old_oauth(sandbox: Sandbox) -> Gateway:
    return old_gateway(sandbox.url, sandbox.url)


# Failures ----------------------------------------------------------------------------------------


async def test_a_wrong_secret(sandbox: Sandbox, open_market: OpenMarket) -> None:
    async with open_market(sandbox, secret="wrong") as market:
        with pytest.raises(AppRefused) as refused:
            await shop.load_merchant_profile(market.client, AccessToken(SELLER, "t"))
        assert refused.value.code == "IncompleteSignature"
        assert refused.value.request_id


async def test_a_wrong_clock(sandbox: Sandbox, open_market: OpenMarket) -> None:
    async with open_market(sandbox, now=lambda: datetime.now(UTC) - timedelta(hours=3)) as market:
        with pytest.raises(PlatformFault, match=r"(?i)timestamp"):
            await shop.load_merchant_profile(market.client, AccessToken(SELLER, "t"))


async def test_a_token_that_died(market: Any) -> None:
    await market.control("tokens/expire", seller_id=SELLER)
    with pytest.raises(TokenDead) as dead:
        await shop.load_merchant_profile(market.client, market.token)
    assert dead.value.request_id


async def test_a_ban_is_met_once_and_then_kept(market: Any) -> None:
    await market.control("bans", operation="*.merchant.profile.get", seconds=300)
    calls = []
    for _ in range(2):
        with pytest.raises(LimitReached) as refused:
            await shop.load_merchant_profile(market.client, market.token)
        calls.append(refused.value)
    assert timedelta(seconds=290) < calls[0].ban <= timedelta(seconds=300)
    assert calls[1].code == "limit-kept"
    assert timedelta() < calls[1].ban <= calls[0].ban


async def test_a_payload_the_business_refuses(market: Any) -> None:
    payload = await market.payload("P-1")
    payload["title_multi_language_list"] = [{"locale": "en_US", "title": "a<b>"}]
    with pytest.raises(CallerFault) as refused:
        await products.post_product(market.client, market.token, payload)
    assert refused.value.message


FAULTS: list[tuple[dict[str, Any], type[MarketplaceFailure], type[MarketplaceFailure], bool]] = [
    ({"kind": "http_error", "status": 502}, PlatformFault, OutcomeUnknown, False),
    ({"kind": "http_error_after", "status": 504}, PlatformFault, OutcomeUnknown, True),
    ({"kind": "html"}, BadAnswer, OutcomeUnknown, False),
    ({"kind": "truncated"}, BadAnswer, OutcomeUnknown, True),
    ({"kind": "refused"}, PlatformFault, OutcomeUnknown, False),
    ({"kind": "answer_lost"}, PlatformFault, OutcomeUnknown, True),
    ({"kind": "hang", "seconds": 5}, PlatformFault, OutcomeUnknown, False),
    ({"kind": "dead_token"}, TokenDead, TokenDead, False),
    ({"kind": "error", "code": "ServiceUnavailable"}, PlatformFault, PlatformFault, False),
    ({"kind": "error", "code": "isp.system-busy"}, PlatformFault, PlatformFault, False),
    (
        {"kind": "error", "code": "isp.remote-connection-error"},
        PlatformFault,
        OutcomeUnknown,
        False,
    ),
    ({"kind": "error", "code": "isv.invalid-parameter"}, CallerFault, CallerFault, False),
]


@pytest.mark.parametrize(
    ("fault", "of_read", "of_write", "has_effect"),
    FAULTS,
    ids=["-".join(map(str, row[0].values())) for row in FAULTS],
)
async def test_faults_are_typed_by_what_the_caller_may_do(
    wrapped: Any,
    fault: dict[str, Any],
    of_read: type[MarketplaceFailure],
    of_write: type[MarketplaceFailure],
    has_effect: bool,
) -> None:
    product_id = await wrapped.live_product("A-1")
    before = len(await wrapped.ledger())
    await wrapped.control("faults", operation="*.product.info.get", count=1, **fault)
    await wrapped.control("faults", operation="*.inventory.update", count=1, **fault)
    with pytest.raises(of_read):
        await products.load_product(wrapped.client, wrapped.token, product_id)
    stock = offers.ProductStock(product_id, (offers.SkuStock("A-1", 42),))
    with pytest.raises(of_write):
        await offers.update_stock(wrapped.client, wrapped.token, [stock])
    assert (len(await wrapped.ledger()) > before) == has_effect
    # The faults are spent: the same calls succeed, and a repeated stock update is harmless.
    assert (await offers.update_stock(wrapped.client, wrapped.token, [stock])).succeeded
    [sku] = (await products.load_product(wrapped.client, wrapped.token, product_id)).skus
    assert sku.inventory == 42


async def test_what_the_business_says_keeps_its_code_and_words(wrapped: Any) -> None:
    payload = await wrapped.payload("P-1")
    fault = {"code": "S00-10-10000-001", "message": "7150008:150008:You've reached the maximum"}
    await wrapped.control("faults", kind="business_error", count=1, **fault)
    with pytest.raises(BusinessError) as refused:
        await products.post_product(wrapped.client, wrapped.token, payload)
    assert {"code": refused.value.code, "message": refused.value.message} == fault
    assert refused.value.request_id


async def test_an_internal_error_of_shipping_may_be_repeated(wrapped: Any) -> None:
    await wrapped.control("faults", kind="business_error", count=1)
    shipment = logistics.Shipment("1", "EMS", "LA888877771CN", "all")
    with pytest.raises(PlatformFault):
        await logistics.fulfil_order(wrapped.client, wrapped.token, shipment)


async def test_a_gateway_that_is_down_was_never_reached(
    sandbox: Sandbox, open_market: OpenMarket
) -> None:
    async with open_market(sandbox, new_gateway("http://127.0.0.1:1")) as market:
        with pytest.raises(PlatformFault) as failure:
            await products.post_product(market.client, AccessToken(SELLER, "t"), {})
        assert failure.value.code == "not-sent"


# The old gateway ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sign_method", ["md5", "hmac"])
@pytest.mark.parametrize("is_simplified", [False, True], ids=["wrapped", "simplified"])
async def test_the_old_gateway_serves_the_same_methods(
    open_market: OpenMarket,
    sandbox: Sandbox,
    sign_method: Literal["md5", "hmac"],
    is_simplified: bool,
) -> None:
    gateway = old_gateway(sandbox.url, sandbox.url, sign_method=sign_method)
    async with open_market(sandbox, gateway, is_simplified=is_simplified) as market:
        await market.connect()
        product_id = await market.live_product("A-1")
        product = await products.load_product(market.client, market.token, product_id)
        assert product.product_id == product_id
        stock = offers.ProductStock(product_id, (offers.SkuStock("A-1", 9),))
        outcome = await offers.update_stock(market.client, market.token, [stock])
        assert outcome.succeeded == (product_id,)
        with pytest.raises(CallerFault) as refused:
            await products.load_product(market.client, market.token, "1")
        assert refused.value.request_id
        with pytest.raises(TokenDead):
            await products.load_product(market.client, AccessToken(SELLER, "dead"), product_id)


async def test_the_old_gateway_refreshes_nothing(sandbox: Sandbox, open_market: OpenMarket) -> None:
    async with open_market(sandbox, old_oauth(sandbox)) as market:
        with pytest.raises(CallerFault, match="not-on-this-gateway"):
            await oauth.refresh_token(market.client, "r")
