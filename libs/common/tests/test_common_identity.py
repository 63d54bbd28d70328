import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from common import clock
from common.errors import Outage
from common.web.identity import AUDIENCE, ISSUER, Caller, Verifier, caller_with, merchant_with
from common.web.problem import ProblemApp

KEY = Ed25519PrivateKey.generate()
OTHER_KEY = Ed25519PrivateKey.generate()


def jwk(key: Ed25519PrivateKey, key_id: str) -> jwt.PyJWK:
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(public).decode().rstrip("=")
    return jwt.PyJWK({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": key_id, "alg": "EdDSA"})


def token(
    key: Any = KEY, algorithm: str = "EdDSA", kid: str = "k1", without: str = "", **changes: Any
) -> str:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "client",
        "merchant": "m1",
        "scope": "orders:read",
        "exp": int((clock.now() + timedelta(minutes=5)).timestamp()),
    } | changes
    claims.pop(without, None)
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    app = ProblemApp()
    verifier = Verifier("http://127.0.0.1:1/nowhere")
    verifier.trust({"k1": jwk(KEY, "k1")})
    app.state.verifier = verifier

    @app.get("/v1/merchants/{merchant_id}/orders")
    async def orders(
        merchant: Annotated[str, merchant_with("orders:read")],
    ) -> dict[str, str]:
        return {"merchant": merchant}

    @app.get("/v1/republish", dependencies=[caller_with("operator")])
    async def republish(caller: Caller) -> dict[str, str]:
        return {"by": caller.subject}

    @app.get("/v1/away")
    async def away() -> None:
        raise Outage("the marketplace is away", retry_after=timedelta(seconds=42))

    @app.get("/v1/bug")
    async def bug() -> None:
        raise KeyError("secret detail")

    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://channel") as made:
        yield made


def as_(bearer: str) -> dict[str, str]:
    return {"authorization": f"Bearer {bearer}"}


FOREIGN_PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

BAD_TOKENS = {
    "empty": "",
    "not a token": "abc",
    "three dots": "a.b.c",
    "unsigned": jwt.encode({"sub": "x", "merchant": "m1"}, "", algorithm="none"),
    "signed by another key": token(OTHER_KEY),
    "unknown key": token(kid="k9"),
    "no key id": token(kid=""),
    "HMAC": token("s" * 32, "HS256"),
    "expired": token(exp=int((clock.now() - timedelta(minutes=2)).timestamp())),
    "expiry as text": token(exp="tomorrow"),
    "no expiry": token(without="exp"),
    "no issuer": token(without="iss"),
    "no audience": token(without="aud"),
    "no subject": token(without="sub"),
    "another issuer": token(iss="elsewhere"),
    "another audience": token(aud="elsewhere"),
    "tampered": token()[:-6] + "AAAAAA",
    "claims of another token": ".".join(
        [token().split(".")[0], token(merchant="m2").split(".")[1], token().split(".")[2]]
    ),
}


@pytest.mark.parametrize("bad", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_a_bad_token_is_nobody(client: httpx2.AsyncClient, bad: str) -> None:
    answer = await client.get("/v1/merchants/m1/orders", headers=as_(bad))
    expected = 503 if bad in {BAD_TOKENS["unknown key"], BAD_TOKENS["no key id"]} else 401
    assert answer.status_code == expected
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["remedy"]


async def test_no_token_and_another_scheme_are_nobody(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/v1/merchants/m1/orders")).status_code == 401
    basic = {"authorization": "Basic " + token()}
    assert (await client.get("/v1/merchants/m1/orders", headers=basic)).status_code == 401


async def test_a_merchant_sees_its_own_and_a_foreign_one_does_not_exist(
    client: httpx2.AsyncClient,
) -> None:
    own = await client.get("/v1/merchants/m1/orders", headers=as_(token()))
    assert own.json() == {"merchant": "m1"}
    foreign = await client.get("/v1/merchants/m2/orders", headers=as_(token()))
    assert foreign.status_code == 404


async def test_a_scope_that_is_missing_is_named(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/merchants/m1/orders", headers=as_(token(scope="feeds:read")))
    assert answer.status_code == 403
    assert "orders:read" in answer.json()["title"]


async def test_operators_see_every_merchant_and_merchants_no_operator_route(
    client: httpx2.AsyncClient,
) -> None:
    operator = token(scope="operator", without="merchant")
    assert (await client.get("/v1/merchants/m7/orders", headers=as_(operator))).status_code == 200
    assert (await client.get("/v1/republish", headers=as_(operator))).status_code == 200
    forged = token(scope="operator")
    assert (await client.get("/v1/republish", headers=as_(forged))).status_code == 403
    assert (await client.get("/v1/merchants/m2/orders", headers=as_(forged))).status_code == 404


async def test_an_outage_says_when_to_come_back_and_a_bug_says_nothing_of_itself(
    client: httpx2.AsyncClient,
) -> None:
    away = await client.get("/v1/away")
    assert (away.status_code, away.headers["retry-after"]) == (503, "42")
    bug = await client.get("/v1/bug")
    assert bug.status_code == 500
    assert "secret" not in bug.text
    assert bug.json()["remedy"]
    missing = await client.get("/v1/nothing-here")
    assert (missing.status_code, missing.json()["status"]) == (404, 404)
