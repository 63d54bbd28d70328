"""A service as a process: what its probes answer, and how it ends."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from common.web.health import health_router
from stack.ports import free_port
from stack.testing import Programs, RunningProgram, eventually, proxy_to, serving

from . import probed_process
from .backbone_harness import Harness
from .probed_process import PUBLIC_KEY

ENDS_WITHIN = 10.0


@dataclass(frozen=True)
class Probed:
    harness: Harness
    process: RunningProgram
    url: str
    log: Path

    async def ask(self, probe: str) -> tuple[int, dict[str, Any]]:
        """The answer's status and body; 0 while there is none."""
        try:
            async with httpx2.AsyncClient(base_url=self.url) as client:
                answer = await client.get(f"/health/{probe}")
        except httpx2.TransportError:
            return 0, {}
        return answer.status_code, answer.json()

    async def get(self, path: str) -> tuple[int, str]:
        async with httpx2.AsyncClient(base_url=self.url, timeout=60) as client:
            answer = await client.get(path)
        return answer.status_code, answer.text

    def answers(self, probe: str, status: int) -> Callable[[], Awaitable[bool]]:
        async def does() -> bool:
            return (await self.ask(probe))[0] == status

        return does

    async def ask_for(self, trouble: str) -> None:
        await self.harness.pool.execute("INSERT INTO catalogue VALUES ($1)", trouble)

    async def exit_code(self) -> int:
        return await asyncio.wait_for(self.process.wait(), ENDS_WITHIN)


@asynccontextmanager
async def starting(
    programs: Programs, harness: Harness, folder: Path, role: str = "all", **settings: str
) -> AsyncIterator[Probed]:
    port, log = free_port(), folder / "probed.log"
    environment = {
        "PROBED_PORT": str(port),
        "PROBED_DATABASE_URL": harness.url,
        "PROBED_KAFKA_BOOTSTRAP": harness.bootstrap,
        "PROBED_TOPIC_PREFIX": harness.prefix,
    } | {f"PROBED_{name.upper()}": value for name, value in settings.items()}
    async with programs.running(
        *(probed_process.__name__, role), log=log, environment=environment
    ) as process:
        yield Probed(harness, process, f"http://127.0.0.1:{port}", log)


@asynccontextmanager
async def probed(programs: Programs, harness: Harness, folder: Path) -> AsyncIterator[Probed]:
    async with starting(programs, harness, folder) as service:
        await eventually(service.answers("ready", 200), within=120)
        yield service


@pytest.mark.parametrize("name", ["relay", "test.sources", "rest"])
async def test_a_part_that_ends_unasked_ends_the_process_to_be_restarted(
    programs: Programs, harness: Harness, tmp_path: Path, name: str
) -> None:
    async with probed(programs, harness, tmp_path) as service:
        await service.ask_for(f"cancel {name}")
        assert await service.exit_code() == 1
        ended = [line for line in service.log.read_text().splitlines() if "part_ended" in line]
        assert len(ended) == 1
        assert f'"{name}"' in ended[0]


async def test_what_a_service_survives_and_how_it_ends_when_asked(
    programs: Programs, harness: Harness, tmp_path: Path
) -> None:
    async with probed(programs, harness, tmp_path) as service:
        _, live = await service.ask("live")
        parts = ["measuring", "one", "prune-audit", "relay", "test.sources", "two"]
        assert sorted(live["components"]) == parts
        # a turn that is cancelled, by whomever, is followed by another
        await service.ask_for("cancel relay: turn")
        await service.ask_for("cancel test.sources: turn")

        async def were_run_again() -> bool:
            log = service.log.read_text()
            return "relay.outage" in log and "consumer.rebuild" in log

        await eventually(were_run_again)
        await eventually(service.answers("ready", 200))
        # a position off the log stops the consumer and nothing else: a restart would not help
        await harness.pool.execute("UPDATE consumer_position SET next_offset = 1000000")
        await service.ask_for("cancel test.sources: turn")
        await eventually(service.answers("ready", 503))
        await eventually(lambda: has_logged(service, "position_lost"))
        status, live = await service.ask("live")
        assert (status, live["status"]) == (200, "live")
        _, ready = await service.ask("ready")
        assert [name for name, well in ready["components"].items() if not well] == ["test.sources"]
        # a task that does not let itself be cancelled does not keep the process
        await service.ask_for("deaf")
        await eventually(lambda: took(service, "deaf"))
        service.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert await service.exit_code() == 0
        assert time.monotonic() - began < ENDS_WITHIN
        assert "tasks_stuck" in service.log.read_text()


