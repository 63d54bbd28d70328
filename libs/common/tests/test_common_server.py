"""A server's limits: what is above them is refused or closed, and nobody else is."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

import httpx2
import jwt
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from common.settings import ServiceSettings
from common.web import server as server_module
from common.web.server import make_servers
from stack.ports import free_port
from stack.testing import eventually


class Slow:
    """An app that answers `/slow` when the test lets it."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.running = 0
        self.app = FastAPI()
        for start in ("", "/v1/merchants/busy", "/v1/merchants/quiet"):
            self.app.get(f"{start}/slow")(self.slow)
            self.app.get(f"{start}/quick")(self.quick)
        self.app.get("/health/live")(self.quick)

    async def slow(self) -> str:
        self.running += 1
        await self.may_answer.wait()
        return "done"

    async def quick(self) -> str:
        return "done"


@asynccontextmanager
async def served(app: FastAPI, **limits: float) -> AsyncIterator[int]:
    settings = ServiceSettings(
        port=free_port(),
        database_url=SecretStr("unused"),
        kafka_bootstrap="unused",
        **limits,  # type: ignore[arg-type]
    )
    servers = make_servers(app, settings)
    serving = [asyncio.create_task(server.serve()) for server in servers]
    await eventually(lambda: all(server.started for server in servers))
    yield settings.port
    for server in servers:
        server.end()
    await asyncio.gather(*serving)


