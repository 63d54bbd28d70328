"""Tokens are refreshed by themselves: in time, once, and without losing the old pair (M1.8)."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aliexpress.wiring import client_of
from auth_service.expiry.watch_tokens import watch_tokens
from auth_service.refreshing.refresh_tokens import PAUSE, Refresher, _refresh, refresh_tokens
from auth_service.sealing.token_vault import Owner, RefreshOwner, SealBroken, SealedToken
from auth_service.shops.refresh import store as refresh_store
from common import clock
from common.contracts.shop import ShopState
from common.contracts.token import TokenExpired, TokenExpiring, TokenRenewed
from common.jobs import Job
from common.postgres.leases import hold_lease, reclaim_leases
from common.postgres.set_aside import RowKey
from stack.testing import eventually

from ..auth_harness import Auth, Seller

Both = tuple[Auth, Seller]
SELLER = "2200100001"
REFRESH = "/auth/token/refresh"
TOKEN = "/internal/v1/shops/shein/main/token"
HALF_A_MONTH = 15 * 86_400 + 60


async def connect(auth: Auth, seller: Seller, seller_id: str = SELLER) -> None:
    page = await auth.callback(await auth.start(), await seller.code(seller_id))
    assert page.status_code == 200, page.text


async def connected(both: Both) -> Both:
    await both[0].register()
    await connect(*both)
    return both


@asynccontextmanager
async def refresher_of(auth: Auth, holder: str = "one") -> AsyncIterator[Refresher]:
    client = client_of(auth.settings, auth.pool)
    yield Refresher(auth.pool, client, auth.vault, holder)
    await client.aclose()


async def refresh(auth: Auth) -> None:
    """Let one replica refresh until it finds nothing to do."""
    async with refresher_of(auth) as refresher:
        while await refresh_tokens(refresher):
            pass


async def calls(seller: Seller, operation: str = REFRESH) -> int:
    answer = await seller.http.get("/control/calls")
    return int(answer.raise_for_status().json()["calls"].get(operation, 0))


async def is_in_flight(seller: Seller) -> bool:
    return REFRESH in (await seller.http.get("/control/calls")).json()["in_flight"]


async def strike(seller: Seller, **fault: object) -> None:
    body = {"operation": REFRESH, "count": 1} | fault
    (await seller.http.post("/control/faults", json=body)).raise_for_status()


async def issued(auth: Auth) -> dict[str, object]:
    answer = await auth.http.get(TOKEN, headers=auth.service)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def shop_of(auth: Auth) -> dict[str, object]:
    reader = auth.bearer("shops:read", merchant_id="shein")
    one = await auth.http.get("/v1/merchants/shein/shops/main", headers=reader)
    [listed] = (await auth.http.get("/v1/merchants/shein/shops", headers=reader)).json()["items"]
    assert one.json() == listed
    found: dict[str, object] = one.json()
    return found


async def next_refresh(auth: Auth) -> datetime:
    at = (await shop_of(auth))["next_refresh_at"]
    assert isinstance(at, str)
    return datetime.fromisoformat(at)


async def walk_to_the_end(auth: Auth, seller: Seller) -> list[str]:
    """Let the token's days pass; the steps that were published."""
    for _ in range(70):
        await seller.move_clock(advance_seconds=6 * 3600)
        await refresh(auth)
        while await watch_tokens(auth.pool):
            pass
    return [event.step for event in await auth.events(TokenExpiring)]


async def test_a_token_is_refreshed_in_time_again_and_again_and_nobody_is_warned(
    refreshing: Both,
) -> None:
    auth, seller = await connected(refreshing)
    first, view = await issued(auth), await shop_of(auth)
    assert (view["refreshes_itself"], view["refresh_refused"]) == (True, None)
    left = (await auth.row())["expires_at"] - await next_refresh(auth)
    assert timedelta(days=14, hours=12) < left < timedelta(days=17)

    await refresh(auth)
    assert await calls(seller) == 0

    for day in range(90):
        await seller.move_clock(advance_seconds=86_400)
        await refresh(auth)
        while await watch_tokens(auth.pool):
            pass
        assert (await issued(auth))["generation"] == 1 + await calls(seller), day

    assert 5 <= await calls(seller) <= 7
    assert not await auth.events(TokenExpiring)
    assert (await issued(auth))["access_token"] != first["access_token"]
    renewed = await auth.events(TokenRenewed)
    assert [event.cause for event in renewed] == ["person"] + ["refresh"] * await calls(seller)
    assert [event.generation for event in renewed] == list(range(1, len(renewed) + 1))
    state = (await auth.events(ShopState))[-1]
    assert (state.connection, state.generation) == ("connected", len(renewed))
    assert state.expires_at == renewed[-1].expires_at == (await auth.row())["expires_at"]
    assert await next_refresh(auth) > clock.now()


