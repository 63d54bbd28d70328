import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from auth_service.clients.bootstrap import bootstrap_clients
from auth_service.clients.signing_keys import SigningKeys, SigningKeyUnusable
from auth_service.clients.throttle import PER_CLIENT
from auth_service.settings import BootstrapClient
from common import clock
from common.web.identity import AUDIENCE, ISSUER, Verifier

from ..auth_harness import Auth, new_signing_key


async def token_of(auth: Auth, client_id: str, secret: str) -> dict[str, str]:
    answer = await auth.http.post(
        "/v1/token",
        data={
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
        },
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_in"] == 600
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


async def test_a_bootstrap_client_gets_a_token_that_the_published_keys_verify(auth: Auth) -> None:
    client = BootstrapClient(client_id="cli", secret=SecretStr("s3cret"), scopes=["operator"])
    await bootstrap_clients(auth.pool, [client])

    bearer = await token_of(auth, "cli", "s3cret")
    published = (await auth.http.get("/v1/jwks.json")).json()["keys"]
    verifier = Verifier("http://127.0.0.1:1/never-asked")
    verifier.trust({key["kid"]: jwt.PyJWK(key) for key in published})
    identity = await verifier.verify(bearer["authorization"].removeprefix("Bearer "))

    assert (identity.subject, identity.merchant_id, identity.is_operator) == ("cli", None, True)
    assert not any("d" in key for key in published), "a private part was published"


async def test_a_changed_bootstrap_secret_replaces_the_previous_one(auth: Auth) -> None:
    for secret in ("first", "second"):
        client = BootstrapClient(client_id="cli", secret=SecretStr(secret), scopes=["operator"])
        await bootstrap_clients(auth.pool, [client])

    await token_of(auth, "cli", "second")
    refused = await auth.http.post(
        "/v1/token",
        data={"grant_type": "client_credentials", "client_id": "cli", "client_secret": "first"},
    )
    assert refused.status_code == 401


async def test_a_merchants_client_acts_for_it_alone_within_its_scopes(auth: Auth) -> None:
    await auth.register("shein")
    await auth.register("other")
    made = await auth.http.post(
        "/v1/merchants/shein/api-clients",
        json={"name": "erp", "scopes": ["shops:read"]},
        headers=auth.operator,
    )
    assert made.status_code == 201
    bearer = await token_of(auth, made.json()["client_id"], made.json()["client_secret"])

    async def status(method: str, path: str) -> int:
        return (await auth.http.request(method, path, headers=bearer)).status_code

    assert await status("GET", "/v1/merchants/shein/shops") == 200
    assert await status("GET", "/v1/merchants/other/shops") == 404
    assert await status("GET", "/v1/merchants/nobody/shops") == 404
    assert await status("POST", "/v1/merchants/shein/shops/main/connect") == 403
    assert await status("GET", "/v1/merchants") == 403
    assert await status("GET", "/internal/v1/shops/shein/main/token") == 403
    stored = await auth.pool.fetchval("SELECT secret_hash FROM api_client")
    assert made.json()["client_secret"].encode() not in stored


@pytest.mark.parametrize(
    ("scopes", "slug"),
    [
        pytest.param(["operator"], "scope-unknown", id="operator"),
        pytest.param(["token:read"], "scope-unknown", id="token"),
        pytest.param(["shops:fly"], "scope-unknown", id="no-such"),
        pytest.param([], "scope-unknown", id="none"),
    ],
)
async def test_a_merchants_client_cannot_be_given_more_than_a_merchants_scopes(
    auth: Auth, scopes: list[str], slug: str
) -> None:
    await auth.register()
    answer = await auth.http.post(
        "/v1/merchants/shein/api-clients",
        json={"name": "erp", "scopes": scopes},
        headers=auth.operator,
    )
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(slug)
    assert answer.json()["field"] == "scopes"


def claims(**changes: object) -> dict[str, object]:
    now = int(clock.now().timestamp())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "cli",
        "scope": "operator",
        "exp": now + 600,
        **changes,
    }


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in claims().items() if key != name}


