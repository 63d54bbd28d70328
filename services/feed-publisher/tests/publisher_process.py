"""The service as a process of its own, to be killed or asked to end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from stack.ports import free_port
from stack.testing import Programs, RunningProgram

from .publisher_harness import Harness


@asynccontextmanager
async def publisher_process(
    programs: Programs,
    harness: Harness,
    folder: Path,
    replica: str,
    *,
    failpoints: str = "",
    **changes: str,
) -> AsyncIterator[RunningProgram]:
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
        "fast_lane": str(settings.fast_lane).lower(),
        "port": str(free_port()),
        **changes,
    }
    environment = {f"PUBLISHER_{name.upper()}": value for name, value in values.items()}
    if failpoints:
        environment |= {"FAILPOINTS": failpoints}
    async with programs.running(
        *("feed_publisher", "worker"),
        log=folder / f"{replica}.log",
        environment=environment,
        patience=timedelta(seconds=20),
    ) as process:
        yield process