async def test_a_service_that_still_waits_for_postgres_ends_when_asked(
    programs: Programs, harness: Harness, tmp_path: Path
) -> None:
    away = replace(harness, url=f"postgresql://channel@127.0.0.1:{free_port()}/away")
    async with starting(programs, away, tmp_path) as service:
        await eventually(lambda: has_logged(service, "postgres.unreachable"), within=120)
        service.process.send_signal(signal.SIGTERM)
        assert await service.exit_code() == 0


async def test_the_api_serves_without_kafka_and_is_not_ready_without_its_database(
    programs: Programs, harness: Harness, tmp_path: Path
) -> None:
    async with proxy_to(harness.url) as proxy:
        away = replace(
            harness, url=proxy.reroute(harness.url), bootstrap=f"127.0.0.1:{free_port()}"
        )
        async with starting(programs, away, tmp_path, "api", drain_seconds="0") as service:
            await eventually(service.answers("ready", 200), within=120)
            assert (await service.get("/slow?row=none"))[0] == 200
            passage = proxy.port
            await proxy.stop()
            await eventually(service.answers("ready", 503))
            _, ready = await service.ask("ready")
            assert ready["components"] == {
                "serving": True, "database": False, "signing-keys": True,
            }  # fmt: skip
            assert (await service.ask("live"))[0] == 200
            await proxy.start(passage)
            await eventually(service.answers("ready", 200))
            # it takes no part in what only the worker does
            assert (await service.ask("live"))[1]["components"] == {}


async def test_the_api_is_not_ready_without_the_keys_that_tokens_are_verified_with(
    programs: Programs, harness: Harness, tmp_path: Path
) -> None:
    jwks = FastAPI()
    keys: list[dict[str, str]] = []

    @jwks.get("/v1/jwks.json")
    async def answer() -> dict[str, list[dict[str, str]]]:
        return {"keys": keys}

    async with (
        serving(jwks) as auth_url,
        starting(
            programs, harness, tmp_path, "api", auth_url=auth_url, own_keys="false"
        ) as service,
    ):
        await eventually(service.answers("ready", 503), within=120)
        _, ready = await service.ask("ready")
        assert [name for name, well in ready["components"].items() if not well] == ["signing-keys"]
        keys.append(PUBLIC_KEY)
        await eventually(service.answers("ready", 200))


async def test_a_process_asked_to_end_lowers_its_readiness_first_and_ends_what_it_serves(
    programs: Programs, harness: Harness, tmp_path: Path
) -> None:
    async with starting(
        programs, harness, tmp_path, "api", drain_seconds="3", request_grace_seconds="20"
    ) as service:
        await eventually(service.answers("ready", 200), within=120)
        await service.ask_for("slow")
        download = asyncio.create_task(service.get("/slow?row=slow"))
        await eventually(lambda: has_logged(service, "slow.begun"))
        service.process.send_signal(signal.SIGTERM)
        await eventually(service.answers("ready", 503))
        _, ready = await service.ask("ready")
        assert [name for name, well in ready["components"].items() if not well] == ["serving"]
        # load balancers have not noticed yet: what they send is served
        assert (await service.get("/slow?row=none"))[0] == 200
        await eventually(service.answers("ready", 0), within=20)
        assert not service.process.has_ended
        assert not download.done()
        await harness.pool.execute("DELETE FROM catalogue WHERE catalogue_id = 'slow'")
        assert await download == (200, "the whole of it")
        assert await service.exit_code() == 0


async def has_logged(service: Probed, words: str) -> bool:
    return words in service.log.read_text()


async def took(service: Probed, trouble: str) -> bool:
    left = await service.harness.fetch("SELECT 1 FROM catalogue WHERE catalogue_id = $1", trouble)
    return not left


@pytest.mark.parametrize(
    ("probe", "well"), [("live", "live"), ("ready", "ready")], ids=["live", "ready"]
)
async def test_a_probe_names_the_component_that_is_not_well(probe: str, well: str) -> None:
    components = {"relay": True, "orders": True}
    app = FastAPI()
    empty: dict[str, bool] = {}

    async def readiness() -> dict[str, bool]:
        return components if probe == "ready" else empty

    app.include_router(
        health_router(
            liveness=lambda: components if probe == "live" else empty, readiness=readiness
        )
    )
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://probed") as client:
        answer = await client.get(f"/health/{probe}")
        assert (answer.status_code, answer.json()["status"]) == (200, well)
        components["relay"] = False
        answer = await client.get(f"/health/{probe}")
        assert answer.status_code == 503
        assert answer.json() == {"status": f"not {well}", "components": components}
