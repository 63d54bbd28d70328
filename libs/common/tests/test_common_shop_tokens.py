"""The hand-out of access tokens, against an auth-service that is slow, strict or away."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated

import pytest
import uvicorn
from fastapi import FastAPI, Header, Response
from pydantic import SecretStr

from common.errors import Outage
from common.shop_tokens import ShopNotConnected, ShopToken, ShopTokens
from stack.ports import free_port
from stack.testing import eventually


@dataclass
class AuthService:
    """As much of it as hands out tokens; `hold` keeps a shop's answer back."""

    url: str
    bearers: set[str] = field(default_factory=set)
    issued: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    generation: int = 1
    status: int = 200
    refuses_bearers: bool = False
    body: bytes | None = None
    reports: list[int] = field(default_factory=list)

    def hold(self, shop_id: str) -> asyncio.Event:
        self.held[shop_id] = asyncio.Event()
        return self.held[shop_id]

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/v1/token")
        async def issue() -> dict[str, object]:
            self.issued += 1
            self.bearers.add(bearer := f"bearer-{self.issued}")
            return {"access_token": bearer, "expires_in": 600}

        @app.get("/internal/v1/shops/{_merchant_id}/{shop_id}/token")
        async def token(
            _merchant_id: str, shop_id: str, authorization: Annotated[str, Header()]
        ) -> Response:
            self.asked[shop_id] += 1
            if self.refuses(authorization):
                return Response(status_code=401)
            generation = self.generation
            if shop_id in self.held:
                await self.held[shop_id].wait()
            expires = (datetime.now(UTC) + timedelta(days=3)).isoformat()
            text = (
                f'{{"access_token": "secret-{generation}", "seller_id": "s",'
                f' "generation": {generation}, "expires_at": "{expires}"}}'
            )
            return Response(self.body or text, self.status, media_type="application/json")

        @app.post("/internal/v1/shops/{_merchant_id}/{_shop_id}/token/dead")
        async def dead(
            _merchant_id: str,
            _shop_id: str,
            report: dict[str, int],
            authorization: Annotated[str, Header()],
        ) -> Response:
            if self.refuses(authorization):
                return Response(status_code=401)
            self.reports.append(report["generation"])
            return Response(status_code=204)

        return app

    def refuses(self, authorization: str) -> bool:
        return self.refuses_bearers or authorization.removeprefix("Bearer ") not in self.bearers


@pytest.fixture
async def auth() -> AsyncIterator[AuthService]:
    port = free_port()
    service = AuthService(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(service.app(), port=port, log_config=None))
    serving = asyncio.create_task(server.serve())

    async def is_up() -> bool:
        return server.started

    await eventually(is_up)
    yield service
    for event in service.held.values():
        event.set()
    server.should_exit = True
    await serving


@pytest.fixture
async def tokens(auth: AuthService) -> AsyncIterator[ShopTokens]:
    made = ShopTokens(auth.url, "orders", SecretStr("secret"))
    yield made
    await made.aclose()


async def was_asked(auth: AuthService, shop_id: str) -> None:
    async def is_so() -> bool:
        return auth.asked[shop_id] > 0

    await eventually(is_so)


async def test_a_slow_answer_for_one_shop_holds_no_other(
    auth: AuthService, tokens: ShopTokens
) -> None:
    release = auth.hold("slow")
    slow = asyncio.create_task(tokens.token("m", "slow"))
    await was_asked(auth, "slow")
    async with asyncio.timeout(3):
        quick = await tokens.token("m", "quick")
    assert quick.generation == 1
    assert not slow.done()
    release.set()
    assert (await slow).generation == 1


async def test_many_who_want_one_shop_cost_one_request(
    auth: AuthService, tokens: ShopTokens
) -> None:
    release = auth.hold("one")
    asking = [asyncio.create_task(tokens.token("m", "one")) for _ in range(10)]
    await was_asked(auth, "one")
    release.set()
    assert {token.generation for token in await asyncio.gather(*asking)} == {1}
    assert auth.asked["one"] == 1


async def test_many_who_want_different_shops_cost_one_bearer(
    auth: AuthService, tokens: ShopTokens
) -> None:
    await asyncio.gather(*(tokens.token("m", f"s{n}") for n in range(10)))
    assert auth.issued == 1


async def test_a_bearer_that_is_refused_is_replaced_at_once(
    auth: AuthService, tokens: ShopTokens
) -> None:
    await tokens.token("m", "a")
    auth.bearers.clear()  # its signing key was withdrawn, long before the bearer would end
    assert (await tokens.token("m", "b")).generation == 1
    assert auth.issued == 2
    auth.bearers.clear()
    await tokens.report_dead("m", "a", 1)
    assert auth.reports == [1]


async def test_bearers_that_are_always_refused_are_an_outage_and_not_kept(
    auth: AuthService, tokens: ShopTokens
) -> None:
    auth.refuses_bearers = True
    with pytest.raises(Outage, match="401"):
        await tokens.token("m", "a")
    assert auth.asked["a"] == 2
    auth.refuses_bearers = False
    auth.bearers.clear()
    issued = auth.issued
    await tokens.token("m", "a")
    assert auth.asked["a"] == 3
    assert auth.issued == issued + 1


async def test_a_token_that_is_forgotten_while_it_comes_is_not_kept(
    auth: AuthService, tokens: ShopTokens
) -> None:
    release = auth.hold("a")
    early = asyncio.create_task(tokens.token("m", "a"))
    await was_asked(auth, "a")
    auth.generation = 2
    tokens.forget("m", "a")
    release.set()
    assert (await early).generation == 1
    assert (await tokens.token("m", "a")).generation == 2


async def test_a_late_report_keeps_a_renewed_token(auth: AuthService, tokens: ShopTokens) -> None:
    auth.generation = 2
    await tokens.token("m", "a")
    await tokens.report_dead("m", "a", 1)
    assert (await tokens.token("m", "a")).generation == 2
    assert auth.asked["a"] == 1
    await tokens.report_dead("m", "a", 2)
    await tokens.token("m", "a")
    assert auth.asked["a"] == 2
    assert auth.reports == [1, 2]


@pytest.mark.parametrize("status", [404, 409])
async def test_a_shop_without_a_token_is_not_connected(
    auth: AuthService, tokens: ShopTokens, status: int
) -> None:
    auth.status = status
    with pytest.raises(ShopNotConnected):
        await tokens.token("m", "a")


@pytest.mark.parametrize("body", [b"<html>busy</html>", b'{"access_token": 5}'])
async def test_an_answer_of_another_form_is_an_outage(
    auth: AuthService, tokens: ShopTokens, body: bytes
) -> None:
    auth.body = body
    with pytest.raises(Outage):
        await tokens.token("m", "a")


async def test_while_auth_service_is_away_what_is_cached_still_serves(
    auth: AuthService, tokens: ShopTokens
) -> None:
    first: ShopToken = await tokens.token("m", "a")
    auth.status = 503
    assert await tokens.token("m", "a") == first
    with pytest.raises(Outage):
        await tokens.token("m", "b")
    away = ShopTokens(f"http://127.0.0.1:{free_port()}", "orders", SecretStr("secret"))
    with pytest.raises(Outage):
        await away.token("m", "a")
    await away.aclose()


async def test_one_who_gives_up_leaves_the_others_their_turn(
    auth: AuthService, tokens: ShopTokens
) -> None:
    release = auth.hold("a")
    first = asyncio.create_task(tokens.token("m", "a"))
    await was_asked(auth, "a")
    second = asyncio.create_task(tokens.token("m", "a"))
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    release.set()
    assert (await second).generation == 1