async def test_a_request_above_the_limit_is_a_problem_and_probes_are_answered() -> None:
    slow = Slow()
    async with (
        served(slow.app, requests_at_once=2) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        waiting = [asyncio.create_task(client.get("/slow")) for _ in range(2)]
        await eventually(lambda: slow.running == 2)

        refused = await client.get("/quick")
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
        assert refused.json()["remedy"]
        assert (await client.get("/health/live")).status_code == 200

        slow.may_answer.set()
        assert [(await answer).status_code for answer in waiting] == [200, 200]
        assert (await client.get("/quick")).status_code == 200


def bearer(merchant: str) -> dict[str, str]:
    token = jwt.encode({"merchant": merchant}, "k" * 32, algorithm="HS256")
    return {"authorization": f"Bearer {token}"}


async def test_a_merchant_that_asks_too_much_at_once_keeps_no_other_out() -> None:
    slow = Slow()
    async with (
        served(slow.app, requests_at_once=10) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        busy, quiet = bearer("busy"), bearer("quiet")
        # the path is nobody's but to say: a stranger uses up its own room there
        slow_path = "/v1/merchants/quiet/slow"
        waiting = [asyncio.create_task(client.get(slow_path, headers=busy)) for _ in range(20)]
        await eventually(lambda: sum(answer.done() for answer in waiting) + slow.running == 20)
        refused = [await answer for answer in waiting if answer.done()]

        own = await client.get("/v1/merchants/quiet/quick", headers=quiet)
        assert own.status_code == 200
        assert slow.running == 6  # one more than it leaves free of ten
        assert {answer.status_code for answer in refused} == {429}
        assert int(refused[0].headers["retry-after"]) > 0
        assert refused[0].json()["remedy"]

        slow.may_answer.set()
        await asyncio.gather(*waiting)
        again = await client.get("/v1/merchants/busy/quick", headers=busy)
        assert again.status_code == 200


HALF_SENT = {
    "nothing": b"",
    "a line": b"GET /quick HTTP/1.1\r\n",
    "some headers": b"GET /quick HTTP/1.1\r\nhost: x\r\nx-a: 1\r\n",
    "after a whole request": b"GET /quick HTTP/1.1\r\nhost: x\r\n\r\n",
}


@pytest.mark.parametrize("first", HALF_SENT.values(), ids=HALF_SENT)
async def test_a_connection_whose_headers_do_not_come_is_closed(first: bytes) -> None:
    async with served(Slow().app, headers_within_seconds=0.6, keep_alive_seconds=60) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first)
        if first.endswith(b"\r\n\r\n"):
            assert (await reader.readuntil(b'"done"')).startswith(b"HTTP/1.1 200")
            writer.write(b"GET /quick")
        began = time.monotonic()

        async def drip() -> None:
            while not reader.at_eof():
                writer.write(b"x")
                await asyncio.sleep(0.1)  # what a slow sender does

        dripping = asyncio.create_task(drip()) if first else None
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert time.monotonic() - began < 3
        if dripping is not None:
            dripping.cancel()
        writer.close()


async def test_a_slow_answer_and_an_idle_connection_outlive_the_headers_time() -> None:
    slow = Slow()
    limits = {"headers_within_seconds": 0.2, "keep_alive_seconds": 60}
    async with served(slow.app, **limits) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n"
        writer.write(request % b"/slow")
        await eventually(lambda: slow.running == 1)
        closed = asyncio.create_task(reader.read(1))
        done, _ = await asyncio.wait([closed], timeout=0.6)
        assert not done
        slow.may_answer.set()
        assert await closed == b"H"
        await reader.readuntil(b'"done"')
        ended = asyncio.create_task(reader.read(1))
        done, _ = await asyncio.wait([ended], timeout=0.6)
        assert not done
        writer.write(request % b"/quick")
        assert await ended == b"H"
        writer.close()


async def test_an_idle_server_rests_dates_its_answers_and_ends_when_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_module, "TICK", timedelta(hours=1))
    async with (
        served(Slow().app) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        answer = await client.get("/quick")
        assert parsedate_to_datetime(answer.headers["date"]).tzinfo is UTC


def test_an_idle_connection_is_kept_for_longer_than_clients_keep_theirs() -> None:
    """Else a request that comes just as it is closed has no answer: the CLI said so of a service
    that was well."""
    kept = ServiceSettings.model_fields["keep_alive_seconds"].default
    assert kept > (httpx2.Limits().keepalive_expiry or 0)
    assert kept > 60, "what load balancers keep theirs for, most of them"


async def test_headers_above_their_size_are_refused() -> None:
    async with served(Slow().app, header_bytes=2_000) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /quick HTTP/1.1\r\nhost: x\r\nx-long: " + b"y" * 3_000)
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 4")
        writer.close()


async def test_connections_above_their_number_are_answered_503() -> None:
    async with served(Slow().app, connections_at_once=3) as port:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /quick HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 503")
        for _, each in [*idle, (reader, writer)]:
            each.close()

        async def is_served() -> bool:
            async with httpx2.AsyncClient() as client:
                answer = await client.get(f"http://127.0.0.1:{port}/quick")
            return answer.status_code == 200

        await eventually(is_served)


async def test_what_is_for_operators_has_a_port_of_its_own() -> None:
    app = FastAPI()
    for path in ("/v1/orders", "/internal/v1/token", "/metrics", "/health/live"):
        app.get(path)(lambda: "done")
    paths = [
        "/v1/orders",
        "/internal/v1/token",
        "/metrics",
        "/health/live",
        "/openapi.json",
        "/docs",
    ]
    tricks = ["//v1/../metrics", "/v1/../metrics", "/V1/orders", "/v1", "/v1%2f..%2fmetrics"]
    operations = free_port()

    async with (
        served(app, operations_port=operations) as port,
        httpx2.AsyncClient() as client,
    ):

        async def status(of: int, path: str) -> int:
            return (await client.get(f"http://127.0.0.1:{of}{path}")).status_code

        assert [await status(operations, path) for path in paths] == [200] * len(paths)
        assert [await status(port, path) for path in paths] == [200, *[404] * (len(paths) - 1)]
        assert {await status(port, path) for path in tricks} == {404}
        answer = await client.get(f"http://127.0.0.1:{port}/metrics")
        assert answer.headers["content-type"] == "application/problem+json"
