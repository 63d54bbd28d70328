"""The service as a process of its own, to be killed or asked to end."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from stack.ports import free_port

from .publisher_harness import Harness


@asynccontextmanager
async def publisher_process(
    harness: Harness, folder: Path, replica: str, *, failpoints: str = "", **changes: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The worker of a replica on the harness's stores; `changes` are settings of its own.

    It is asked to end with the block, unless it has ended.
    """
    settings = harness.settings
    values = {
        "database_url": settings.database_url.get_secret_value(),
        "kafka_bootstrap": settings.kafka_bootstrap,
        "topic_prefix": settings.topic_prefix,
        "auth_url": settings.auth_url,
        "marketplace_url": settings.marketplace_url,
        "app_key": settings.app_key,
        "app_secret": settings.app_secret.get_secret_value(),
        "instance_id": replica,
        "session_timeout_seconds": "6",
        "port": str(free_port()),
        **changes,
    }
    environment = {f"PUBLISHER_{name.upper()}": value for name, value in values.items()}
    if failpoints:
        environment |= {"FAILPOINTS": failpoints}
    with (folder / f"{replica}.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "feed_publisher", "worker",
            env={**os.environ, **environment}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 20)