async def test_by_default_no_refresh_token_is_ever_used(not_refreshing: Both) -> None:
    auth, seller = await connected(not_refreshing)
    view = await shop_of(auth)
    assert (view["refreshes_itself"], view["next_refresh_at"]) == (False, None)

    for _ in range(32):
        await seller.move_clock(advance_seconds=86_400)
        for job in auth.parts.jobs:
            assert isinstance(job, Job)
            await job._turn()

    assert await calls(seller) == 0
    assert [event.step for event in await auth.events(TokenExpiring)] == ["14d", "7d", "3d", "1d"]
    assert len(await auth.events(TokenExpired)) == 1
    assert await auth.pool.fetchval("SELECT count(*) FROM token_refresh") == 0


async def test_a_refresh_token_that_is_dead_on_arrival_is_not_kept(selling: Both) -> None:
    auth, _ = await connected(selling)
    assert await auth.pool.fetchval("SELECT count(*) FROM token_refresh") == 0


async def test_two_replicas_make_one_call(refreshing: Both) -> None:
    auth, seller = await connected(refreshing)
    await seller.move_clock(advance_seconds=HALF_A_MONTH)
    await strike(seller, kind="latency", seconds=0.5)

    async with refresher_of(auth, "one") as one, refresher_of(auth, "two") as two:
        taken = await asyncio.gather(*(refresh_tokens(each) for each in (one, two) * 3))

    assert sorted(taken) == [False] * 5 + [True]
    assert await calls(seller) == 1
    assert (await issued(auth))["generation"] == 2


async def test_a_replica_that_listed_a_shop_before_another_refreshed_it_does_not_call(
    refreshing: Both,
) -> None:
    auth, seller = await connected(refreshing)
    await seller.move_clock(advance_seconds=HALF_A_MONTH)
    listed = RowKey("shein", "main")
    await refresh(auth)

    async with refresher_of(auth, "two") as refresher:
        assert not await _refresh(refresher, listed)

    assert await calls(seller) == 1
    assert (await issued(auth))["generation"] == 2


async def test_while_another_replica_has_the_lease_none_calls(refreshing: Both) -> None:
    auth, seller = await connected(refreshing)
    await seller.move_clock(advance_seconds=HALF_A_MONTH)
    async with (
        refresher_of(auth) as refresher,
        hold_lease(auth.pool, "auth.refresh:shein/main", "other") as lease,
    ):
        assert lease is not None
        assert not await refresh_tokens(refresher)
    assert await calls(seller) == 0


@pytest.mark.parametrize("kind", ["refused", "http_error"])
async def test_an_outage_is_tried_again_after_a_pause(refreshing: Both, kind: str) -> None:
    auth, seller = await connected(refreshing)
    await seller.move_clock(advance_seconds=HALF_A_MONTH)
    await strike(seller, kind=kind)

    await refresh(auth)
    assert (await issued(auth))["generation"] == 1
    assert clock.now() < await next_refresh(auth) <= clock.now() + PAUSE

    await seller.move_clock(advance_seconds=PAUSE.total_seconds())
    await refresh(auth)
    assert (await issued(auth))["generation"] == 2


@pytest.mark.parametrize("kind", ["answer_lost", "http_error_after", "truncated"])
async def test_after_a_lost_answer_the_old_pair_stands_and_the_person_is_asked_in_time(
    refreshing: Both, kind: str
) -> None:
    auth, seller = await connected(refreshing)
    before = await issued(auth)
    await seller.move_clock(advance_seconds=HALF_A_MONTH)
    await strike(seller, kind=kind)  # AliExpress has given a new pair, and took the old one

    await refresh(auth)
    assert await issued(auth) == before
    assert (await shop_of(auth))["refreshes_itself"] is True

    await seller.move_clock(advance_seconds=PAUSE.total_seconds())
    await refresh(auth)
    view = await shop_of(auth)
    assert (view["refreshes_itself"], view["refresh_refused"]) == (False, "IllegalRefreshToken")
    assert await issued(auth) == before

    assert await walk_to_the_end(auth, seller) == ["14d", "7d", "3d", "1d", "6h"]
    assert await calls(seller) == 2


async def test_a_refused_refresh_is_not_tried_again_and_the_steps_are_as_before(
    refreshing: Both,
) -> None:
    auth, seller = await connected(refreshing)
    await seller.move_clock(advance_seconds=HALF_A_MONTH)
    await strike(seller, kind="error", code="IllegalRefreshToken", message="taken back", count=None)

    assert await walk_to_the_end(auth, seller) == ["14d", "7d", "3d", "1d", "6h"]

    assert await calls(seller) == 1
    assert [event.generation for event in await auth.events(TokenExpired)] == [1]
    assert (await auth.row())["connection"] == "lapsed"
    assert await auth.pool.fetchval("SELECT count(*) FROM token_refresh") == 0

    await seller.http.delete("/control/faults")
    await connect(auth, seller)  # a new generation begins with a refresh token of its own
    await seller.move_clock(advance_seconds=HALF_A_MONTH)
    await refresh(auth)
    assert (await issued(auth))["generation"] == 3