def part(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def bad_tokens(keys: SigningKeys) -> dict[str, str]:
    """Every way a token may be wrong, by name."""
    kid = keys.current_id
    public = keys.public[0]
    stranger = SigningKeys.parse(new_signing_key())

    def signed(
        body: dict[str, object], key: Ed25519PrivateKey = keys.current, **header: object
    ) -> str:
        return jwt.encode(body, key, algorithm="EdDSA", headers={"kid": kid, **header})

    good = signed(claims())
    head, body, signature = good.split(".")
    expired = int((clock.now() - timedelta(minutes=2)).timestamp())
    return {
        "empty": "",
        "not-a-jwt": "hello",
        "two-parts": f"{head}.{body}",
        "unsigned": f"{head}.{body}.",
        "alg-none": f"{part({'alg': 'none', 'kid': kid})}.{body}.",
        "alg-none-signed": f"{part({'alg': 'none', 'kid': kid})}.{body}.{signature}",
        "alg-NONE": f"{part({'alg': 'NONE', 'kid': kid})}.{body}.",
        "alg-missing": f"{part({'kid': kid})}.{body}.{signature}",
        "hs256-with-the-public-key": jwt.encode(
            claims(), public["x"].ljust(32, "="), algorithm="HS256", headers={"kid": kid}
        ),
        "other-key": signed(claims(), stranger.current),
        "unknown-kid": signed(claims(), stranger.current, kid=stranger.current_id),
        "body-changed": f"{head}.{part(claims(sub='root'))}.{signature}",
        "signature-cut": good[:-6],
        "signature-of-another": f"{head}.{body}.{signed(claims(sub='x')).split('.')[2]}",
        "expired": signed(claims(exp=expired)),
        "no-expiry": signed(without("exp")),
        "expiry-is-text": signed(claims(exp="tomorrow")),
        "wrong-audience": signed(claims(aud="someone-else")),
        "no-audience": signed(without("aud")),
        "wrong-issuer": signed(claims(iss="evil")),
        "no-issuer": signed(without("iss")),
        "no-subject": signed(without("sub")),
    }


BAD = list(bad_tokens(SigningKeys.parse(new_signing_key())))


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_token_is_answered_401(auth: Auth, name: str) -> None:
    bearer = {"authorization": f"Bearer {bad_tokens(auth.keys)[name]}"}
    answer = await auth.http.get("/v1/merchants", headers=bearer)

    # The keys' own address does not answer here, so an unknown key is an outage, never a welcome.
    assert answer.status_code == (503 if name == "unknown-kid" else 401), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "header",
    [{}, {"authorization": "Basic Y2xpOnM="}, {"authorization": "Bearer"}],
    ids=["none", "basic", "no-value"],
)
async def test_no_token_is_answered_401(auth: Auth, header: dict[str, str]) -> None:
    assert (await auth.http.get("/v1/merchants", headers=header)).status_code == 401


@pytest.mark.parametrize(
    ("form", "status"),
    [
        pytest.param({"client_id": "cli", "client_secret": "wrong"}, 401, id="wrong-secret"),
        pytest.param({"client_id": "nobody", "client_secret": "s"}, 401, id="unknown-client"),
        pytest.param({"client_id": "cli"}, 422, id="no-secret"),
        pytest.param(
            {"client_id": "cli", "client_secret": "s", "grant_type": "password"}, 400, id="grant"
        ),
    ],
)
async def test_a_token_is_given_only_for_the_right_secret(
    auth: Auth, form: dict[str, str], status: int
) -> None:
    client = BootstrapClient(client_id="cli", secret=SecretStr("s"), scopes=["operator"])
    await bootstrap_clients(auth.pool, [client])

    answer = await auth.http.post("/v1/token", data={"grant_type": "client_credentials", **form})

    assert answer.status_code == status
    assert "access_token" not in answer.text


def test_two_signing_keys_are_both_published_and_the_first_signs() -> None:
    newer, older = new_signing_key(), new_signing_key()
    keys = SigningKeys.parse(newer + older)

    assert [key["kid"] for key in keys.public] == [
        SigningKeys.parse(newer).current_id,
        SigningKeys.parse(older).current_id,
    ]
    assert keys.current_id == keys.public[0]["kid"]


