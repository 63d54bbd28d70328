"""API clients are listed, rotated with an overlap of two secrets, and revoked."""

from datetime import timedelta

import httpx2
import pytest

from ..auth_harness import Auth
from ..people_harness import audited, join, pass_time, token

pytestmark = pytest.mark.usefixtures("_own_clock")
CLIENTS = "/v1/merchants/shein/api-clients"


async def ask(auth: Auth, client_id: str, secret: str) -> int:
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": secret,
    }
    answer: httpx2.Response = await auth.http.post("/v1/token", data=form)
    return answer.status_code


async def test_an_owner_makes_rotates_and_revokes_a_client(auth: Auth) -> None:
    await auth.register()
    headers = await token(auth, await join(auth, "a@shein.example"))
    wanted = {"name": "shop system", "scopes": ["orders:ship", "orders:read"]}
    made = (await auth.http.post(CLIENTS, json=wanted, headers=headers)).json()
    client, first = made["client_id"], made["client_secret"]
    assert await ask(auth, client, first) == 200

    path = f"{CLIENTS}/{client}"
    rotated = await auth.http.post(f"{path}/rotate", json={"overlap_hours": 2}, headers=headers)
    assert rotated.status_code == 200
    second = rotated.json()["client_secret"]
    assert [await ask(auth, client, secret) for secret in (first, second)] == [200, 200]
    pass_time(timedelta(hours=2, seconds=1))
    assert [await ask(auth, client, secret) for secret in (first, second)] == [401, 200]
    headers = await token(auth, await join(auth, "b@shein.example"))
    at_once = await auth.http.post(f"{path}/rotate", json={"overlap_hours": 0}, headers=headers)
    third = at_once.json()["client_secret"]
    assert [await ask(auth, client, secret) for secret in (second, third)] == [401, 200]

    assert (await auth.http.delete(path, headers=headers)).status_code == 204
    assert await ask(auth, client, third) == 401
    assert (await auth.http.delete(path, headers=headers)).status_code == 404
    gone = await auth.http.post(f"{path}/rotate", json={}, headers=headers)
    assert gone.status_code == 404
    [listed] = (await auth.http.get(CLIENTS, headers=headers)).json()["items"]
    assert listed["revoked_at"] is not None
    assert not {"client_secret", "secret_hash"} & listed.keys()
    actions = [
        [row["subject"] for row in await audited(auth, f"client.{action}")]
        for action in ("made", "rotated", "revoked")
    ]
    assert actions == [[client], [client, client], [client]]


async def test_a_revoked_clients_producer_keys_prove_nothing(auth: Auth) -> None:
    await auth.register()
    made = await auth.http.post(
        CLIENTS, json={"name": "x", "scopes": ["catalogue:write"]}, headers=auth.operator
    )
    path = f"{CLIENTS}/{made.json()['client_id']}"
    key = (await auth.http.post(f"{path}/producer-keys", headers=auth.operator)).json()["key_id"]
    lookup = "/internal/v1/producer-keys/lookup"

    async def found() -> int:
        answer = await auth.http.post(lookup, json={"key_ids": [key]}, headers=auth.service)
        return len(answer.json()["keys"])

    assert await found() == 1
    await auth.http.delete(path, headers=auth.operator)
    assert await found() == 0
    another = await auth.http.post(f"{path}/producer-keys", headers=auth.operator)
    assert another.status_code == 404


async def test_clients_are_their_merchants_and_owners_alone_change_them(auth: Auth) -> None:
    await auth.register()
    await auth.register("other")
    made = await auth.http.post(
        CLIENTS, json={"name": "x", "scopes": ["orders:read"]}, headers=auth.operator
    )
    client = made.json()["client_id"]
    foreign = await token(auth, await join(auth, "o@other.example", "owner", "other"))
    agent = await token(auth, await join(auth, "a@shein.example", "agent"))
    elsewhere = f"/v1/merchants/other/api-clients/{client}"
    assert (await auth.http.delete(elsewhere, headers=foreign)).status_code == 404
    assert (await auth.http.delete(f"{CLIENTS}/{client}", headers=foreign)).status_code == 404
    assert (await auth.http.delete(f"{CLIENTS}/{client}", headers=agent)).status_code == 403
    assert (await auth.http.get("/v1/api-clients", headers=foreign)).status_code == 403
    everyone = await auth.http.get("/v1/api-clients", headers=auth.operator)
    assert [each["client_id"] for each in everyone.json()["items"]] == [client]
    for scope in ("members:write", "clients:write", "operator", "token:read"):
        body = {"name": "x", "scopes": [scope]}
        refused = await auth.http.post(CLIENTS, json=body, headers=auth.operator)
        assert refused.status_code == 422