async def test_a_shop_that_the_seller_took_back_is_refused(refreshing: Both) -> None:
    auth, seller = await connected(refreshing)
    await seller.http.post("/control/tokens/expire", json={"seller_id": SELLER})
    await seller.move_clock(advance_seconds=HALF_A_MONTH)

    await refresh(auth)

    view = await shop_of(auth)
    assert (view["refreshes_itself"], view["refresh_refused"]) == (False, "IllegalRefreshToken")
    dead = await auth.http.post(f"{TOKEN}/dead", json={"generation": 1}, headers=auth.service)
    assert dead.json()["connection"] == "disconnected"
    assert await auth.pool.fetchval("SELECT count(*) FROM token_refresh") == 0


async def test_a_refresh_token_past_its_own_end_is_not_sent(refreshing: Both) -> None:
    auth, seller = await connected(refreshing)
    await seller.move_clock(advance_seconds=HALF_A_MONTH)
    await auth.pool.execute("UPDATE token_refresh SET usable_until = $1", clock.now())

    await refresh(auth)

    assert await calls(seller) == 0
    assert (await shop_of(auth))["refresh_refused"] == "expired"


async def test_a_shop_of_a_merchant_who_may_not_sell_waits(refreshing: Both) -> None:
    auth, seller = await connected(refreshing)
    await auth.register(is_eligible=False)
    await seller.move_clock(advance_seconds=HALF_A_MONTH)
    await refresh(auth)
    assert await calls(seller) == 0
    assert (await shop_of(auth))["refreshes_itself"] is False

    await auth.register(is_eligible=True)
    await refresh(auth)
    assert (await issued(auth))["generation"] == 2


async def refresh_in_a_process_that_is_killed(auth: Auth, seller: Seller) -> None:
    """Another process of the replica `one`: it gets SIGKILL once AliExpress gave the new pair."""
    settings = {
        "DATABASE_URL": auth.settings.database_url.get_secret_value(),
        "KAFKA_BOOTSTRAP": auth.settings.kafka_bootstrap,
        "MASTER_KEYS": auth.settings.master_keys.get_secret_value(),
        "SIGNING_KEY": auth.settings.signing_key.get_secret_value(),
        "MARKETPLACE_URL": seller.sandbox.url,
        "APP_KEY": auth.settings.app_key,
        "APP_SECRET": auth.settings.app_secret.get_secret_value(),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).parent.parent / "refresh_once.py"),
        env=os.environ
        | {f"AUTH_{name}": value for name, value in settings.items()}
        | {"FAILPOINTS": "auth.after-token=kill"},
    )
    assert await process.wait() == -signal.SIGKILL


async def test_killed_between_the_answer_and_the_commit_nothing_is_lost(refreshing: Both) -> None:
    auth, seller = await connected(refreshing)
    before = await issued(auth)
    await seller.move_clock(advance_seconds=HALF_A_MONTH)

    await refresh_in_a_process_that_is_killed(auth, seller)

    assert await calls(seller) == 1
    assert await issued(auth) == before
    assert len(await auth.events(TokenRenewed)) == 1
    await refresh(auth)
    assert await calls(seller) == 1  # the dead replica's lease still runs
    async with auth.pool.acquire() as connection:
        kept = await refresh_store.find_due(connection, "shein", "main", clock.now())
        assert kept is not None
        assert auth.vault.open(kept[1], kept[0].owner)
        await reclaim_leases(connection, "one")  # as the replica does when it starts again
    await refresh(auth)  # AliExpress took the old refresh token: the person is asked, by the steps
    assert await calls(seller) == 2
    assert await issued(auth) == before
    assert (await shop_of(auth))["refresh_refused"] == "IllegalRefreshToken"


async def test_a_refresh_token_of_a_generation_before_is_not_used(refreshing: Both) -> None:
    """As a replica of the release before leaves it, when it renews a shop during a roll-out."""
    auth, seller = await connected(refreshing)
    await auth.pool.execute("UPDATE shop SET generation = generation + 1")
    await seller.move_clock(advance_seconds=HALF_A_MONTH)

    await refresh(auth)

    assert await calls(seller) == 0
    assert (await shop_of(auth))["refreshes_itself"] is False


