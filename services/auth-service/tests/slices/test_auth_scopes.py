"""Every route, as the OpenAPI document lists them: nobody passes without the right token."""

from typing import Any

import pytest

from auth_service.clients.scopes import SCOPES_OF_ROLE
from common.web.identity import Identity

from ..auth_harness import Auth

OPEN = {
    ("post", "/v1/token"),
    ("get", "/v1/jwks.json"),
    ("get", "/v1/oauth/start"),
    ("post", "/v1/oauth/start"),
    ("get", "/v1/oauth/callback"),
    ("post", "/v1/sessions"),
    ("post", "/v1/links/show"),
    ("post", "/v1/invitations/accept"),
    ("post", "/v1/password/forgot"),
    ("post", "/v1/password/reset"),
}
"""Of anyone who knows a secret; those tagged `pages`, too."""
EVERY_MERCHANT_SCOPE = [
    f"{thing}:{right}"
    for thing in ("shops", "catalogue", "feeds", "orders", "dead-letters")
    for right in ("read", "write")
] + ["feeds:run", "orders:ship", "audit:read"]


async def operations(auth: Auth) -> dict[tuple[str, str], Any]:
    """Every route that is not open, with its operation."""
    document = (await auth.http.get("/openapi.json")).json()
    found = {
        (method, path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if operation.get("tags") != ["pages"]
    }
    assert set(found) > OPEN
    return {route: operation for route, operation in found.items() if route not in OPEN}


def is_by_session(operation: Any) -> bool:
    return {"session": []} in operation["security"]


async def routes(auth: Auth) -> list[tuple[str, str]]:
    """Those that ask for a token."""
    found = await operations(auth)
    return [route for route, operation in found.items() if not is_by_session(operation)]


def filled(path: str) -> str:
    for name in ("merchant_id", "shop_id", "client_id", "key_id", "dead_letter_id", "person_id"):
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


async def test_a_persons_own_routes_take_their_session_and_no_token(auth: Auth) -> None:
    found = await operations(auth)
    own = [route for route, operation in found.items() if is_by_session(operation)]
    assert len(own) > 8
    for headers in ({}, auth.operator, auth.service, {"authorization": "Bearer " + "A" * 43}):
        for method, path in own:
            content = b"{}" if method in {"post", "put"} else None
            answer = await auth.http.request(
                method.upper(),
                filled(path),
                headers=headers | {"content-type": "application/json"},
                content=content,
            )
            assert answer.status_code == 401, (method, path)


@pytest.mark.parametrize("role", SCOPES_OF_ROLE)
async def test_a_role_opens_the_routes_of_its_scopes_and_no_others(auth: Auth, role: str) -> None:
    await auth.register("shein")
    scopes = SCOPES_OF_ROLE[role]
    identity = Identity("person:1", "shein", scopes)
    answered = await statuses(auth, auth.bearer(*scopes, merchant_id="shein"))
    found = await operations(auth)
    for route, status in answered.items():
        [needed] = {scope for need in found[route]["security"] for scope in need["token"]}
        may = "{merchant_id}" in route[1] and identity.may(needed)
        # producers' keys are their client's alone
        assert (status != 403) is (may and "producer-keys" not in route[1]), route


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
