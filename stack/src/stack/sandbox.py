"""The sandbox as a process of its own, for tests: AliExpress as it behaves, on a free port."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from stack.ports import LOOPBACK, free_port
from stack.processes import Command, Process, Spawn, spawn_program

APP_KEY = "500100"
APP_SECRET = "sandbox-app-secret-not-for-production"  # noqa: S105 - the sandbox's public default


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that runs: where it is, and the credentials of the app it knows."""

    url: str
    process: Process
    app_key: str = APP_KEY
    app_secret: str = APP_SECRET
    smtp_port: int = 0
    """Where it catches mails."""

    async def reset(self) -> None:
        """Forget products, orders, faults, tokens, the ledger, and that its clock was moved."""
        now = {"set": datetime.now(UTC).isoformat(), "is_frozen": False}
        async with httpx2.AsyncClient(base_url=self.url, timeout=30) as client:
            (await client.post("/control/clock", json=now)).raise_for_status()
            (await client.post("/control/reset")).raise_for_status()


@asynccontextmanager
async def running_sandbox(
    folder: Path, *, spawn: Spawn = spawn_program, **settings: str
) -> AsyncIterator[Sandbox]:
    """Run a sandbox whose log lies in `folder`, started by `spawn`.

    `settings` are its own (`SANDBOX_`), such as `redirect_uris="http://…"` or `seed="7"`.
    """
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    smtp_port = free_port()
    wanted = {
        "host": LOOPBACK,
        "port": str(port),
        "public_url": url,
        "smtp_port": str(smtp_port),
    } | settings
    environment = {f"SANDBOX_{name.upper()}": value for name, value in wanted.items()}
    process = Process(
        Command(
            "sandbox",
            [sys.executable, "-m", "sandbox"],
            folder / "sandbox.log",
            environment={**os.environ, **environment},
        ),
        is_ready=lambda _pid: answers(f"{url}/control/health"),
        spawn=spawn,
    )
    await process.start()
    try:
        yield Sandbox(url, process, smtp_port=smtp_port)
    finally:
        await process.stop()


async def answers(url: str) -> bool:
    """Whether a GET of `url` (plain HTTP) is answered with 200 within two seconds.

    Asked many times a second while others start, so it is kept cheap: no client, no TLS context.
    """
    place = urlsplit(url)
    request = f"GET {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
            try:
                writer.write(request.encode())
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return status.split()[1:2] == [b"200"]