@pytest.mark.parametrize("text", ["", "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"])
def test_a_signing_key_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(SigningKeyUnusable):
        SigningKeys.parse(text)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        pytest.param(
            "POST",
            "/v1/token",
            {"data": {"grant_type": "client_credentials", "client_id": "\0", "client_secret": "s"}},
            "client_id",
            id="client",
        ),
        pytest.param(
            "PUT",
            "/v1/merchants/shein",
            {"json": {"name": "She\0in", "is_eligible": True}},
            "name",
            id="merchant",
        ),
        pytest.param(
            "PUT",
            "/v1/merchants/shein",
            {"json": {"name": "Shein", "is_eligible": 0}},
            "is_eligible",
            id="a number for whether",
        ),
        pytest.param(
            "POST",
            "/v1/merchants/shein/api-clients",
            {"json": {"name": "\0", "scopes": ["shops:read"]}},
            "name",
            id="api-client",
        ),
        pytest.param(
            "POST", "/v1/republish", {"json": {"merchant_id": "\0"}}, "merchant_id", id="id"
        ),
        pytest.param(
            "POST", "/v1/republish", {"json": {"merchant_id": "a b"}}, "merchant_id", id="blank"
        ),
    ],
)
async def test_a_text_the_database_cannot_hold_is_refused_by_its_field(
    auth: Auth, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    await auth.register()

    answer = await auth.http.request(method, path, headers=auth.operator, **body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == field


@pytest.mark.parametrize("client_id", ["throttled", "nobody-of-this-name"])
async def test_wrong_secrets_have_to_wait_whether_or_not_the_client_exists(
    auth: Auth, client_id: str
) -> None:
    client = BootstrapClient(client_id="throttled", secret=SecretStr("right"), scopes=["operator"])
    await bootstrap_clients(auth.pool, [client])
    asked = {"grant_type": "client_credentials", "client_id": client_id}
    statuses = [
        (await auth.http.post("/v1/token", data=asked | {"client_secret": "wrong"})).status_code
        for _ in range(PER_CLIENT)
    ]
    assert statuses == [401] * PER_CLIENT

    held_back = await auth.http.post("/v1/token", data=asked | {"client_secret": "right"})

    assert held_back.status_code == 429
    assert int(held_back.headers["retry-after"]) > 0
    assert "Wait" in held_back.json()["remedy"]


async def test_who_makes_a_merchant_overwrites_none_of_its_id(auth: Auth) -> None:
    path, operator = "/v1/merchants/acme", auth.operator

    async def put(name: str, **headers: str) -> httpx2.Response:
        named = {header.replace("_", "-"): value for header, value in headers.items()}
        body = {"name": name, "is_eligible": True}
        return await auth.http.put(path, json=body, headers=operator | named)

    made = await put("ACME", If_None_Match="*")
    assert (made.status_code, made.json()["name"]) == (200, "ACME")
    for name in ("Other", "ACME"):
        refused = await put(name, If_None_Match="*")
        problem = refused.json()
        assert (refused.status_code, problem["field"]) == (412, "If-None-Match")
        assert "acme" in problem["title"]
    read = await auth.http.get(path, headers=operator)
    assert (read.json()["name"], read.headers["etag"]) == ("ACME", made.headers["etag"])
    changed = await put("Meant", If_Match=read.headers["etag"])
    assert changed.headers["etag"] != read.headers["etag"]
    assert (await put("Late", If_Match=read.headers["etag"])).status_code == 412
    assert (await auth.http.get(path, headers=operator)).json()["name"] == "Meant"
    # without a condition it is what is meant, as PUT says
    assert (await put("Plain")).status_code == 200


async def test_of_two_who_make_a_merchant_at_once_one_does(auth: Auth) -> None:
    async def put(name: str) -> httpx2.Response:
        body = {"name": name, "is_eligible": True}
        headers = auth.operator | {"If-None-Match": "*"}
        return await auth.http.put("/v1/merchants/acme", json=body, headers=headers)

    answers = await asyncio.gather(*(put(f"M{number}") for number in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_a_merchant_is_found_by_letters_of_its_id_or_name(auth: Auth) -> None:
    for merchant_id, name in (("acme", "Zapatos Núñez"), ("b-100", "100 % Lana"), ("c", "C_D")):
        body = {"name": name, "is_eligible": True}
        await auth.http.put(f"/v1/merchants/{merchant_id}", json=body, headers=auth.operator)
    for words, found in (
        ("CM", ["acme"]), ("núñez", ["acme"]), ("%", ["b-100"]), ("_", ["c"]), ("100", ["b-100"]),
        ("nobody", []), ("", ["acme", "b-100", "c"]),
    ):  # fmt: skip
        query = {"q": words}
        page = await auth.http.get("/v1/merchants", params=query, headers=auth.operator)
        assert [one["merchant_id"] for one in page.json()["items"]] == found, words
    paged: dict[str, str | int] = {"q": "a", "limit": 1}
    first = (await auth.http.get("/v1/merchants", params=paged, headers=auth.operator)).json()
    more = paged | {"cursor": first["next_cursor"]}
    second = (await auth.http.get("/v1/merchants", params=more, headers=auth.operator)).json()
    assert [page["items"][0]["merchant_id"] for page in (first, second)] == ["acme", "b-100"]
