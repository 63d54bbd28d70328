from datetime import UTC, datetime, timedelta

import pytest

from auth_service.expiry.watch_tokens import watch_tokens
from auth_service.tokens import measure_tokens
from common import clock
from common.contracts.shop import ShopState
from common.contracts.token import TokenExpired, TokenExpiring

from ..auth_harness import Auth, Seller

Selling = tuple[Auth, Seller]


async def connect(auth: Auth, seller: Seller) -> datetime:
    page = await auth.callback(await auth.start(), await seller.code())
    assert page.status_code == 200, page.text
    expires_at = (await auth.row())["expires_at"]
    assert isinstance(expires_at, datetime)
    return expires_at


async def at(monkeypatch: pytest.MonkeyPatch, auth: Auth, moment: datetime) -> None:
    """Set this time, and run the watcher until it finds nothing."""
    monkeypatch.setattr(clock, "now", lambda: moment)
    while await watch_tokens(auth.pool):
        pass


async def test_each_step_is_published_once_and_the_end_lapses_the_shop(
    selling: Selling, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth, seller = selling
    await auth.register()
    end = await connect(auth, seller)

    for hours in [29 * 24, *range(15 * 24, -48, -5)]:
        await at(monkeypatch, auth, end - timedelta(hours=hours))

    expiring = await auth.events(TokenExpiring)
    assert [event.step for event in expiring] == ["14d", "7d", "3d", "1d", "6h"]
    assert all(event.seconds_left > 0 and event.generation == 1 for event in expiring)
    assert len(await auth.events(TokenExpired)) == 1
    assert [s.connection for s in await auth.events(ShopState)][-1] == "lapsed"
    given = await auth.http.get("/internal/v1/shops/shein/main/token", headers=auth.service)
    assert given.status_code == 409


async def test_metrics_count_a_shop_as_lapsed_until_it_is_renewed(
    selling: Selling, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth, seller = selling
    await auth.register()
    end = await connect(auth, seller)
    for moment, name in (
        (end - timedelta(days=2), "<3"),
        (end, "lapsed"),
        (end + timedelta(days=9), "lapsed"),
    ):
        await at(monkeypatch, auth, moment)
        assert await counted(auth) == {name: 1}
    monkeypatch.undo()
    await connect(auth, seller)
    assert await counted(auth) == {"more": 1}


async def counted(auth: Auth) -> dict[str, float]:
    """The shops by the days their tokens have left, of those ranges that have some."""
    await measure_tokens.measure_tokens(auth.pool)
    readings = measure_tokens._tokens._readings
    return {labels[0][1]: shops for labels, shops in readings.items() if shops}


async def test_of_steps_missed_by_a_jump_of_the_clock_the_latest_alone_is_published(
    selling: Selling, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth, seller = selling
    await auth.register()
    end = await connect(auth, seller)

    await at(monkeypatch, auth, end - timedelta(hours=20))
    assert [event.step for event in await auth.events(TokenExpiring)] == ["1d"]

    await at(monkeypatch, auth, end + timedelta(days=9))
    assert [event.step for event in await auth.events(TokenExpiring)] == ["1d"]
    assert len(await auth.events(TokenExpired)) == 1


async def test_a_renewed_token_has_steps_of_its_own(
    selling: Selling, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth, seller = selling
    await auth.register()
    end = await connect(auth, seller)
    await at(monkeypatch, auth, end - timedelta(days=2))
    monkeypatch.undo()
    await auth.pool.execute("UPDATE shop SET expires_at = $1", datetime.now(UTC))
    renewed = await connect(auth, seller)

    await at(monkeypatch, auth, renewed - timedelta(days=10))

    expiring = await auth.events(TokenExpiring)
    assert [(event.step, event.generation) for event in expiring] == [("3d", 1), ("14d", 2)]


async def test_a_token_past_its_end_is_not_issued_before_the_watcher_looks(
    selling: Selling, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth, seller = selling
    await auth.register()
    end = await connect(auth, seller)
    monkeypatch.setattr(clock, "now", lambda: end)

    given = await auth.http.get("/internal/v1/shops/shein/main/token", headers=auth.service)

    assert given.status_code == 409
    assert (await auth.row())["connection"] == "connected"
