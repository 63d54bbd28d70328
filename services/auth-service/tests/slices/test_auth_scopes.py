"""Every route, as the OpenAPI document lists them: nobody passes without the right token."""

import pytest

from ..auth_harness import Auth

OPEN = {
    ("post", "/v1/token"),
    ("get", "/v1/jwks.json"),
    ("get", "/v1/oauth/start"),
    ("post", "/v1/oauth/start"),
    ("get", "/v1/oauth/callback"),
}
EVERY_MERCHANT_SCOPE = [
    f"{thing}:{right}"
    for thing in ("shops", "catalogue", "feeds", "orders", "dead-letters")
    for right in ("read", "write")
]


async def routes(auth: Auth) -> list[tuple[str, str]]:
    document = (await auth.http.get("/openapi.json")).json()
    found = [(method, path) for path, item in document["paths"].items() for method in item]
    assert set(found) > OPEN
    return [route for route in found if route not in OPEN]


def filled(path: str) -> str:
    for name in ("merchant_id", "shop_id", "client_id", "key_id", "dead_letter_id"):
        path = path.replace(f"{{{name}}}", "1" if name == "dead_letter_id" else "shein")
    return path


async def statuses(auth: Auth, headers: dict[str, str]) -> dict[tuple[str, str], int]:
    return {
        (method, path): (
            await auth.http.request(method.upper(), filled(path), headers=headers)
        ).status_code
        for method, path in await routes(auth)
    }


async def test_without_a_token_every_route_answers_401(auth: Auth) -> None:
    assert set((await statuses(auth, {})).values()) == {401}


async def test_another_merchants_token_opens_nothing(auth: Auth) -> None:
    await auth.register("shein")
    foreign = auth.bearer(*EVERY_MERCHANT_SCOPE, merchant_id="other")
    answered = await statuses(auth, foreign)
    assert set(answered.values()) <= {403, 404}
    assert {status for (_, path), status in answered.items() if "/shops" in path} <= {403, 404}


@pytest.mark.parametrize("merchant_id", ["shein", None])
async def test_a_token_without_scopes_opens_nothing(auth: Auth, merchant_id: str | None) -> None:
    await auth.register("shein")
    answered = await statuses(auth, auth.bearer(merchant_id=merchant_id))
    assert set(answered.values()) == {403}


async def test_a_merchants_own_token_never_opens_what_is_for_services_and_operators(
    auth: Auth,
) -> None:
    await auth.register("shein")
    own = auth.bearer(*EVERY_MERCHANT_SCOPE, "token:read", merchant_id="shein")
    answered = await statuses(auth, own)
    for route in (
        ("get", "/v1/merchants"),
        ("put", "/v1/merchants/{merchant_id}"),
        ("post", "/v1/merchants/{merchant_id}/api-clients"),
        ("post", "/v1/republish"),
        ("post", "/v1/merchants/{merchant_id}/api-clients/{client_id}/producer-keys"),
        ("post", "/internal/v1/producer-keys/lookup"),
        ("get", "/internal/v1/shops/{merchant_id}/{shop_id}/token"),
        ("post", "/internal/v1/shops/{merchant_id}/{shop_id}/token/dead"),
    ):
        assert answered[route] == 403, route


async def test_an_operator_opens_every_route_but_those_of_tokens_and_keys(auth: Auth) -> None:
    await auth.register("shein")
    answered = await statuses(auth, auth.operator)
    assert {route for route, status in answered.items() if status == 403} == {
        ("post", "/internal/v1/producer-keys/lookup"),
        ("get", "/internal/v1/shops/{merchant_id}/{shop_id}/token"),
        ("post", "/internal/v1/shops/{merchant_id}/{shop_id}/token/dead"),
    }
