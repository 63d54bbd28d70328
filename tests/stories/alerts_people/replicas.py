"""Two replicas of auth-service that are killed and started again, and what is asked of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import jwt

from stack.ports import LOOPBACK, free_port
from stack.testing import Programs, RunningProgram, eventually

OPERATOR = "operator"
SERVICE = "a-service"
SECRET = "operator-secret-of-a-test"


@dataclass
class Replica:
    """One process at a time on a port of its own."""

    name: str
    port: int
    starts: int = 0
    process: RunningProgram | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


@dataclass
class Replicas:
    """Both, and a client that asks whichever answers."""

    programs: Programs
    environment: dict[str, str]
    folder: Path
    all: list[Replica] = field(default_factory=list)
    is_ending: bool = False
    http: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(timeout=15))

    @property
    def kills(self) -> int:
        """How often one had to be started again."""
        return sum(replica.starts - 1 for replica in self.all)

    async def keep_up(self, replica: Replica) -> None:
        """Start the replica again whenever it ends."""
        environment = self.environment | {
            "AUTH_PORT": str(replica.port),
            "AUTH_INSTANCE_ID": replica.name,
        }
        while not self.is_ending:
            replica.starts += 1
            async with self.programs.running(
                "auth_service",
                "all",
                log=self.folder / f"{replica.name}.log",
                environment=environment,
                patience=timedelta(seconds=10),
            ) as process:
                replica.process = process
                await process.wait()

    async def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """The answer of a replica, as the operator; whichever gives one that is no outage."""
        answers: list[httpx2.Response] = []

        async def is_answered() -> bool:
            for replica in self.all:
                try:
                    headers = {"authorization": f"Bearer {await self.token(replica)}"}
                    answer = await self.http.request(
                        method, replica.url + path, headers=headers, **options
                    )
                except httpx2.HTTPError:
                    continue
                if answer.status_code < 500:
                    answers.append(answer)
                    return True
            return False

        await eventually(is_answered, within=30)
        return answers[0]

    async def token(self, replica: Replica, client: str = OPERATOR) -> str:
        """A token of the client, from this replica. Raises `HTTPError`."""
        answer = await self.http.post(
            f"{replica.url}/v1/token",
            data={
                "grant_type": "client_credentials",
                "client_id": client,
                "client_secret": SECRET,
            },
        )
        return str(answer.raise_for_status().json()["access_token"])

    async def have_time(self, now: datetime) -> bool:
        """Whether every replica that runs has taken up this time."""
        for replica in self.all:
            try:
                claims = jwt.decode(await self.token(replica), options={"verify_signature": False})
            except httpx2.HTTPError:
                return False  # on its way up
            if claims["iat"] < int(now.timestamp()):
                return False
        return True

    def kill(self, number: int) -> None:
        """SIGKILL, where it runs."""
        process = self.all[number].process
        if process is not None and not process.has_ended:
            process.send_signal(9)


@asynccontextmanager
async def running_replicas(
    programs: Programs, folder: Path, environment: dict[str, str]
) -> AsyncIterator[Replicas]:
    """Both run for the block."""
    clients = [
        {"client_id": OPERATOR, "secret": SECRET, "scopes": ["operator"]},
        {"client_id": SERVICE, "secret": SECRET, "scopes": ["token:read"]},
    ]
    ports = [free_port(), free_port()]
    whole = environment | {
        "AUTH_BOOTSTRAP_CLIENTS": json.dumps(clients),
    }
    replicas = Replicas(programs, whole, folder)
    replicas.all = [Replica(f"auth-{number}", port) for number, port in enumerate(ports)]
    tasks = [asyncio.create_task(replicas.keep_up(replica)) for replica in replicas.all]
    try:
        yield replicas
    finally:
        replicas.is_ending = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await replicas.http.aclose()
