"""One shop's row that a background job fails on leaves the others unharmed."""

import base64
from datetime import timedelta

import pytest

from aliexpress.wiring import client_of
from auth_service.expiry.watch_tokens import watch_tokens
from auth_service.people.store import ensure_person
from auth_service.producer_keys import store as producer_key_store
from auth_service.producer_keys.make_key import make_key
from auth_service.refreshing.refresh_tokens import Refresher, refresh_tokens
from auth_service.sealing.rewrap import rewrap_next
from auth_service.sealing.token_vault import TokenVault
from auth_service.second_factor import store as factor_store
from auth_service.second_factor.check_code import enrol
from auth_service.shops import store as shop_store
from auth_service.shops.refresh import store as refresh_store
from auth_service.shops.republish import republish
from common import clock
from common.contracts.shop import ShopState
from common.contracts.token import TokenExpiring
from common.postgres.unit_of_work import unit_of_work

from ..auth_harness import MASTER_KEY, Auth, Seller

SELLERS = {"a-first": "2200100001", "b-poisoned": "2200100002", "c-last": "2200100003"}
POISONED = "b-poisoned"
GOOD = sorted(SELLERS.keys() - {POISONED})


async def connect_all(auth: Auth, seller: Seller) -> None:
    for merchant, seller_id in SELLERS.items():
        await auth.register(merchant)
        page = await auth.callback(await auth.start(merchant), await seller.code(seller_id))
        assert page.status_code == 200, page.text


async def poison_refresh_token(auth: Auth) -> None:
    await auth.pool.execute(
        "UPDATE token_refresh SET wrapped_key = $2 WHERE merchant_id = $1", POISONED, b"\x00" * 40
    )


async def failed(auth: Auth) -> list[tuple[str, str, str]]:
    """What REST lists of failed rows: job, merchant, subject."""
    answer = await auth.http.get("/v1/set-aside", headers=auth.operator)
    rows = answer.raise_for_status().json()["items"]
    return [(row["job"], row["merchant_id"], row["subject"]) for row in rows]


async def test_expiry(selling: tuple[Auth, Seller], monkeypatch: pytest.MonkeyPatch) -> None:
    auth, seller = selling
    await connect_all(auth, seller)
    await auth.pool.execute("UPDATE shop SET seller_id = NULL WHERE merchant_id = $1", POISONED)
    end = (await auth.row(GOOD[0]))["expires_at"]
    monkeypatch.setattr(clock, "now", lambda: end - timedelta(days=2))

    while await watch_tokens(auth.pool):
        pass

    assert sorted(event.merchant_id for event in await auth.events(TokenExpiring)) == GOOD
    assert await failed(auth) == [("expiry", POISONED, "main")]


async def test_rotate_keys(selling: tuple[Auth, Seller]) -> None:
    auth, seller = selling
    await connect_all(auth, seller)
    await auth.pool.execute(
        "UPDATE shop SET token_wrapped_key = $2 WHERE merchant_id = $1", POISONED, b"\x00" * 40
    )
    new = "k2:" + base64.b64encode(b"2" * 32).decode()
    vault = TokenVault.parse(f"{new},{MASTER_KEY}")

    while await rewrap_next(auth.pool, vault, shop_store.SEALED):
        pass

    keys = {merchant: (await auth.row(merchant))["token_key_id"] for merchant in SELLERS}
    assert keys == {merchant: "k1" if merchant == POISONED else "k2" for merchant in SELLERS}
    assert await failed(auth) == [("rotate-keys", POISONED, "main")]


async def test_rotate_refresh_keys(refreshing: tuple[Auth, Seller]) -> None:
    auth, seller = refreshing
    await connect_all(auth, seller)
    await poison_refresh_token(auth)
    new = "k2:" + base64.b64encode(b"2" * 32).decode()
    vault = TokenVault.parse(f"{new},{MASTER_KEY}")

    while await rewrap_next(auth.pool, vault, refresh_store.SEALED):
        pass

    rows = await auth.pool.fetch("SELECT merchant_id, sealed_under FROM token_refresh")
    assert dict(map(tuple, rows)) == {m: "k1" if m == POISONED else "k2" for m in SELLERS}
    assert await failed(auth) == [("rotate-refresh-keys", POISONED, "main")]