async def test_a_person_who_renews_meanwhile_is_not_overruled_by_an_older_pair(
    refreshing: Both,
) -> None:
    auth, seller = await connected(refreshing)
    await seller.move_clock(advance_seconds=HALF_A_MONTH)
    await strike(seller, kind="late_answer", seconds=60)

    async with asyncio.TaskGroup() as group:
        group.create_task(refresh(auth))
        await eventually(lambda: is_in_flight(seller))
        await seller.move_clock(advance_seconds=60)
        await connect(auth, seller)
        by_hand = await issued(auth)
        await seller.http.delete("/control/faults")

    assert await issued(auth) == by_hand
    assert [event.cause for event in await auth.events(TokenRenewed)] == ["person", "person"]


async def report_dead(auth: Auth) -> object:
    answer = await auth.http.post(f"{TOKEN}/dead", json={"generation": 1}, headers=auth.service)
    return answer.raise_for_status().json()["connection"]


async def test_a_shop_called_dead_while_its_new_pair_is_under_way_goes_on_with_that(
    revoking: Both,
) -> None:
    auth, seller = await connected(revoking)
    await seller.move_clock(advance_seconds=HALF_A_MONTH)
    await strike(seller, kind="late_answer", seconds=60)

    async with asyncio.TaskGroup() as group:
        group.create_task(refresh(auth))
        await eventually(lambda: is_in_flight(seller))
        assert await report_dead(auth) == "disconnected"
        await seller.http.delete("/control/faults")

    assert (await issued(auth))["generation"] == 2
    assert (await shop_of(auth))["refreshes_itself"] is True
    states = [state.connection for state in await auth.events(ShopState)]
    assert states[-3:] == ["connected", "disconnected", "connected"]
    assert await report_dead(auth) == "connected"  # of the generation before: too late


async def test_where_the_lost_pair_ended_the_old_one_the_person_is_asked_at_once(
    revoking: Both,
) -> None:
    auth, seller = await connected(revoking)
    await seller.move_clock(advance_seconds=HALF_A_MONTH)
    await strike(seller, kind="answer_lost")
    await refresh(auth)

    assert await report_dead(auth) == "disconnected"

    await seller.move_clock(advance_seconds=86_400)
    await refresh(auth)
    assert await calls(seller) == 1
    assert await auth.pool.fetchval("SELECT count(*) FROM token_refresh") == 0
    await connect(auth, seller)
    assert (await issued(auth))["generation"] == 2


async def test_a_pair_of_another_seller_is_never_stored(refreshing: Both) -> None:
    auth, seller = await connected(refreshing)
    await auth.pool.execute("UPDATE shop SET seller_id = '2200100002'")
    await seller.move_clock(advance_seconds=HALF_A_MONTH)

    await refresh(auth)

    assert (await issued(auth))["generation"] == 1
    assert (await shop_of(auth))["refresh_refused"] == "other-seller"


async def test_tokens_stand_in_no_row_event_log_or_answer(refreshing: Both) -> None:
    auth, seller = await connected(refreshing)
    secrets = []
    with capture_logs() as logs:
        for fault in (None, "answer_lost"):
            if fault is not None:
                await strike(seller, kind=fault)
            async with auth.pool.acquire() as connection:
                await seller.move_clock(advance_seconds=HALF_A_MONTH)
                due = await refresh_store.find_due(connection, "shein", "main", clock.now())
            assert due is not None
            plan, sealed = due
            secrets += [auth.vault.open(sealed, plan.owner)]
            secrets += [str((await issued(auth))["access_token"])]
            await refresh(auth)
        for code in ("ServiceUnavailable", "IllegalRefreshToken"):  # and quotes what was sent
            await strike(seller, kind="error", code=code, message=secrets[-2])
            await seller.move_clock(advance_seconds=PAUSE.total_seconds())
            await refresh(auth)

    written = [str(logs), str(await shop_of(auth))]
    for table in ("outbox", "shop", "token_refresh", "failed_row", "lease"):
        rows = await auth.pool.fetch(f"SELECT t::text, t.* FROM {table} AS t")
        written += [str([*row.values()]) for row in rows]
    for event in ("shop.refreshed", "shop.refresh_postponed", "shop.refresh_refused"):
        assert event in written[0]
    for secret in secrets:
        assert len(secret) > 30
        assert not [text for text in written if secret in text or secret.encode().hex() in text]


async def test_a_refresh_token_opens_in_no_other_place(refreshing: Both) -> None:
    auth, _ = await connected(refreshing)
    [row] = await auth.pool.fetch(
        "SELECT sealed_under, wrapped_key, nonce, ciphertext FROM token_refresh"
    )
    sealed = SealedToken(*row)

    assert auth.vault.open(sealed, RefreshOwner("shein", "main", 1))
    others = [
        Owner("shein", "main", 1),
        RefreshOwner("shein", "main", 2),
        RefreshOwner("shein", "other", 1),
    ]
    for other in others:
        with pytest.raises(SealBroken):
            auth.vault.open(sealed, other)
