"""Keys that producers sign with: shown once, sealed, two at most, gone with their client."""

from auth_service.producer_keys import store
from auth_service.sealing.rewrap import rewrap_next
from auth_service.sealing.token_vault import TokenVault
from common.contracts.signature import ProducerKey

from ..auth_harness import MASTER_KEY, Auth

LOOKUP = "/internal/v1/producer-keys/lookup"


async def new_client(auth: Auth, *scopes: str, merchant_id: str = "shein") -> str:
    answer = await auth.http.post(
        f"/v1/merchants/{merchant_id}/api-clients",
        json={"name": "erp", "scopes": list(scopes)},
        headers=auth.operator,
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["client_id"])


def keys_of(client_id: str, merchant_id: str = "shein") -> str:
    return f"/v1/merchants/{merchant_id}/api-clients/{client_id}/producer-keys"


async def new_key(auth: Auth, client_id: str) -> ProducerKey:
    answer = await auth.http.post(keys_of(client_id), headers=auth.operator)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    key = ProducerKey.parse(answer.json()["signing_key"])
    assert key.key_id == answer.json()["key_id"]
    return key


async def looked_up(auth: Auth, *keys: ProducerKey) -> dict[str, str]:
    """Merchant by key, for those that live."""
    answer = await auth.http.post(
        LOOKUP, json={"key_ids": [key.key_id for key in keys]}, headers=auth.service
    )
    assert answer.status_code == 200, answer.text
    return {item["signing_key"]: item["merchant_id"] for item in answer.json()["keys"]}


async def test_a_key_is_found_by_services_and_shown_to_nobody_else_again(auth: Auth) -> None:
    await auth.register()
    client = await new_client(auth, "catalogue:write")
    key = await new_key(auth, client)
    unknown = ProducerKey("unknown", bytes(32))
    assert await looked_up(auth, key, unknown) == {key.as_text(): "shein"}
    listed = (await auth.http.get(keys_of(client), headers=auth.operator)).json()["items"]
    assert [set(item) for item in listed] == [{"key_id", "created_at"}]
    for caller in (auth.operator, auth.bearer("catalogue:write", merchant_id="shein")):
        refused = await auth.http.post(LOOKUP, json={"key_ids": [key.key_id]}, headers=caller)
        assert refused.status_code == 403
    row = await auth.pool.fetchrow("SELECT * FROM producer_key")
    assert row is not None
    secret = key.as_text().partition(":")[2]
    assert not any(
        form in str(value).encode() + (value if isinstance(value, bytes) else b"")
        for value in row.values()
        for form in (key.secret, secret.encode())
    )


async def test_a_client_makes_its_own_keys_and_nobody_elses(auth: Auth) -> None:
    await auth.register()
    await auth.register("other")
    client = await new_client(auth, "catalogue:write")
    own = auth.bearer("catalogue:write", merchant_id="shein", subject=client)
    assert (await auth.http.post(keys_of(client), headers=own)).status_code == 201
    sibling = await new_client(auth, "catalogue:write")
    assert (await auth.http.post(keys_of(sibling), headers=own)).status_code == 403
    foreign = auth.bearer("catalogue:write", merchant_id="other", subject=client)
    assert (await auth.http.post(keys_of(client), headers=foreign)).status_code == 404
    moved = await auth.http.post(keys_of(client, "other"), headers=auth.operator)
    assert moved.status_code == 404


async def test_a_client_that_does_not_write_catalogues_has_no_keys(auth: Auth) -> None:
    await auth.register()
    client = await new_client(auth, "orders:write")
    refused = await auth.http.post(keys_of(client), headers=auth.operator)
    assert refused.status_code == 409
    assert "catalogue:write" in refused.json()["remedy"]


async def test_keys_are_rotated_two_at_a_time(auth: Auth) -> None:
    await auth.register()
    client = await new_client(auth, "catalogue:write")
    old, new = await new_key(auth, client), await new_key(auth, client)
    assert set(await looked_up(auth, old, new)) == {old.as_text(), new.as_text()}
    third = await auth.http.post(keys_of(client), headers=auth.operator)
    assert (third.status_code, third.json()["type"].rpartition(":")[2]) == (
        409,
        "too-many-producer-keys",
    )
    path = f"{keys_of(client)}/{old.key_id}"
    assert (await auth.http.delete(path, headers=auth.operator)).status_code == 204
    assert (await auth.http.delete(path, headers=auth.operator)).status_code == 404
    assert set(await looked_up(auth, old, new)) == {new.as_text()}
    await new_key(auth, client)


async def test_keys_go_with_their_client_or_its_scope(auth: Auth) -> None:
    await auth.register()
    client = await new_client(auth, "catalogue:write")
    key = await new_key(auth, client)
    change = "UPDATE api_client SET scopes = $2 WHERE client_id = $1"
    await auth.pool.execute(change, client, ["catalogue:read"])
    assert await looked_up(auth, key) == {}
    await auth.pool.execute(change, client, ["catalogue:write"])
    assert len(await looked_up(auth, key)) == 1
    await auth.pool.execute("DELETE FROM api_client WHERE client_id = $1", client)
    assert await looked_up(auth, key) == {}
    assert await auth.pool.fetchval("SELECT count(*) FROM producer_key") == 0


async def test_a_new_master_key_wraps_them_again(auth: Auth) -> None:
    await auth.register()
    key = await new_key(auth, await new_client(auth, "catalogue:write"))
    vault = TokenVault.parse("k2:" + "Mg" * 21 + "M=," + MASTER_KEY)
    assert await rewrap_next(auth.pool, vault, store.SEALED)
    assert not await rewrap_next(auth.pool, vault, store.SEALED)
    assert await auth.pool.fetchval("SELECT sealed_under FROM producer_key") == "k2"
    assert key.key_id == await auth.pool.fetchval("SELECT key_id FROM producer_key")
    back = TokenVault.parse(MASTER_KEY + ",k2:" + "Mg" * 21 + "M=")
    assert await rewrap_next(auth.pool, back, store.SEALED)
    assert len(await looked_up(auth, key)) == 1