async def test_refresh_tokens(refreshing: tuple[Auth, Seller]) -> None:
    auth, seller = refreshing
    await connect_all(auth, seller)
    await poison_refresh_token(auth)
    await seller.move_clock(advance_seconds=16 * 86_400)
    client = client_of(auth.settings, auth.pool)

    while await refresh_tokens(Refresher(auth.pool, client, auth.vault, "one")):
        pass

    await client.aclose()
    generations = {merchant: (await auth.row(merchant))["generation"] for merchant in SELLERS}
    assert generations == {merchant: 1 if merchant == POISONED else 2 for merchant in SELLERS}
    assert await failed(auth) == [("refresh-tokens", POISONED, "main")]


async def test_rotate_producer_keys(auth: Auth) -> None:
    vault = TokenVault.parse(MASTER_KEY)
    for merchant in SELLERS:
        await auth.register(merchant)
        made = await auth.http.post(
            f"/v1/merchants/{merchant}/api-clients",
            json={"name": "events", "scopes": ["catalogue:write"]},
            headers=auth.operator,
        )
        await make_key(auth.pool, vault, merchant, made.json()["client_id"])
    await auth.pool.execute(
        "UPDATE producer_key SET wrapped_key = $2 WHERE merchant_id = $1", POISONED, b"\x00" * 40
    )
    new = "k2:" + base64.b64encode(b"2" * 32).decode()

    vault = TokenVault.parse(f"{new},{MASTER_KEY}")
    while await rewrap_next(auth.pool, vault, producer_key_store.SEALED):
        pass

    rows = await auth.pool.fetch("SELECT merchant_id, sealed_under FROM producer_key")
    assert dict(map(tuple, rows)) == {m: "k1" if m == POISONED else "k2" for m in SELLERS}
    assert [row[:2] for row in await failed(auth)] == [("rotate-producer-keys", POISONED)]


async def test_rotate_second_factors(auth: Auth) -> None:
    vault = TokenVault.parse(MASTER_KEY)
    people = {}
    async with unit_of_work(auth.pool) as connection:
        for name in SELLERS:
            person = await ensure_person(connection, f"{name}@shop.example")
            await enrol(connection, vault, person)
            people[name] = person.person_id
    await auth.pool.execute(
        "UPDATE second_factor SET wrapped_key = $2 WHERE person_id = $1",
        people[POISONED],
        b"\x00" * 40,
    )
    new = "k2:" + base64.b64encode(b"2" * 32).decode()

    vault = TokenVault.parse(f"{new},{MASTER_KEY}")
    while await rewrap_next(auth.pool, vault, factor_store.SEALED):
        pass

    rows = await auth.pool.fetch("SELECT person_id, sealed_under FROM second_factor")
    assert dict(map(tuple, rows)) == {
        person: "k1" if name == POISONED else "k2" for name, person in people.items()
    }
    assert await failed(auth) == [("rotate-second-factors", "", people[POISONED])]


async def test_republish(selling: tuple[Auth, Seller]) -> None:
    auth, seller = selling
    await connect_all(auth, seller)
    await auth.pool.execute("DELETE FROM outbox")
    await auth.pool.execute(
        "UPDATE shop SET revision = 9223372036854775807 WHERE merchant_id = $1", POISONED
    )

    await republish(auth.pool)

    assert [event.merchant_id for event in await auth.events(ShopState)] == GOOD
    assert await failed(auth) == [("republish", POISONED, "main")]


async def test_rows_are_listed_for_their_merchant_and_released_by_operators_alone(
    auth: Auth,
) -> None:
    await auth.register()
    await auth.pool.execute(
        """
        INSERT INTO failed_row VALUES
            ('expiry', 'shein', 'main', 5, 'KeyError', NULL, '2026-01-01Z', 'infinity'),
            ('expiry', 'other', 'main', 1, 'KeyError', NULL, '2026-01-01Z', '2026-01-02Z')
        """
    )
    own = auth.bearer("dead-letters:read", merchant_id="shein")
    [row] = (await auth.http.get("/v1/merchants/shein/set-aside", headers=own)).json()["items"]
    assert (row["is_set_aside"], row["retry_at"], row["failures"]) == (True, None, 5)
    foreign = await auth.http.get("/v1/merchants/other/set-aside", headers=own)
    assert foreign.status_code == 404

    path, which = "/v1/set-aside/release", {"job": "expiry", "merchant_id": "shein"}
    assert (await auth.http.post(path, json=which, headers=own)).status_code == 403
    released = await auth.http.post(path, json=which, headers=auth.operator)
    assert released.json() == {"released": 1}
    again = await auth.http.post(path, json=which, headers=auth.operator)
    assert again.status_code == 404
    assert [row[1] for row in await failed(auth)] == ["other"]
